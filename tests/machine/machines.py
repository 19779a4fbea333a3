# SPDX-License-Identifier: GPL-2.0-only
"""The drivers that are explored, each planned and built once for a kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from tests.golden.rendering import combination_specs, project_specs
from tests.machine.build import Driver, Sound, build, plan
from tests.machine.model import Acts, Machine
from tests.machine.replay import Coverage, Replay, play
from vfiogen.kernel.target import Kernel
from vfiogen.project import SpecFile

# What stops a device and what starts it, in drivers where a command does either.
PAIRS = {
    "qat": ("qat_vfmig_suspend", "qat_vfmig_resume"),
    "xe": ("xe_sriov_vfio_suspend_device", "xe_sriov_vfio_resume_device"),
    "pds": ("pds_vfio_suspend", "pds_vfio_resume"),
    "mlx5": ("mlx5vf_suspend", "mlx5vf_resume"),
    "firmware": ("test_fw_stop", "test_fw_start"),
}


def migrating() -> list[SpecFile]:
    """The specs that describe a migration."""
    files = [*project_specs(), *combination_specs()]
    return [file for file in files if "\nmigration:" in file.path.read_text()]


@dataclass
class Explored:
    """A driver that has been built to be played with."""

    driver: Driver
    tree: Path
    directory: Path

    @cached_property
    def program(self) -> Path:
        """The driver as it is rendered."""
        return self._build(self.driver, self.driver.name)

    def _build(self, driver: Driver, name: str) -> Path:
        acts = Acts(driver)
        return build(driver, self.tree, self.directory / name, Sound(acts.heard(), acts.pairs()))

    @cached_property
    def machine(self) -> Machine:
        """The model, with the kernel's own table."""
        table, _ = play(self.program, [])
        return Machine(self.driver, table)

    @cached_property
    def coverage(self) -> Coverage:
        """What a replay of every path has seen."""
        return Replay(self.machine, self.program, PAIRS.get(self.driver.name)).explore()

    def changed(self, name: str, change: Callable[[str], str]) -> Replay:
        """Return what goes through the driver with another main.c."""
        files = self.driver.files | {"main.c": change(self.driver.main)}
        driver = replace(self.driver, files=files)
        return Replay(self.machine, self._build(driver, name), PAIRS.get(self.driver.name))


@dataclass
class Machines:
    """The drivers of one kernel, by the names of their specs."""

    kernel: Kernel
    tree: Path
    directory: Path

    def __post_init__(self) -> None:
        self._kept: dict[str, Explored | None] = {}

    def get(self, file: SpecFile) -> Explored | None:
        """Return a driver; nothing if it doesn't exist for the kernel."""
        name = file.path.stem
        if name not in self._kept:
            driver = plan(file, self.kernel)
            self._kept[name] = Explored(driver, self.tree, self.directory) if driver else None
        return self._kept[name]
