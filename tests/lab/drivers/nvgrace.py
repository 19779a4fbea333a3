# SPDX-License-Identifier: GPL-2.0-only
"""GPUs whose memory the machine's processors reach: sim/lab-nvgrace.c has them."""

from __future__ import annotations

from tests.lab.driver import Driver, Header, Memory, copy_simulated, memory_bar
from tests.lab.machines import SIMULATED

_MIB = 1 << 20
FIRST, SECOND, CARVED, CXL, BARE, NO_LINK, TOO_SMALL = (f"10005:00:{slot:02x}.0" for slot in range(7))

DRIVER = Driver(
    name="nvgrace",
    spec="nvgrace-gpu",
    module="nvgrace-gpu-vfio-pci",
    symbol="NVGRACE_GPU_VFIO_PCI",
    machine=SIMULATED,
    stand_in="lab-nvgrace",
    devices=(FIRST, SECOND),
    resettable=FIRST,
    others=(CARVED, CXL, BARE, NO_LINK),
    copy=copy_simulated,
    mappable=(0, 4096),
    memories=(
        Memory("usable", FIRST, 4, 0xA2000000, 48 * _MIB, 64 * _MIB),
        Memory("cxl", CXL, 4, 0xAA000000, 32 * _MIB, 32 * _MIB),
        Memory("uncarved", CARVED, 4, 0x40000000, 512 * _MIB, 512 * _MIB),
        Memory("carved", CARVED, 2, 0x60000000, 1040 * _MIB, 2048 * _MIB),
    ),
    own_regions=(4,),
    headers=(
        Header("whole", FIRST, (memory_bar(0x20, 64 * _MIB),)),
        Header("carved", CARVED, (memory_bar(0x18, 2048 * _MIB), memory_bar(0x20, 512 * _MIB))),
    ),
)
