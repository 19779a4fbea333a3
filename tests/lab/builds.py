# SPDX-License-Identifier: GPL-2.0-only
"""Modules for the guest, built once for what they are made from: rendered drivers and simulators."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.golden import rendering
from tests.kernels.build import Prepared
from tests.kernels.cache import appearing, cache_root, locked
from tests.kernels.gate import build_modules
from tests.lab.driver import Driver
from tests.lab.simulation import SOURCES
from vfiogen.kernel.target import kernel_from_tree
from vfiogen.project import find_project, find_specs

HERE = Path(__file__).parent
_KEPT = 60
_PLAIN = """obj-$(CONFIG_VFIO_PCI) := vfio-pci.o
vfio-pci-y := vfio_pci.o
vfio-pci-$(CONFIG_VFIO_PCI_IGD) += vfio_pci_igd.o
"""


def build_driver(driver: Driver, kernel: Prepared, image: Path | None = None) -> Path:
    """Return the driver's module: from an image of rendered drivers if that has it, or rendered."""
    given = image / driver.directory if image else None
    files = _read(given) if given and given.is_dir() else render_driver(driver, kernel)
    if driver.stand_in:
        files["Makefile"] += _for_stand_ins(kernel)
    symbols = {driver.symbol: "m", **dict.fromkeys(driver.options, "y")}
    (module,) = _build(files, kernel, driver.directory, symbols)
    return module


def build_upstream(driver: Driver, kernel: Prepared) -> Path:
    """Return the kernel's own module, built with symbols that its configuration is without."""
    source = kernel.tree.source / "drivers/vfio/pci"
    plain = driver.module == "vfio-pci"
    files = _read_plain(source) if plain else _read(source / driver.directory)
    if driver.stand_in:
        files["Makefile"] += _for_stand_ins(kernel)
    symbols = {**dict.fromkeys(driver.upstream_with, "y"), driver.loaded_as.upper(): "m"}
    (module,) = _build(files, kernel, driver.module, symbols)
    return module


def _read_plain(source: Path) -> dict[str, bytes]:
    """Return what vfio-pci is built from, beside which the kernel has its core and other drivers."""
    names = ("vfio_pci.c", "vfio_pci_igd.c", "vfio_pci_priv.h")
    return {"Makefile": _PLAIN.encode()} | {name: (source / name).read_bytes() for name in names}


def build_simulators(kernel: Prepared) -> list[Path]:
    """Return the modules of sim/, which are for tests only."""
    return _build(_read(SOURCES), kernel, "simulators", {})


def build_memory_books(kernel: Prepared) -> Path:
    """Return the module that keeps the books of what drivers allocate."""
    (module,) = _build(_read(HERE / "memory"), kernel, "memory", {})
    return module


def _for_stand_ins(kernel: Prepared) -> bytes:
    """Return lines of a Makefile: where headers and exports are of parents that the kernel doesn't have."""
    exports = build_simulators(kernel)[0].with_name("Module.symvers")
    return f"ccflags-y += -I{SOURCES}/include\nKBUILD_EXTRA_SYMBOLS := {exports}\n".encode()


def render_driver(driver: Driver, kernel: Prepared) -> dict[str, bytes]:
    """Return the files of a driver as they are rendered for a kernel."""
    project = find_project(rendering.ROOT)
    place = str(rendering.ROOT / driver.spec) if "/" in driver.spec else driver.spec
    (spec,) = find_specs(project, [place])
    files = rendering.render([spec], kernel_from_tree(kernel.directory))
    start = f"{driver.directory}/"
    return {name.removeprefix(start): text.encode() for name, text in files.items() if name.startswith(start)}


def _read(directory: Path) -> dict[str, bytes]:
    kept = [path for path in directory.rglob("*") if path.suffix in (".c", ".h") or path.name == "Makefile"]
    return {str(path.relative_to(directory)): path.read_bytes() for path in kept}


def _build(files: Mapping[str, bytes], kernel: Prepared, name: str, symbols: Mapping[str, str]) -> list[Path]:
    place = cache_root() / "lab" / f"{name}-{_digest(files, kernel, symbols)}"
    with locked("lab-modules"):
        if not place.exists():
            with appearing(place) as partial:
                _write(files, partial / "in")
                built = build_modules(kernel, partial / "in", partial / "out", symbols, sparse=False)
                assert not built.findings, "\n".join(built.findings)
            _prune(place.parent)
        place.touch()
    return sorted((place / "out").glob("*.ko"))


def _prune(home: Path) -> None:
    """Remove all but what was used last."""
    built = sorted((path for path in home.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for path in built[:-_KEPT]:
        shutil.rmtree(path)


def _write(files: Mapping[str, bytes], directory: Path) -> None:
    for name, data in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _digest(files: Mapping[str, bytes], kernel: Prepared, symbols: Mapping[str, str]) -> str:
    digest = hashlib.sha256(f"{kernel.directory} {sorted(symbols.items())}".encode())
    for name, data in sorted(files.items()):
        digest.update(f"{name} {len(data)}\n".encode() + data)
    return digest.hexdigest()[:12]
