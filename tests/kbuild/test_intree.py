# SPDX-License-Identifier: GPL-2.0-only
"""out/ laid into a tree: Kconfig and kbuild take it with every symbol at n, m and y."""

from __future__ import annotations

from pathlib import Path

from tests.golden.rendering import foreign_specs, load, project_specs, render, write
from tests.kernels.intree import PARENT, PLACE, InTree, laid_in
from tests.kernels.trees import Tree
from vfiogen.kernel.target import kernel_from_tree
from vfiogen.project import SpecFile


def test_every_symbol_at_every_value(tree: Tree, tmp_path: Path) -> None:
    """All drivers are on together, as modules without the parts that can be left out, built in with them.

    Modules with all parts are what the gate builds.
    """
    image = _image(project_specs(), tree, tmp_path)
    with laid_in(tree, image) as kernel:
        drivers = [symbol for symbol in kernel.drivers if symbol not in _foreign()]
        options = [symbol for symbol in kernel.options if symbol not in _foreign()]
        assert drivers
        _check(kernel, dict.fromkeys(drivers, "n"), {})
        for value, option in (("m", "n"), ("y", "y")):
            _check(kernel, dict.fromkeys(drivers, value), dict.fromkeys(options, option))


def test_each_symbol_alone(newest: Tree, tmp_path: Path) -> None:
    """Configured only: what is compiled of it doesn't depend on the others."""
    with laid_in(newest, _image(project_specs(), newest, tmp_path)) as kernel:
        for symbol in kernel.drivers:
            if symbol not in _foreign():
                alone = kernel.configure({symbol: "m"})
                assert alone.findings == (), "\n".join(alone.findings)
                assert alone.values[symbol] == "m"


def _foreign() -> set[str]:
    """Return the symbols of what is for another architecture."""
    return {spec.symbol for spec in load(foreign_specs())}


def _image(files: list[SpecFile], tree: Tree, directory: Path) -> Path:
    """Write what is rendered for a tree, with the place that it is laid into in its Kconfig."""
    rendered = render(files, kernel_from_tree(tree.source))
    rendered["Kconfig"] = rendered["Kconfig"].replace(f'"{PARENT}/', f'"{PLACE}/')
    return write(rendered, directory / "image")


def _check(kernel: InTree, values: dict[str, str], parts: dict[str, str]) -> None:
    """Build with drivers and parts of them at some values, and the others at their default."""
    result = kernel.build(values | parts)
    assert result.findings == (), "\n".join(result.findings)
    assert {symbol: result.values[symbol] for symbol in values | parts} == values | parts
    assert all(result.values[symbol] == "n" for symbol in _foreign() & set(kernel.symbols))
    expected = sum(value == "m" for value in values.values()), sum(value == "y" for value in values.values())
    built_in = {Path(part).parent for part in result.built_in}
    assert (len(result.modules), len(built_in)) == expected, result.log


def test_removed_driver_leaves_no_entry(tree: Tree, tmp_path: Path) -> None:
    files = [file for file in project_specs() if file.path.stem != "edu"]
    image = _image(files, tree, tmp_path)
    assert not (image / "edu").exists()
    assert "edu" not in (image / "Makefile").read_text()
    with laid_in(tree, image) as forest:
        assert "EDU_VFIO_PCI" not in forest.symbols
        drivers = [symbol for symbol in forest.drivers if symbol not in _foreign()]
        others = forest.configure(dict.fromkeys(drivers, "m"))
        assert others.findings == (), "\n".join(others.findings)
        assert {others.values[symbol] for symbol in drivers} == {"m"}
