# SPDX-License-Identifier: GPL-2.0-only
"""vfiogen build: render for a kernel, run kbuild, and say what came out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path

from vfiogen.check.kernel import missing_needs
from vfiogen.commands.rendering import changes_for, load_checked
from vfiogen.console import Console
from vfiogen.diagnostics import Problems, VfiogenError, listing, quote
from vfiogen.kernel.kbuild import BuildConfig
from vfiogen.kernel.target import kernel_from_tree
from vfiogen.model import spec as m
from vfiogen.pipeline import LoadedSpec
from vfiogen.plan.kconfig import present_options, unmet_dependencies
from vfiogen.project import Target, find_project
from vfiogen.records import Value
from vfiogen.write import apply, report_obstacles

BUILD_PLACES = ("/lib/modules/*/build", "/usr/src/linux-headers-*")
ENTERING = re.compile(r"make(\[\d+\])?: (Entering|Leaving) directory")
UNRESOLVED = re.compile(r"WARNING: .*(undefined!|unresolved symbol|Module\.symvers)|\s{9}\S")


class Skipped(Value):
    """A driver that this kernel can't have, and why."""

    spec: LoadedSpec
    why: str


def run(arguments: Namespace, console: Console) -> int:
    """Build modules of the specs; 1 if a spec has a problem or the compiler has."""
    tree = _kernel_directory(arguments.kernel_dir)
    _require_tools()
    kernel = kernel_from_tree(tree)
    _require_prepared(tree)
    problems = Problems()
    target = Target(str(kernel.release or "kernel"), kernel)
    specs = load_checked(arguments.specs, [target], problems)
    if problems:
        console.show(problems)
        return 1
    config = BuildConfig.read(tree)
    chosen, skipped = _split(specs, target, config)
    directory = Path(arguments.out) if arguments.out else _build_directory()
    changes = changes_for(directory / target.directory, target, chosen, None)
    report_obstacles(changes, problems, force=True)
    if problems:
        console.show(problems)
        return 1
    apply([changes])
    console.say(f"building for Linux {kernel.release or '?'} in {directory / target.directory}")
    options = [option.symbol.text for spec in chosen for option in _options(spec, config)]
    status = _make(tree, directory / target.directory, chosen, options, arguments, console) if chosen else 0
    _table(directory / target.directory, chosen, skipped, console)
    return status


def _build_directory() -> Path:
    return Path(os.path.relpath(find_project(Path.cwd()).root / "build"))


def _kernel_directory(given: str | None) -> Path:
    """Return the directory to build against: the one given, or the newest there is."""
    found = Path(given) if given is not None else newest_headers()
    if found is not None:
        return found
    raise VfiogenError(
        "no-kernel",
        "there are no kernel headers on this machine",
        "install the package linux-headers-amd64 (or your architecture's)",
        "or pass --kernel-dir with a kernel tree that `make modules_prepare` has been run in",
    )


def newest_headers(places: Iterable[str] = BUILD_PLACES) -> Path | None:
    """Return the directory of the newest kernel among some patterns that modules can be built against."""
    found = [path for place in places for path in Path("/").glob(place.removeprefix("/"))]
    usable = [path for path in found if (path / "Makefile").is_file() and (path / ".config").is_file()]
    return max(usable, key=lambda path: _version(path.as_posix()), default=None)


