# SPDX-License-Identifier: GPL-2.0-only
"""GPUs whose memory the machine's processors reach: sim/lab-nvgrace.c has them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.lab.driver import Driver, Header, Memory, copy_simulated, memory_bar
from tests.lab.machines import SIMULATED
from vfiogen.vfio.uapi import CONFIG_REGION

if TYPE_CHECKING:
    from tests.lab.transcript import Recorder

_MIB = 1 << 20
FIRST, SECOND, CARVED, CXL, BARE, NO_LINK, TOO_SMALL = (f"10005:00:{slot:02x}.0" for slot in range(7))

# What the simulator is told of memory after a reset.
READY = "/sys/kernel/debug/lab_nvgrace/ready"
NOT_READY, IS_READY, GONE = "0", "1", "2"
POWER = 0x94


def _wait(left: str, recorder: Recorder) -> None:
    """Use memory that isn't ready after a reset, by the registers that say how long to wait."""
    bench = recorder.bench
    device = bench.open(CXL)
    bench.system.write_file(READY, left)
    recorder.step("reset", device.reset)
    recorder.step("read", partial(device.load, 4, 0))
    recorder.step("written", partial(device.store, 4, 0, 0))
    bench.system.write_file(READY, IS_READY)
    recorder.step("read when it is ready", partial(device.load, 4, 0))


def _turn_off(bdf: str, recorder: Recorder) -> None:
    device = recorder.bench.open(bdf)
    for state in (3, 0):
        recorder.step(f"to D{state}", partial(device.store, CONFIG_REGION, POWER, state, 2))
        recorder.step(f"read in D{state}", partial(device.load, 4, 0))


def _bind(bdf: str, left: str, recorder: Recorder) -> None:
    """Bind a device whose memory is too small, or isn't ready."""
    bench, driver = recorder.bench, recorder.bench.driver.bound_as
    if left != IS_READY:
        device = bench.open(bdf)
        bench.system.write_file(READY, left)
        device.reset()
        device.close()
    bench.guest.unbind(bdf)
    for state in (left, IS_READY):
        bench.system.write_file(READY, state)
        try:
            recorder.step(f"with {state}", partial(bench.guest.bind, bdf, driver))
        except AssertionError:
            recorder.note(f"with {state}", "not bound")


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
    upstream="nvgrace-gpu-vfio-pci",
    scenes=(
        ("memory that isn't ready", partial(_wait, NOT_READY)),
        ("memory that is gone", partial(_wait, GONE)),
        ("memory in D3hot", partial(_turn_off, FIRST)),
        ("CXL memory in D3hot", partial(_turn_off, CXL)),
        ("too little memory is bound", partial(_bind, TOO_SMALL, IS_READY)),
        ("memory is bound that isn't ready", partial(_bind, CXL, NOT_READY)),
    ),
    headers=(
        Header("whole", FIRST, (memory_bar(0x20, 64 * _MIB),)),
        Header("carved", CARVED, (memory_bar(0x18, 2048 * _MIB), memory_bar(0x20, 512 * _MIB))),
    ),
)
