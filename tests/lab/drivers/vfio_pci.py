# SPDX-License-Identifier: GPL-2.0-only
"""What vfio-pci is, on functions of no kind: sim/lab-any.c has them."""

from __future__ import annotations

from tests.lab.driver import Driver, copy_simulated
from tests.lab.guest import Guest
from tests.lab.machines import SIMULATED

FIRST, SECOND, PHYSICAL, SPARE, DENIED = (f"1000a:00:{slot:02x}.0" for slot in range(5))
VIRTUAL = ("1000a:00:02.1", "1000a:00:02.2")
SPARE_ID = "1ace:0013"


def _prepare(guest: Guest) -> None:
    """Leave the physical function without virtual ones: it can't be bound with them."""
    guest.load("pci-pf-stub")
    guest.bind(PHYSICAL, "pci-pf-stub")
    guest.system.write_file(f"/sys/bus/pci/devices/{PHYSICAL}/sriov_numvfs", "0")
    guest.unbind(PHYSICAL)


DRIVER = Driver(
    name="vfio-pci",
    spec="vfio-pci",
    module="vfio-pci-any",
    symbol="VFIO_PCI_ANY",
    machine=SIMULATED,
    stand_in="lab-any",
    devices=(FIRST, SECOND),
    resettable=FIRST,
    prepare=_prepare,
    copy=copy_simulated,
    mappable=(0, 4096),
    upstream="vfio-pci",
    upstream_name="vfio-pci",
    driver_name="vfio-pci-any",
)
