# SPDX-License-Identifier: GPL-2.0-only
"""Data flows one way through the package: no room imports one further on, and the leaves import no room."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "generator/vfiogen"
# In the order of docs/architecture.md. Modules on one line are one room.
ROOMS = (
    ("load",),
    ("schema",),
    ("model",),
    ("check",),
    ("plan",),
    ("render",),
    ("write", "manifest"),
    # What leads through the rooms may know them all.
    ("pipeline", "project", "revision"),
    # Two models side by side, and a model in words; nothing but their commands needs them.
    ("compat", "doc"),
    ("commands",),
    ("cli",),
    ("__main__",),
)
# They take checked models as plan does; nothing but a command needs them.
BESIDE = frozenset({"compat", "doc"})
LEAVES = frozenset({"c", "codes", "console", "diagnostics", "kernel", "records", "report", "vfio"})
POSITION = {name: position for position, names in enumerate(ROOMS) for name in names}
POSITION.update(dict.fromkeys(BESIDE, POSITION["check"]))


def room_of(module: str) -> str:
    """Return the first name below the package."""
    return module.split(".")[1]


def imports(text: str) -> Iterator[str]:
    """Yield the modules of the package that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(text)):
        assert not getattr(node, "level", 0), "an import of the package names it in full"
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("vfiogen."))
        elif isinstance(node, ast.ImportFrom) and node.module == "vfiogen":
            yield from (f"vfiogen.{alias.name}" for alias in node.names if not alias.name.startswith("__"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vfiogen."):
            yield str(node.module)


def wrong_imports(room: str, text: str) -> list[str]:
    """Return what a module of a room imports and must not."""
    return [module for module in imports(text) if not may_import(room, room_of(module))]


def may_import(room: str, other: str) -> bool:
    if other in LEAVES or other == room:
        return True
    if other in BESIDE:
        return room == "commands"
    return room not in LEAVES and POSITION[other] <= POSITION[room]


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_imports_nothing_of_a_room_further_on(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert room in LEAVES or room in POSITION, "a new room needs its place in ROOMS, or in LEAVES"
    assert wrong_imports(room, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("room", "line", "wrong"),
    [
        ("model", "from vfiogen.plan.view import View", ["vfiogen.plan.view"]),
        ("load", "import vfiogen.check", ["vfiogen.check"]),
        ("check", "def f():\n    from vfiogen import render", ["vfiogen.render"]),
        ("c", "from vfiogen.load import Node", ["vfiogen.load"]),
        ("kernel", "from vfiogen.diagnostics import VfiogenError", []),
        ("plan", "from vfiogen.check.kernel import missing_needs", []),
        ("plan", "from vfiogen.doc.page import document", ["vfiogen.doc.page"]),
        ("compat", "from vfiogen.plan.view import View", ["vfiogen.plan.view"]),
        ("manifest", "from vfiogen.write import apply", []),
        ("cli", "from vfiogen import __version__", []),
    ],
)
def test_a_wrong_import_is_seen(room: str, line: str, wrong: list[str]) -> None:
    assert wrong_imports(room, line) == wrong
