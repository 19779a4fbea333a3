# SPDX-License-Identifier: GPL-2.0-only
"""Output directories that modules are built against: prepared, or with a whole kernel built.

lab-<key>/ is configured from configs/lab.config; `build` makes its bzImage and modules, so that
modpost has every symbol and the lab has a kernel to boot. A kernel older than IOMMUFD's cdev takes
the distribution's configuration and Module.symvers instead, in distribution/. A directory is
ready when its stamp is there; an interrupted build goes on where it was.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.kernels.cache import appearing, locked
from tests.kernels.config import LAB, Setting, configure, read_fragment, require_met
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
    if tree.ready:
        return Prepared(tree, tree.ready)
    require_tools()
    with locked(f"build-{tree.work.name}"):
        return _prepared(tree)


def build(tree: Tree) -> Prepared:
    """Return a directory with a whole kernel built, or with the distribution's symbols."""
    if tree.ready:
        return Prepared(tree, tree.ready)
    require_tools()
    with locked(f"build-{tree.work.name}"):
        prepared = _prepared(tree)
        if not prepared.linkable:
            _build_kernel(prepared)
        return prepared


def remove_others(tree: Tree) -> list[Path]:
    """Remove the output directories of other configurations or compilers; return them."""
    keep = _lab_directory(tree, read_fragment(LAB, tree.release)).name
    with locked(f"build-{tree.work.name}"):
        old = [path for path in tree.work.glob("lab-*") if path.is_dir() and path.name != keep]
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


def _prepared(tree: Tree) -> Prepared:
    if tree.release < _LAB_SINCE:
        return _prepare_distribution(tree)
    return _prepare_lab(tree)


def _prepare_lab(tree: Tree) -> Prepared:
    settings = read_fragment(LAB, tree.release)
    out = _lab_directory(tree, settings)
    if not (out / _PREPARED).exists():
        require_clean(tree.source)
        log = tree.work / f"{out.name}.log"
        configure(tree.source, out, settings, log)
        _run_make(tree, out, "modules_prepare", log)
        (out / _PREPARED).touch()
    return Prepared(tree, out)


def _lab_directory(tree: Tree, settings: Iterable[Setting]) -> Path:
    text = "\n".join([*(one.line for one in settings), _compiler()])
    return tree.work / f"lab-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


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
    tree, out = prepared.tree, prepared.directory
    log = tree.work / f"{out.name}.log"
    _run_make(tree, out, ("bzImage", "modules"), log)
    require_met(read_fragment(LAB, tree.release), out / ".config")
    _remove_debris(out)
    (out / _BUILT).touch()


def _run_make(tree: Tree, out: Path, goals: str | tuple[str, ...], log: Path) -> None:
    several = (goals,) if isinstance(goals, str) else goals
    title = f"building {' and '.join(several)} of Linux {tree.release}"
    run_logged(make_command(tree.source, out, *several), title, log)


def _remove_debris(out: Path) -> None:
    """Remove what neither modules nor a boot need: objects and what make remembers of them."""
    for path in out.rglob("*"):
        top = path.relative_to(out).parts[0]
        if top not in _KEPT and path.is_file() and path.name.endswith(_DEBRIS):
            path.unlink()


def _prepare_distribution(tree: Tree) -> Prepared:
    out = tree.work / "distribution"
    if not (out / _PREPARED).exists():
        require_clean(tree.source)
        headers = _distribution_headers(tree)
        log = tree.work / "distribution.log"
        _configure_like(headers, tree, out, log)
        _run_make(tree, out, "modules_prepare", log)
        shutil.copy(headers / "Module.symvers", out)
        (out / _PREPARED).touch()
    return Prepared(tree, out)


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
    run_logged(make_command(tree.source, out, "olddefconfig"), f"configuring {tree.release}", log)


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
