# SPDX-License-Identifier: GPL-2.0-only
"""Intel's integrated graphics: sim/lab-igd.c has them; the bridges are those of QEMU's q35."""

from __future__ import annotations

from tests.lab.driver import Driver, Field, Header, copy_simulated
from tests.lab.machines import SIMULATED

INSIDE, ABSOLUTE, RELATIVE, BROKEN, NONE = (f"10009:00:{slot:02x}.0" for slot in range(5))
ASLS = 0xFC
MEMORY = 0xACD00000
OPREGION, HOST, LPC = 9, 10, 11

DRIVER = Driver(
    name="igd",
    spec="igd",
    module="igd-vfio-pci",
    symbol="IGD_VFIO_PCI",
    machine=SIMULATED,
    stand_in="lab-igd",
    devices=(INSIDE, NONE),
    resettable=INSIDE,
    others=(ABSOLUTE, RELATIVE, BROKEN),
    copy=copy_simulated,
    mappable=(0, 4096),
    own_regions=(OPREGION, HOST, LPC),
    headers=(Header("pointer", INSIDE, (Field(ASLS, 4, 0, kept=0xFFFFFFFF, start=MEMORY),)),),
)
