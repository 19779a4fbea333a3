# SPDX-License-Identifier: GPL-2.0-only
"""PDS virtual functions: sim/lab-pds.c has them, and stands in for pds_core."""

from __future__ import annotations

from tests.lab.driver import Driver, copy_simulated
from tests.lab.machines import SIMULATED

_VFS = ("10001:00:00.1", "10001:00:00.2")

DRIVER = Driver(
    name="pds",
    spec="pds",
    module="pds-vfio-pci",
    symbol="PDS_VFIO_PCI",
    machine=SIMULATED,
    devices=_VFS,
    resettable=_VFS[0],
    stand_in="lab-pds",
    replaces=(("pds_core", "lab_pds"),),
    probe_commands=("get_pf", "client_register"),
    copy=copy_simulated,
    mappable=(0, 4096),
)
