# SPDX-License-Identifier: GPL-2.0-only
"""Output directories that modules are built against: prepared, or with a whole kernel built.

lab-<key>/ is configured from configs/lab.config; `build` makes its bzImage and modules, so that
modpost has every symbol and the lab has a kernel to boot. A kernel older than IOMMUFD's cdev takes
the distribution's configuration and Module.symvers instead, in distribution/. A directory is
ready when its stamp is there; an interrupted build goes on where it was.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.kernels.cache import appearing, locked
from tests.kernels.config import LAB, configure, read_fragment, require_met
from tests.kernels.errors import UnavailableError
from tests.kernels.packages import Apt, Candidate, derive_apt, extract, require_apt
from tests.kernels.progress import output_of, run_logged
from tests.kernels.tools import require_tools
from tests.kernels.trees import WANTS, Tree
from vfiogen.kernel.release import Release

_LAB_SINCE = Release(6, 6)
_PREPARED = ".vfiogen-prepared"
_BUILT = ".vfiogen-built"
_KEPT = ("scripts", "tools", "include")
_DEBRIS = (".o", ".a", ".cmd", ".mod", ".mod.c", ".d", ".unstripped", ".lds", ".S")


@dataclass(frozen=True)
class Prepared:
    """A directory that modules are built against (`make -C`, `vfiogen --kernel-dir`)."""

    tree: Tree
    directory: Path

    @property
    def linkable(self) -> bool:
        """Whether it knows what the kernel and its modules export, so that modpost can judge."""
        return (self.directory / "Module.symvers").is_file()

    @property
    def of_lab(self) -> bool:
        """Whether it is configured from the fragment, not the distribution's or given."""
        return (self.directory / "vfiogen.config").is_file()

    @property
    def image(self) -> Path:
        """The kernel to boot, there once one of the lab is built."""
        return self.directory / "arch/x86/boot/bzImage"

    @property
    def config(self) -> frozenset[str]:
        """The lines of the configuration."""
        return frozenset((self.directory / ".config").read_text().splitlines())


def find_module(prepared: Prepared, name: str) -> Path | None:
    """Return a module that the kernel was built with, upstream's qat_vfio_pci for example."""
    wanted = name.replace("-", "_")
    every = prepared.directory.rglob("*.ko")
    return next((path for path in every if path.stem.replace("-", "_") == wanted), None)


def prepare(tree: Tree) -> Prepared:
    """Return a directory prepared for modules; only a built one may be linkable."""
    prepared = _directory(tree)
    if not tree.ready and not _stamped(prepared, _PREPARED):
        require_tools()
        with _alone(tree):
            _prepare(prepared)
    return prepared


def build(tree: Tree) -> Prepared:
    """Return a directory with a whole kernel built, or with the distribution's symbols."""
    prepared = prepare(tree)
    if not tree.ready and _of_lab(tree) and not _stamped(prepared, _BUILT):
        require_tools()
        with _alone(tree):
            _build_kernel(prepared)
    return prepared


def remove_others(tree: Tree) -> list[Path]:
    """Remove the output directories but the one in use, which takes long to make; return them."""
    keep = _directory(tree).directory.name
    with _alone(tree), locked(f"intree-{tree.work.name}"):
        every = [*tree.work.glob("lab-*/"), *tree.work.glob("intree-*/")]
        old = [path for path in every if path.is_dir() and path.name != keep]
        for path in old:
            shutil.rmtree(path)
        return old


def jobs() -> int:
    """Return how many jobs a build runs: one for each processor that may be used."""
    return len(os.sched_getaffinity(0))


def make_arguments() -> list[str]:
    """Return how make is told of the jobs."""
    return [f"-j{jobs()}"]


def make_command(source: Path, out: Path, *goals: str) -> list[str | Path]:
    """Return the command that builds goals of a kernel, gently."""
    return ["nice", "-n", "10", "make", "-C", source, f"O={out}", f"-j{jobs()}", *goals]


def _alone(tree: Tree) -> contextlib.AbstractContextManager[None]:
    return locked(f"build-{tree.work.name}")


def _stamped(prepared: Prepared, stamp: str) -> bool:
    return (prepared.directory / stamp).exists()


def _of_lab(tree: Tree) -> bool:
    """Whether a tree takes the fragment; nothing of the distribution is fetched for a given one."""
    return tree.given or tree.release >= _LAB_SINCE


def _directory(tree: Tree) -> Prepared:
    """Return where a tree is or will be prepared."""
    if tree.ready:
        return Prepared(tree, tree.ready)
    return Prepared(tree, tree.work / (_lab_name(tree) if _of_lab(tree) else "distribution"))