def _version(path: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", path))


def _require_tools() -> None:
    missing = [tool for tool in ("make", "gcc") if shutil.which(tool) is None]
    if missing:
        raise VfiogenError(
            "missing-tool", f"{listing(missing, 'and')} can't be found", "install the package build-essential"
        )


def _require_prepared(tree: Path) -> None:
    """Refuse a tree that modules can't be built against: kbuild says the same at length."""
    if not (tree / "include/generated/autoconf.h").is_file():
        raise VfiogenError(
            "kernel-dir",
            f"`{tree}` isn't prepared: it has no `include/generated/autoconf.h`",
            "configure it, and run `make modules_prepare` in it",
            "or pass the output directory of a build (O=), or a headers package's directory",
        )


def _options(spec: LoadedSpec, config: BuildConfig) -> Iterator[m.Option]:
    """Yield the parts of a driver that the kernel's configuration has, or would have with the driver."""
    for option in present_options(spec.model):
        if not unmet_dependencies(option, config) and (option.default or config.chosen(option.symbol.text)):
            yield option


def _split(
    specs: list[LoadedSpec], target: Target, config: BuildConfig
) -> tuple[list[LoadedSpec], list[Skipped]]:
    chosen: list[LoadedSpec] = []
    skipped: list[Skipped] = []
    for spec in specs:
        missing = missing_needs(spec.model, target.kernel)
        unmet = unmet_dependencies(spec.model.driver.kconfig, config)
        if spec.is_core:
            skipped.append(Skipped(spec, "it is a part of the core, and built with the kernel"))
        elif missing:
            skipped.append(Skipped(spec, f"the kernel lacks {listing(missing, 'and')}"))
        elif unmet:
            skipped.append(Skipped(spec, f"its configuration lacks {listing(unmet, 'and')}"))
        else:
            chosen.append(spec)
    return chosen, skipped


def _make(
    tree: Path,
    directory: Path,
    specs: list[LoadedSpec],
    options: list[str],
    arguments: Namespace,
    console: Console,
) -> int:
    """Run kbuild; its steps are the progress, and everything else that it says is passed on."""
    linkable = (tree / "Module.symvers").is_file()
    if not linkable:
        console.say(
            "there is no Module.symvers in the tree, so nothing tells whether its kernel has all symbols"
        )
    variables = [*(f"CONFIG_{spec.symbol}=m" for spec in specs), *(f"CONFIG_{name}=y" for name in options)]
    # Objects follow from the variables; the C is told by macros.
    variables += [f"KCFLAGS={' '.join(f'-DCONFIG_{name}=1' for name in options)}"] if options else []
    process = _start_make(tree, directory, variables, arguments.jobs or os.cpu_count() or 1, linkable)
    assert process.stdout is not None
    with process:
        try:
            for line in process.stdout:
                if not _is_noise(line, linkable):
                    console.say(line.rstrip("\n"))
                    console.out.flush()
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        hint = "what the compiler says is above"
        console.show([VfiogenError("build-failed", f"make failed in {quote(str(directory))}", hint).problem])
    return 1 if process.returncode else 0


def _start_make(
    tree: Path, directory: Path, variables: list[str], jobs: int, linkable: bool
) -> subprocess.Popen[str]:
    variables = [*variables, *([] if linkable else ["KBUILD_MODPOST_WARN=1"])]
    command = ["make", "-C", str(tree), f"M={directory.resolve()}", f"-j{jobs}", *variables, "modules"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _is_noise(line: str, linkable: bool) -> bool:
    """Tell what nobody needs to read: make's ways, and symbols that can't be looked up anyway."""
    return bool(ENTERING.match(line)) or (not linkable and bool(UNRESOLVED.match(line)))


def _table(directory: Path, specs: list[LoadedSpec], skipped: list[Skipped], console: Console) -> None:
    rows = [("module", "size", "spec"), *_rows(directory, specs)]
    rows += [(row.spec.model.driver.name.text, "-", f"left out: {row.why}") for row in skipped]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    console.say("")
    for name, size, note in rows:
        console.say(f"{name:{widths[0]}}  {size:>{widths[1]}}  {note}")


def _rows(directory: Path, specs: list[LoadedSpec]) -> Iterator[tuple[str, str, str]]:
    for spec in specs:
        module = directory / spec.directory / f"{spec.model.driver.name}.ko"
        size = f"{module.stat().st_size / 1024:.1f} KiB" if module.is_file() else "failed"
        yield module.name, size, spec.model.path
