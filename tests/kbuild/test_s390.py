# SPDX-License-Identifier: GPL-2.0-only
"""What is for s390 alone, cross compiled in a kernel's drivers/vfio/pci, parts of the core in their places.

The kernel around it is configured and not built, which would take long, so that modpost judges by what its
sources export.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.golden.rendering import foreign_specs, load, render, write
from tests.kernels.exports import exports_of, judge_modules
from tests.kernels.intree import OF_S390, PARENT, PLACE, InTree, InTreeBuild, laid_in
from tests.kernels.sparse import find_sparse
from tests.kernels.trees import Tree
from vfiogen.kernel.target import kernel_from_tree

NM = "s390x-linux-gnu-nm"


def test_every_symbol_at_every_value(tree: Tree, tmp_path: Path) -> None:
    """Modules are judged by modpost, which finds it when the kernel doesn't export what they need."""
    exports = exports_of(tree)
    with laid_in(tree, image_for(tree, tmp_path), OF_S390) as kernel:
        assert kernel.options
        for driver, parts in (("y", "n"), ("m", "y")):
            values = dict.fromkeys(kernel.options, parts) | dict.fromkeys(kernel.drivers, driver)
            result = kernel.build(values, "W=1")
            assert result.status == 0, result.log
            assert own_findings(result) == []
            assert {name: result.values[name] for name in values} == values
            count = len(result.modules) if driver == "m" else len(result.built_in)
            assert count == len(kernel.drivers)
            assert judge_modules(kernel, result.modules, exports.values()) == ()
            assert set(core_objects(kernel)) & part_names(kernel) == (
                part_names(kernel) if parts == "y" else set()
            )
        left_out = "vfio_pci_core_enable"
        some = (line for symbol, line in exports.items() if symbol != left_out)
        found = judge_modules(kernel, result.modules, some)
        assert any(left_out in line and "undefined" in line for line in found), found


def test_parts_of_the_core_have_what_it_calls(tree: Tree, tmp_path: Path) -> None:
    """They are those of the image, and define what the private header declares under their symbol."""
    header = (tree.source / PARENT / "vfio_pci_priv.h").read_text()
    with laid_in(tree, image_for(tree, tmp_path), OF_S390) as kernel:
        assert kernel.build(dict.fromkeys(kernel.options, "y")).status == 0
        for spec in load(foreign_specs()):
            if spec.is_core:
                declared = re.search(rf"#ifdef CONFIG_{spec.symbol}\n(.*?)#else", header, re.S)
                assert declared
                wanted = set(re.findall(r"(\w+)\(", declared[1]))
                symbols = symbols_of(kernel.out / PARENT / f"{spec.model.driver.name}.o")
                assert {name for name, kind in symbols.items() if kind == "T"} == wanted


def test_sparse_is_silent(tree: Tree, tmp_path: Path) -> None:
    checker = find_sparse(tree)
    with laid_in(tree, image_for(tree, tmp_path), OF_S390) as kernel:
        values = dict.fromkeys(kernel.options, "y") | dict.fromkeys(kernel.drivers, "y")
        result = kernel.build(values, "C=2", f"CHECK={checker}")
        assert result.status == 0, result.log
        assert own_findings(result) == []
        for name in part_names(kernel):
            # Kernels differ in whether the path is the whole one.
            assert re.search(rf"CHECK +\S*{PARENT}/{name.removesuffix('.o')}\.c$", result.log, re.M)


def image_for(tree: Tree, directory: Path) -> Path:
    rendered = render(foreign_specs(), kernel_from_tree(tree.source))
    rendered["Kconfig"] = rendered["Kconfig"].replace(f'"{PARENT}/', f'"{PLACE}/')
    return write(rendered, directory / "image")


def part_names(kernel: InTree) -> set[str]:
    """Return the objects of the core that the image has."""
    return {f"{path.stem}.o" for path in (kernel.forest / PLACE).glob("*.c")}


def own_findings(result: InTreeBuild) -> list[str]:
    """Return what is said of the image, and of Kconfig; the kernel's own files may have findings."""
    ours = re.compile(rf"{PLACE}/|vfio_pci_zdev")
    return [*result.kconfig, *(line for line in result.compiler if ours.search(line))]


def core_objects(kernel: InTree) -> list[str]:
    archive = kernel.out / PARENT / "built-in.a"
    listed = subprocess.run(["ar", "t", archive], capture_output=True, text=True, check=True).stdout
    return [Path(line).name for line in listed.split()]


def symbols_of(path: Path) -> dict[str, str]:
    """Return the symbols of an object, each with its kind as nm has it."""
    listed = subprocess.run([NM, path], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1]: line.split()[-2] for line in listed.splitlines()}
