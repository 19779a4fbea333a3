# SPDX-License-Identifier: GPL-2.0-only
"""Network functions of virtio, whose legacy interface the driver has, and which migrate by device parts.

sim/lab-virtio.c has them, and stands in for virtio_pci.
"""

from __future__ import annotations

import errno
import itertools
import random
from functools import partial
from typing import TYPE_CHECKING

from tests.lab.driver import Driver, Field, Header, Mutation, copy_simulated
from tests.lab.drivers.qat import flip
from tests.lab.machines import SIMULATED
from vfiogen.vfio.device import Device
from vfiogen.vfio.uapi import CONFIG_REGION, Feature, FeatureFlag, Irq, Migration

if TYPE_CHECKING:
    from tests.lab.transcript import Recorder

NETWORK, OTHER = "10006:00:00.1", "10006:00:00.2"
BLOCK, WITH_BAR, BARE = "10006:00:01.1", "10006:00:02.1", "10006:00:03.1"
NOTIFY_BAR, NOTIFY_AT = 2, 0x40
SIZE = 32
_WIDTHS = (1, 2, 3, 4, 8)
_REGISTERS = 12
_COMMANDS = ("common_read", "common_write", "device_read", "device_write")
_RECORD = 16
_PART = 16
# Where each device part is in BAR 2, and its size.
_PARTS = ((0x0, 64), (0x100, 32), (0x120, 32), (0x1000, 6000))
_STREAM = _RECORD + sum(_PART + size for _, size in _PARTS)


def start(device: Device) -> Device:
    """Switch I/O and memory decoding on."""
    device.store(CONFIG_REGION, 4, 7, 2)
    return device


def _use_registers(vectors: bool, recorder: Recorder) -> None:
    """Read and write at each place and by each width."""
    bench = recorder.bench
    device = start(bench.open())
    if vectors:
        device.set_triggers(Irq.MSIX, [bench.system.eventfd()])
    for at, width in itertools.product(range(SIZE + 2), _WIDTHS):
        recorder.step(f"{width} bytes at {at}, read", partial(device.read, 0, at, width))
    values = random.Random(3)
    for at, width in itertools.product(range(_REGISTERS), _WIDTHS):
        name = f"{width} bytes at {at}, written"
        device.store(0, 4, 0)
        recorder.forget()
        recorder.step(name, partial(device.write, 0, at, values.randbytes(width)))
        recorder.step(f"{name}, then", partial(device.read, 0, 4, 4))
    for at, width in (
        (14, 2),
        (18, 1),
        (16, 1),
        (16, 2),
        (17, 1),
        (15, 2),
        (16, 4),
        (20, 6),
        (24, 6),
        (30, 4),
    ):
        name = f"{width} bytes at {at}, written"
        recorder.step(name, partial(device.write, 0, at, bytes(range(1, width + 1))))
        recorder.step(f"{name}, forwarded", partial(device.load, NOTIFY_BAR, NOTIFY_AT))


def _use_position(recorder: Recorder) -> None:
    """Read one after the other, as a file is read."""
    device = start(recorder.bench.open())
    for at in range(4):
        recorder.step(f"read {at}", partial(recorder.bench.system.read, device.fd, 4))


def _decode(recorder: Recorder) -> None:
    device = recorder.bench.open()
    for command in (0, 1, 2, 3, 0):
        recorder.step(f"command {command}", partial(device.store, CONFIG_REGION, 4, command, 2))
        recorder.step(f"read with {command}", partial(device.load, 0, 0))
        recorder.step(f"written with {command}", partial(device.store, 0, 4, command))
        recorder.step(f"notified with {command}", partial(device.store, 0, 16, 1, 2))
        recorder.step(f"beyond with {command}", partial(device.read, 0, SIZE, 1))
    recorder.step("mapping", partial(device.map, 0, 0, 4096), shown=False)


def _leave(end: str, recorder: Recorder) -> None:
    """Reset the device, or close it, and look at what is left."""
    device = start(recorder.bench.open())
    recorder.step("status", partial(device.store, 0, 18, 7, 1))
    recorder.step(end, getattr(device, end))
    device = device if end == "reset" else recorder.bench.open()
    recorder.step("status without decoding", partial(device.load, 0, 18, 1))
    start(device)
    recorder.step("status then", partial(device.load, 0, 18, 1))


