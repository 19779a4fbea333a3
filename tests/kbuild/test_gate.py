# SPDX-License-Identifier: GPL-2.0-only
"""The gate on rendered code: every driver on every kernel that has what it needs, silently."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.golden.rendering import combination_specs, is_foreign, load, project_specs, render, write
from tests.kernels.build import Prepared
from tests.kernels.cocci import check_semantics
from tests.kernels.gate import ModuleBuild, build_modules, check_documentation, check_style
from tests.kernels.trees import Tree
from vfiogen.diagnostics import Problems
from vfiogen.kernel.target import Kernel, kernel_from_tree
from vfiogen.model.spec import Option
from vfiogen.pipeline import LoadedSpec, check_for
from vfiogen.project import SpecFile

# checkpatch asks for kzalloc_obj(), which a kernel may not have yet.
NO_OBJECT_ALLOCATION = ("ALLOC_WITH_SIZEOF",)


@dataclass(frozen=True)
class Rendered:
    """Drivers for one kernel, on disk and built."""

    kernel: Kernel
    directory: Path
    build: ModuleBuild
    drivers: tuple[str, ...]

    @property
    def sources(self) -> list[Path]:
        """The C files and headers."""
        return sorted([*self.directory.rglob("*.c"), *self.directory.rglob("*.h")])


Renders = Callable[[str], Rendered]


@pytest.fixture(scope="session")
def rendered(built: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Renders:
    """Render and build a set of specs for a kernel, once."""
    kept: dict[str, Rendered] = {}
    sets = {"drivers": project_specs, "combinations": combination_specs}

    def get(name: str) -> Rendered:
        if name not in kept:
            kept[name] = _render(sets[name](), built, tmp_path_factory.mktemp(name))
        return kept[name]

    return get


def _render(files: list[SpecFile], built: Prepared, directory: Path, option: str = "y") -> Rendered:
    """Render specs and build them with each symbol of a part at `option`."""
    kernel = kernel_from_tree(built.tree.source)
    present = check_for(load(files), kernel, Problems())
    image = write(render(files, kernel), directory / "image")
    present = [spec for spec in present if not is_foreign(spec)]
    symbols = {spec.symbol: "m" for spec in present}
    symbols |= {one.symbol.text: option for spec in present for one in options_of(spec)}
    build = build_modules(built, image, directory / "work", symbols)
    return Rendered(kernel, image, build, tuple(spec.directory for spec in present))


def options_of(spec: LoadedSpec) -> tuple[Option, ...]:
    """Return the symbols of the parts of a driver."""
    return spec.model.driver.kconfig.options


def test_parts_can_be_left_out(built: Prepared, tmp_path: Path) -> None:
    files = [*project_specs(), *combination_specs()]
    having = [spec.file for spec in load(files) if options_of(spec)]
    result = _render(having, built, tmp_path, "n")
    assert result.build.findings == (), "\n".join(result.build.findings)
    assert {module.parent.name for module in result.build.modules} == set(result.drivers)


@pytest.mark.parametrize("name", ["drivers", "combinations"])
def test_compiler_sparse_and_modpost_are_silent(name: str, rendered: Renders) -> None:
    result = rendered(name)
    assert result.build.findings == (), "\n".join(result.build.findings)
    built = {module.parent.name for module in result.build.modules}
    assert built == set(result.drivers)


@pytest.mark.parametrize("name", ["drivers", "combinations"])
def test_checkpatch_is_silent(name: str, rendered: Renders, newest: Tree) -> None:
    result = rendered(name)
    ignored = () if result.kernel.has("kzalloc-obj") else NO_OBJECT_ALLOCATION
    files = [*result.sources, *result.directory.rglob("Kconfig*"), *result.directory.rglob("Makefile")]
    report = check_style(newest, files, ignored)
    assert report.clean, report.text


@pytest.mark.parametrize("name", ["drivers", "combinations"])
def test_kernel_doc_is_silent(name: str, rendered: Renders, newest: Tree) -> None:
    assert check_documentation(newest, rendered(name).sources) == ()


def test_coccinelle_is_silent(newest_built: Prepared, tmp_path: Path) -> None:
    kernel = kernel_from_tree(newest_built.tree.source)
    image = write(render(project_specs(), kernel), tmp_path / "image")
    findings = check_semantics(newest_built.tree, image)
    assert findings == (), "\n".join(findings)
