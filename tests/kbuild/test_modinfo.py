# SPDX-License-Identifier: GPL-2.0-only
"""A rendered module says about itself what the upstream module of the same tree says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.rendering import is_foreign, load, project_specs, render, write
from tests.kernels.build import Prepared, find_module
from tests.kernels.gate import build_modules
from tests.kernels.modinfo import ModInfo, read_modinfo
from vfiogen.kernel.target import kernel_from_tree

UPSTREAM = ("qat_vfio_pci", "pds_vfio_pci", "xe_vfio_pci", "vfio_pci_any")
# Those that the kernel's module has another name than.
NAMES = {"vfio_pci_any": "vfio_pci"}
# Those that the lab's kernel is without, for want of their parent, and where they are.
UNBUILT = {"xe_vfio_pci": ("xe", "XE_VFIO_PCI")}
# IDs of newer generations. The parent of 6.12 migrates 420xx functions as well, though the upstream module of
# that tree doesn't list them yet, and has no 6xxx.
NEWER = {"qat_vfio_pci": ("vfio_pci:v00008086d00004947sv*", "vfio_pci:v00008086d00004949sv*")}
# What the rendered driver doesn't have yet, so that its module needn't import it.
PENDING = {"pds_vfio_pci": {"IOMMUFD"}}


@pytest.fixture(scope="session")
def modules(built: Prepared, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModInfo]:
    kernel = kernel_from_tree(built.tree.source)
    directory = tmp_path_factory.mktemp("modinfo")
    image = write(render(project_specs(), kernel), directory / "image")
    symbols = {spec.symbol: "m" for spec in load(project_specs()) if not is_foreign(spec)}
    build = build_modules(built, image, directory / "work", symbols, sparse=False)
    return {info.name: info for info in map(read_modinfo, build.modules)}


@pytest.mark.parametrize("name", UPSTREAM)
def test_module_matches_upstream(
    name: str, modules: dict[str, ModInfo], built: Prepared, tmp_path: Path
) -> None:
    upstream = _upstream(NAMES.get(name, name), built, tmp_path)
    ours = modules[name]
    more = set(ours.aliases) - set(upstream.aliases)
    assert set(upstream.aliases) <= set(ours.aliases)
    assert all(alias.startswith(NEWER.get(name, ())) for alias in more)
    assert not (more and built.tree.name == "newest")
    assert ours.license == upstream.license.removesuffix(" v2")
    assert set(ours.namespaces) == set(upstream.namespaces) - PENDING.get(name, set())
    assert "vfio-pci-core" in ours.depends
    assert set(ours.depends) <= set(upstream.depends)


def _upstream(name: str, built: Prepared, directory: Path) -> ModInfo:
    module = find_module(built, name) or _build(name, built, directory)
    if module is None:
        pytest.skip(f"the kernel {built.tree.release} has no {name}")
    return read_modinfo(module)


def _build(name: str, built: Prepared, directory: Path) -> Path | None:
    """Build an upstream module that only needs a stand-in for its parent."""
    place, symbol = UNBUILT.get(name, ("", ""))
    source = built.tree.source / "drivers/vfio/pci" / place
    if not place or not source.exists():
        return None
    return build_modules(built, source, directory / "work", {symbol: "m"}, sparse=False).modules[0]


@pytest.mark.parametrize("name", ["edu_vfio_pci", "generic_vfio_pci"])
def test_aliases_are_for_vfio_alone(name: str, modules: dict[str, ModInfo]) -> None:
    assert modules[name].aliases
    assert all(alias.startswith("vfio_pci:v") for alias in modules[name].aliases)
