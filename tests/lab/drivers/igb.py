# SPDX-License-Identifier: GPL-2.0-only
"""The plain driver, on virtual functions of QEMU's network card with SR-IOV."""

from __future__ import annotations

from tests.lab.driver import Driver
from tests.lab.guest import Guest
from tests.lab.machines import EMULATED

_PF = "0000:02:00.0"
_VFS = ("0000:02:10.0", "0000:02:10.2")


def _prepare(guest: Guest) -> None:
    guest.load("pci-pf-stub")
    guest.bind(_PF, "pci-pf-stub")
    guest.system.write_file(f"/sys/bus/pci/devices/{_PF}/sriov_numvfs", str(len(_VFS)))


DRIVER = Driver(
    name="igb",
    spec="generic",
    module="generic-vfio-pci",
    symbol="GENERIC_VFIO_PCI",
    machine=EMULATED,
    devices=_VFS,
    resettable=_VFS[0],
    prepare=_prepare,
    mappable=(0, 4096),
)
