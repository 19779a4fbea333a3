# SPDX-License-Identifier: GPL-2.0-only
"""Intel's integrated graphics: sim/lab-igd.c has them; the bridges are those of QEMU's q35."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING

from tests.lab.driver import Driver, Field, Header, copy_simulated
from tests.lab.machines import SIMULATED
from vfiogen.vfio.uapi import CONFIG_REGION

if TYPE_CHECKING:
    from tests.lab.transcript import Recorder

INSIDE, ABSOLUTE, RELATIVE, BROKEN, NONE, LONG = (f"10009:00:{slot:02x}.0" for slot in range(6))
ASLS = 0xFC
MEMORY = 0xACD00000
OPREGION, HOST, LPC = 9, 10, 11
_SIZE = 8192
_NEAR = (0, 0x10, 0x16, 0x3BA, 0x3C2, _SIZE)


def _read(bdf: str, recorder: Recorder) -> None:
    """Read the OpRegion at places where its parts meet, and all of it."""
    device = recorder.bench.open(bdf)
    size = device.region(OPREGION).size
    for near, by, width in itertools.product((*_NEAR, size), (-3, -1, 0, 1), (1, 4, 9)):
        if near + by >= 0:
            name = f"{width} bytes at {near + by:#x}"
            recorder.step(name, partial(device.read, OPREGION, near + by, width))
    for at in range(0, min(size, _SIZE + 6000), 1024):
        recorder.step(f"1024 bytes at {at:#x}", partial(device.read, OPREGION, at, 1024))
    for at in (0, _SIZE, size):
        recorder.step(f"written at {at:#x}", partial(device.write, OPREGION, at, b"word"))
    recorder.step("no bytes", partial(device.read, OPREGION, 0, 0))
    recorder.step("mapping", partial(device.map, OPREGION, 0, 4096), shown=False)
    recorder.step("pointer", partial(device.load, CONFIG_REGION, ASLS))


def _read_bridges(recorder: Recorder) -> None:
    device = recorder.bench.open()
    for index in (HOST, LPC):
        size = device.region(index).size
        for near, by, width in itertools.product((0, 0x2C, size), (-3, -1, 0, 1, 2), (1, 2, 4, 7, 64)):
            if near + by >= 0:
                name = f"{width} bytes of {index} at {near + by:#x}"
                recorder.step(name, partial(device.read, index, near + by, width))
        recorder.step(f"{index} written", partial(device.write, index, 0, b"word"))
        recorder.step(f"mapping {index}", partial(device.map, index, 0, 4096), shown=False)


def _read_long(recorder: Recorder) -> None:
    """Read all that a region says it has, of an OpRegion that says it is longer than it is."""
    device = recorder.bench.open(LONG)
    size = device.region(OPREGION).size
    recorder.note("size", str(size))
    recorder.step("end", partial(device.read, OPREGION, size - 64, 64))


DRIVER = Driver(
    name="igd",
    spec="igd",
    module="igd-vfio-pci",
    symbol="IGD_VFIO_PCI",
    machine=SIMULATED,
    stand_in="lab-igd",
    devices=(INSIDE, NONE),
    resettable=INSIDE,
    others=(ABSOLUTE, RELATIVE, BROKEN, LONG),
    copy=copy_simulated,
    mappable=(0, 4096),
    own_regions=(OPREGION, HOST, LPC),
    upstream="vfio-pci",
    upstream_name="vfio-pci",
    upstream_with=("VFIO_PCI_IGD",),
    scenes=(
        *((f"OpRegion of {bdf}", partial(_read, bdf)) for bdf in (INSIDE, ABSOLUTE, RELATIVE)),
        ("bridges", _read_bridges),
    ),
    last_scenes=(("an OpRegion that says it is longer", _read_long),),
    headers=(Header("pointer", INSIDE, (Field(ASLS, 4, 0, kept=0xFFFFFFFF, start=MEMORY),)),),
)
