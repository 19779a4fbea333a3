# SPDX-License-Identifier: GPL-2.0-only
"""The project around the current directory: where specs are, and which kernels are rendered for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vfiogen.diagnostics import VfiogenError, quote
from vfiogen.records import Value

if TYPE_CHECKING:
    from vfiogen.kernel.target import Kernel

_SETTINGS = "pyproject.toml"


class Project(Value):
    """A directory with specs/, and the releases that its output is rendered for."""

    root: Path
    targets: tuple[str, ...] = ()


class SpecFile(Value):
    """A spec: its file, what messages call it (relative to the current directory), and its name.

    The name is the path in the project with slashes, the same wherever the tool is run.
    """

    path: Path
    shown: str
    name: str


class Target(Value):
    """A kernel to render for, and the name of its directory in the output."""

    directory: str
    kernel: Kernel


def find_project(start: Path) -> Project:
    """Return the project of a directory: the nearest one at or above it with specs or settings.

    Without any the directory is a project of its own. Raises VfiogenError: project-file.
    """
    for directory in (start, *start.parents):
        settings = _settings(directory / _SETTINGS)
        if settings is not None or (directory / "specs").is_dir():
            return Project(directory, _targets(settings or {}, directory / _SETTINGS))
    return Project(start)


def find_specs(project: Project, arguments: Sequence[str], may_lack: bool = False) -> list[SpecFile]:
    """Return the specs that arguments name: files, directories, or drivers of the project.

    Without arguments all of the project, which may be none if it `may_lack` them.
    Raises VfiogenError: no-specs, file-unreadable.
    """
    paths = [path for argument in arguments for path in _expand(project, argument)]
    if not arguments:
        paths = _all_specs(project.root / "specs")
    if not paths and not may_lack:
        raise VfiogenError(
            "no-specs",
            f"there are no specs/*/*.yaml below {quote(os.path.relpath(project.root))}",
            "name a spec, or begin one with `vfiogen new`",
        )
    return list({path.resolve(): _spec_file(path, project) for path in paths}.values())


def find_targets(project: Project, releases: Iterable[str] | None, tree: str | None) -> list[Target]:
    """Return the kernels that were asked for, or else those of the project.

    Raises VfiogenError, as the functions of kernel.target do.
    """
    from vfiogen.kernel.target import kernel_from_release, kernel_from_tree

    if tree is not None:
        kernels = [kernel_from_tree(Path(tree))]
    else:
        kernels = [kernel_from_release(text) for text in releases or project.targets]
    targets = [Target(str(kernel.release or "kernel"), kernel) for kernel in kernels]
    return list({target.directory: target for target in targets}.values())


def require_targets(project: Project, releases: Iterable[str] | None, tree: str | None) -> list[Target]:
    """Return the kernels to render for; raise VfiogenError (no-kernel) if there is none."""
    targets = find_targets(project, releases, tree)
    if not targets:
        raise VfiogenError(
            "no-kernel",
            "no kernel to render for is named",
            "pass --kernel 6.12.95 or --kernel-dir /lib/modules/$(uname -r)/build",
            'or put targets = ["6.12.95"] under [tool.vfiogen] in pyproject.toml',
            status=2,
        )
    return targets


def _all_specs(specs: Path) -> list[Path]:
    """Return specs/*/*.yaml; a directory that can't be read isn't taken for one without specs."""
    try:
        directories = [path for path in specs.iterdir() if path.is_dir()]
        files = [path for directory in directories for path in directory.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        shown = quote(os.path.relpath(error.filename))
        raise VfiogenError("file-unreadable", f"{shown} can't be read: {error.strerror}") from error
    return sorted(path for path in files if path.suffix == ".yaml")


def _expand(project: Project, argument: str) -> Iterator[Path]:
    """Yield the spec files that one argument names; a file needn't exist."""
    path = Path(argument)
    if path.is_dir():
        found = sorted(path.glob("*.yaml")) or sorted(path.glob("*/*.yaml"))
        if not found:
            raise VfiogenError("no-specs", f"there are no *.yaml files in {quote(argument)}")
        yield from found
    elif path.name == argument and not path.suffix and not path.exists():
        yield _spec_of_driver(project, argument)
    else:
        yield path


def _spec_of_driver(project: Project, name: str) -> Path:
    from vfiogen.diagnostics import suggestions

    path = project.root / "specs" / name / f"{name}.yaml"
    if not path.exists():
        known = sorted(p.stem for p in project.root.glob("specs/*/*.yaml"))
        raise VfiogenError(
            "no-specs",
            f"{quote(name)} is neither a file nor a driver with a spec",
            *suggestions(name, known, "the drivers are"),
        )
    return path


def _spec_file(path: Path, project: Project) -> SpecFile:
    shown = os.path.relpath(path) if path.is_relative_to(project.root) else str(path)
    return SpecFile(path, shown, _name(Path(os.path.normpath(path.absolute()))))


def _name(path: Path) -> str:
    """Return a path from its last specs/ on, or the file's name where there is none."""
    parts = path.parts
    if "specs" not in parts[:-1]:
        return path.name
    start = len(parts) - 1 - parts[::-1].index("specs")
    return "/".join(parts[start:])


def _settings(path: Path) -> dict[str, Any] | None:
    """Return what pyproject.toml says under [tool.vfiogen]; nothing if it says nothing."""
    data = _read_settings(path)
    if b"vfiogen" not in data:
        return None
    import tomllib

    try:
        tools = tomllib.loads(data.decode()).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _unreadable_settings(path, str(error)) from error
    settings = tools.get("vfiogen") if isinstance(tools, dict) else None
    return settings if isinstance(settings, dict) else None


def _read_settings(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        raise _unreadable_settings(path, str(error.strerror)) from error


def _unreadable_settings(path: Path, why: str) -> VfiogenError:
    return VfiogenError("project-file", f"{quote(os.path.relpath(path))} can't be read: {why}")


def _targets(settings: dict[str, Any], path: Path) -> tuple[str, ...]:
    targets = settings.get("targets", [])
    if not isinstance(targets, list) or not all(isinstance(text, str) for text in targets):
        raise VfiogenError(
            "project-file",
            f"`targets` in {quote(os.path.relpath(path))} is not a list of releases",
            'write targets = ["6.12.95"] under [tool.vfiogen]',
        )
    return tuple(targets)