def _fail(command: str, recorder: Recorder) -> None:
    bench = recorder.bench
    device = start(bench.open())
    for at in (4, 20):
        bench.inject(command, errno.EUCLEAN)
        recorder.step(f"{at} read", partial(device.load, 0, at))
        recorder.step(f"{at} written", partial(device.store, 0, at, 0x5555))
        bench.take_back()
        recorder.step(f"{at} then", partial(device.load, 0, at))


def _sleep(recorder: Recorder) -> None:
    device = start(recorder.bench.open())
    recorder.step("sleep", partial(device.feature, Feature.LOW_POWER_ENTRY | FeatureFlag.SET))
    recorder.step("read", partial(device.load, 0, 0))
    recorder.step("written", partial(device.store, 0, 4, 1))
    recorder.step("notified", partial(device.store, 0, 16, 1, 2))
    recorder.step("wake", partial(device.feature, Feature.LOW_POWER_EXIT | FeatureFlag.SET))
    recorder.step("read then", partial(device.load, 0, 4))


def _reset_to(device: Device, number: int) -> None:
    """Fill what device parts are made from with bytes that depend on a number."""
    device.store(CONFIG_REGION, 4, 2, 2)
    values = random.Random(number)
    for at, size in _PARTS:
        device.write(2, at, values.randbytes(size))


def _observe(device: Device) -> bytes:
    device.store(CONFIG_REGION, 4, 2, 2)
    return b"".join(device.read(2, at, size) for at, size in _PARTS)


def _refused(name: str, offset: int, error: int = errno.EINVAL) -> Mutation:
    """Return the change of one bit that the write of it is refused for, and every step after that."""
    return Mutation(name, flip(name, offset).change, (error, errno.EINVAL), at_write=error)


def transitional(bdf: str) -> Header:
    """Return what a network function shows to legacy drivers."""
    fields = (
        Field(0x02, 2, 0x1000),
        Field(0x04, 2, 0, kept=1, bits=1),
        Field(0x08, 1, 0),
        Field(0x10, 4, 1, kept=-SIZE & 0xFFFFFFFF),
        Field(0x2C, 2, 0x1AF4),
        Field(0x2E, 2, 1),
    )
    return Header("transitional", bdf, fields)


DRIVER = Driver(
    name="virtio",
    spec="virtio",
    module="virtio-vfio-pci",
    symbol="VIRTIO_VFIO_PCI",
    options=("VIRTIO_VFIO_PCI_ADMIN_LEGACY",),
    machine=SIMULATED,
    stand_in="lab-virtio",
    replaces=(("virtio_pci", "lab_virtio"),),
    devices=(NETWORK, OTHER),
    resettable=NETWORK,
    others=(BLOCK, WITH_BAR, BARE),
    migration=Migration.STOP_COPY | Migration.P2P | Migration.PRE_COPY,
    reset_to=_reset_to,
    observe=_observe,
    copy=copy_simulated,
    mutations=(
        _refused("other-part", _RECORD),
        _refused("other-size-of-a-part", _RECORD + 12),
        _refused("other-record", 12, errno.EOPNOTSUPP),
        Mutation("empty", lambda _: b"", (errno.EINVAL,)),
        Mutation("half-a-head", lambda stream: stream[: _RECORD // 2], (errno.EINVAL,)),
        Mutation("truncated", lambda stream: stream[:-1], (errno.EINVAL,)),
    ),
    commands=("mode_set", "obj_create", "metadata_get", "parts_get", "parts_set"),
    probe_commands=("notify_info",),
    disorder=(errno.EPERM, errno.EOPNOTSUPP),
    stream_size=_STREAM,
    mappable=(NOTIFY_BAR, 4096),
    own_regions=(0,),
    upstream="virtio-vfio-pci",
    unheard=("metadata_get",),
    interval=1.1,
    scenes=(
        ("legacy registers", partial(_use_registers, False)),
        ("legacy registers with vectors", partial(_use_registers, True)),
        ("legacy registers by position", _use_position),
        ("legacy registers by decoding", _decode),
        *((f"legacy registers by {end}", partial(_leave, end)) for end in ("reset", "close")),
        *((f"error of {command}", partial(_fail, command)) for command in _COMMANDS),
        ("legacy registers asleep", _sleep),
    ),
    headers=(transitional(NETWORK),),
)
