# SPDX-License-Identifier: GPL-2.0-only
"""Virtual functions of Intel's graphics: sim/lab-xe.c has them, and stands in for xe."""

from __future__ import annotations

import errno
import random

from tests.lab.driver import Driver, Mutation, copy_simulated
from tests.lab.drivers.qat import flip
from tests.lab.machines import SIMULATED
from vfiogen.vfio.device import Device
from vfiogen.vfio.uapi import CONFIG_REGION, Migration

_HEAD = 24
_REGISTERS = 256
_MEMORY = 1024
_ORIGIN_END = _HEAD + 4
_REGISTERS_END = _ORIGIN_END + _HEAD + _REGISTERS
_MEMORY_END = _REGISTERS_END + 2 * (_HEAD + _MEMORY)
_SIZE = _MEMORY_END + _HEAD
_VFS = ("10003:00:00.1", "10003:00:00.2")
# Whoever doesn't read what the parent has refused, is told again at the end.
_REFUSED = (errno.EIO,)


def _reset_to(device: Device, number: int) -> None:
    """Fill the registers and the memory with bytes that depend on a number."""
    device.store(CONFIG_REGION, 4, 2, 2)
    values = random.Random(number)
    device.write(0, 0, values.randbytes(_REGISTERS))
    device.write(2, 0, values.randbytes(2 * _MEMORY))


def _observe(device: Device) -> bytes:
    device.store(CONFIG_REGION, 4, 2, 2)
    return device.read(0, 0, _REGISTERS) + device.read(2, 0, 2 * _MEMORY)


def _refused(name: str, offset: int, at_write: int = errno.EINVAL) -> Mutation:
    return Mutation(name, flip(name, offset).change, _REFUSED, at_write)


def _ends_early(name: str, length: int) -> Mutation:
    return Mutation(name, lambda stream: stream[:length], (errno.ETIMEDOUT,))


DRIVER = Driver(
    name="xe",
    spec="xe",
    module="xe-vfio-pci",
    symbol="XE_VFIO_PCI",
    machine=SIMULATED,
    devices=_VFS,
    resettable=_VFS[0],
    stand_in="lab-xe",
    migration=Migration.STOP_COPY | Migration.P2P,
    replaces=(("xe", "lab_xe"),),
    reset_to=_reset_to,
    observe=_observe,
    copy=copy_simulated,
    mutations=(
        _refused("other-version", 0),
        _refused("other-kind", _ORIGIN_END + 1),
        _refused("other-device", _HEAD, errno.ENODEV),
        _refused("other-place", _REGISTERS_END + 8),
        _refused("other-size", _REGISTERS_END + 16),
        _refused("other-end", _MEMORY_END + 1),
        _ends_early("empty", 0),
        _ends_early("origin-only", _ORIGIN_END),
        _ends_early("without-its-end", _MEMORY_END),
        _ends_early("truncated", _SIZE - 1),
        Mutation(
            "garbage",
            lambda stream: bytes(byte ^ 0xA5 for byte in stream),
            _REFUSED,
            at_write=errno.EINVAL,
        ),
        Mutation(
            "reordered",
            lambda stream: stream[_ORIGIN_END:] + stream[:_ORIGIN_END],
            _REFUSED,
            at_write=errno.EINVAL,
        ),
    ),
    commands=(
        "suspend_device",
        "resume_device",
        "stop_copy_size",
        "stop_copy_enter",
        "stop_copy_exit",
        "resume_data_enter",
        "resume_data_exit",
        "data_read",
        "data_write",
    ),
    probe_commands=("get_pf",),
    early_end=errno.ETIMEDOUT,
    disorder=(errno.EPERM, errno.EIO),
    stream_size=_SIZE,
    mappable=(0, 4096),
    upstream="xe-vfio-pci",
    upstream_name="xe-vfio-pci",
    upstream_with=("XE_VFIO_PCI",),
    unheard=("get_pf",),
)