def _lab_name(tree: Tree) -> str:
    lines = [one.line for one in read_fragment(LAB, tree.release)]
    text = "\n".join([*lines, _compiler()])
    return f"lab-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def _prepare(prepared: Prepared) -> None:
    """Prepare a directory, unless another run has while this one waited."""
    if _stamped(prepared, _PREPARED):
        return
    require_clean(prepared.tree.source)
    fill = _prepare_lab if _of_lab(prepared.tree) else _prepare_distribution
    fill(prepared.tree, prepared.directory, _log(prepared))
    (prepared.directory / _PREPARED).touch()


def _log(prepared: Prepared) -> Path:
    return prepared.tree.work / f"{prepared.directory.name}.log"


def _prepare_lab(tree: Tree, out: Path, log: Path) -> None:
    configure(tree.source, out, read_fragment(LAB, tree.release), f"Linux {tree.release}", log)
    _run_make(tree, out, ("modules_prepare",), log)


def _compiler() -> str:
    return output_of(["gcc", "--version"]).splitlines()[0]


def require_clean(source: Path) -> None:
    """Raise UnavailableError for a source tree that was configured in place."""
    if (source / ".config").exists() or (source / "include/config").is_dir():
        raise UnavailableError(
            f"{source} was configured in place, so that no other output directory can be used"
            " with it: run `make mrproper` there, or pass a clean tree"
        )


def _build_kernel(prepared: Prepared) -> None:
    """Build a kernel, unless another run has while this one waited; an interrupted build goes on."""
    if _stamped(prepared, _BUILT):
        return
    tree, out = prepared.tree, prepared.directory
    _run_make(tree, out, ("bzImage", "modules"), _log(prepared))
    require_met(read_fragment(LAB, tree.release), out / ".config")
    _remove_debris(out)
    (out / _BUILT).touch()


def _run_make(tree: Tree, out: Path, goals: tuple[str, ...], log: Path) -> None:
    title = f"building {' and '.join(goals)} of Linux {tree.release}"
    run_logged(make_command(tree.source, out, *goals), title, log)


def _remove_debris(out: Path) -> None:
    """Remove what neither modules nor a boot need: objects and what make remembers of them."""
    for path in out.rglob("*"):
        top = path.relative_to(out).parts[0]
        if top not in _KEPT and path.is_file() and path.name.endswith(_DEBRIS):
            path.unlink()


def _prepare_distribution(tree: Tree, out: Path, log: Path) -> None:
    headers = _distribution_headers(tree)
    _configure_like(headers, tree, out, log)
    _run_make(tree, out, ("modules_prepare",), log)
    shutil.copy(headers / "Module.symvers", out)


# Needs files of the distribution's own build, or makes every module slower to build.
_DROPPED = re.compile(
    r"(# )?CONFIG_(DEBUG_INFO\w*|MODULE_SIG\w*|SYSTEM_\w+_KEYS|SYSTEM_\w+_HASH_LIST|\w+_BTF\w*)\b"
)


def _configure_like(headers: Path, tree: Tree, out: Path, log: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    lines = (headers / ".config").read_text().splitlines()
    kept = [line for line in lines if not _DROPPED.match(line)]
    text = "\n".join([*kept, "CONFIG_DEBUG_INFO_NONE=y", ""])
    (out / ".config").write_text(text)
    run_logged(make_command(tree.source, out, "olddefconfig"), f"configuring Linux {tree.release}", log)


def _distribution_headers(tree: Tree) -> Path:
    """Return the unpacked headers package of the distribution, fetched if need be."""
    place = tree.work / "headers"
    if not place.exists():
        apt, candidate = _find_headers(tree)
        with appearing(place) as partial:
            extract(apt.download(candidate, partial / "download"), partial)
            shutil.rmtree(partial / "download")
    (found,) = (place / "usr/src").glob("linux-headers-*")
    return found


def _find_headers(tree: Tree) -> tuple[Apt, Candidate]:
    require_apt()
    suites = next((want.suites[0] for want in WANTS if want.name == tree.name), ())
    places: tuple[Callable[[], Apt], ...] = (Apt, lambda: derive_apt(suites))
    for place in places:
        apt = place()
        found = _headers_candidates(apt, tree.release)
        if found:
            return apt, max(found, key=lambda one: (one.release == tree.release, one.release))
    raise UnavailableError(f"no headers package of the distribution for Linux {tree.release}")


def _headers_candidates(apt: Apt, release: Release) -> list[Candidate]:
    arch = output_of(["dpkg", "--print-architecture"]).strip()
    prefix = f"linux-headers-{release.major}.{release.minor}."
    names = [name for name in apt.names(prefix) if re.fullmatch(rf"{re.escape(prefix)}0-\d+-{arch}", name)]
    return [one for name in names for one in apt.candidates(name) if one.release]
