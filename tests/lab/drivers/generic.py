# SPDX-License-Identifier: GPL-2.0-only
"""The plain driver, on two network cards of QEMU."""

from __future__ import annotations

from tests.lab.driver import Driver
from tests.lab.machines import EMULATED

DRIVER = Driver(
    name="generic",
    spec="generic",
    module="generic-vfio-pci",
    symbol="GENERIC_VFIO_PCI",
    machine=EMULATED,
    devices=("0000:00:12.0", "0000:00:13.0"),
    resettable="0000:00:12.0",
    mappable=(0, 4096),
)
