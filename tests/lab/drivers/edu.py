# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's educational device: docs/specs/edu.rst of QEMU."""

from __future__ import annotations

import errno
import random

from tests.lab.driver import Driver, Mutation
from tests.lab.guest import Guest
from tests.lab.machines import EMULATED
from vfiogen.vfio.device import Device
from vfiogen.vfio.uapi import CONFIG_REGION, Migration

_COMMAND = 4
_LIVENESS, _STATUS, _IRQ_STATUS, IRQ_RAISE, IRQ_ACK = 0x04, 0x20, 0x24, 0x60, 0x64
_DMA = (0x80, 0x88, 0x90)
_DMA_COMMAND = 0x98
_BUFFER = 0x40000
_PATIENCE = 1000
_SIZE = 48


def _enable_memory(device: Device) -> None:
    device.store(CONFIG_REGION, _COMMAND, device.load(CONFIG_REGION, _COMMAND, 2) | 2, 2)


def _reset_to(device: Device, number: int) -> None:
    values = random.Random(number)
    _enable_memory(device)
    device.store(0, _LIVENESS, values.getrandbits(32))
    device.store(0, _STATUS, values.choice((0, 0x80)))
    device.store(0, IRQ_ACK, 0xFFFFFFFF)
    device.store(0, IRQ_RAISE, values.getrandbits(32))
    for register in _DMA:
        device.store(0, register, values.getrandbits(64), 8)


def _observe(device: Device) -> bytes:
    _enable_memory(device)
    narrow = b"".join(device.read(0, register, 4) for register in (_LIVENESS, _STATUS, _IRQ_STATUS))
    return narrow + b"".join(device.read(0, register, 8) for register in _DMA)


def _transfer(device: Device, source: int, target: int, size: int, command: int) -> None:
    for register, value in zip((*_DMA, _DMA_COMMAND), (source, target, size, command), strict=True):
        device.store(0, register, value, 8)
    for _ in range(_PATIENCE):
        if not device.load(0, _DMA_COMMAND, 8) & 1:
            return
    raise TimeoutError(errno.ETIMEDOUT, "the transfer doesn't end")


def _copy(_guest: Guest, device: Device, _bdf: str, source: int, target: int, size: int) -> None:
    """Copy by way of the device's own buffer."""
    _transfer(device, source, _BUFFER, size, 1)
    _transfer(device, _BUFFER, target, size, 3)


def _flip(offset: int) -> Mutation:
    def change(stream: bytes) -> bytes:
        return stream[:offset] + bytes([stream[offset] ^ 1]) + stream[offset + 1 :]

    name = {0: "magic", 4: "version", 8: "id"}[offset]
    return Mutation(f"other-{name}", change, (errno.EINVAL,), at_write=errno.EINVAL)


DRIVER = Driver(
    name="edu",
    spec="edu",
    module="edu-vfio-pci",
    symbol="EDU_VFIO_PCI",
    machine=EMULATED,
    devices=("0000:00:10.0", "0000:00:11.0"),
    resettable="0000:01:00.0",
    migration=Migration.STOP_COPY,
    reset_to=_reset_to,
    observe=_observe,
    copy=_copy,
    mutations=(
        *map(_flip, (0, 4, 8)),
        Mutation("empty", lambda _: b"", (errno.EINVAL,)),
        Mutation("truncated", lambda stream: stream[:-1], (errno.EINVAL,)),
        Mutation("trailing", lambda stream: stream + b"\0", (errno.EINVAL,), at_write=errno.ENOMEM),
        Mutation(
            "garbage",
            lambda stream: bytes(byte ^ 0xA5 for byte in stream),
            (errno.EINVAL,),
            at_write=errno.EINVAL,
        ),
        Mutation(
            "reordered", lambda stream: stream[24:] + stream[:24], (errno.EINVAL,), at_write=errno.EINVAL
        ),
    ),
    stream_size=_SIZE,
    mappable=(0, 4096),
)
