# SPDX-License-Identifier: GPL-2.0-only
"""GPUs on NVLink2, and a bridge: sim/lab-nvlink2.c has them."""

from __future__ import annotations

import struct

from tests.lab.driver import Driver, Memory, copy_simulated
from tests.lab.machines import SIMULATED

FIRST, SECOND, BRIDGE, UNLINKED = (f"10008:00:{slot:02x}.0" for slot in range(4))
_KIB, _MIB = 1 << 10, 1 << 20
_VENDOR = 1 << 31
_TARGET, _SPEED = 4, 5


def _target(address: int) -> tuple[int, bytes]:
    return _TARGET, struct.pack("<Q", address)


DRIVER = Driver(
    name="nvlink2",
    spec="nvlink2",
    module="nvlink2-vfio-pci",
    symbol="NVLINK2_VFIO_PCI",
    machine=SIMULATED,
    stand_in="lab-nvlink2",
    devices=(FIRST, SECOND),
    resettable=FIRST,
    others=(BRIDGE, UNLINKED),
    copy=copy_simulated,
    mappable=(0, 4096),
    memories=(
        Memory(
            "ram",
            FIRST,
            9,
            0xAC000000,
            4 * _MIB + 64 * _KIB,
            4 * _MIB + 64 * _KIB,
            type=(_VENDOR | 0x10DE, 1),
            capabilities=(_target(0x1000000000),),
            decoded=True,
        ),
        Memory(
            "doorbell",
            BRIDGE,
            9,
            0xACC00000,
            64 * _KIB,
            64 * _KIB,
            type=(_VENDOR | 0x1014, 1),
            capabilities=(_target(0x3000000000), (_SPEED, struct.pack("<II", 9, 0))),
            decoded=True,
        ),
    ),
    own_regions=(9,),
)
