# SPDX-License-Identifier: GPL-2.0-only
"""Block functions of virtio, which migrate: sim/lab-virtio.c has them, and stands in for virtio_pci."""

from __future__ import annotations

import errno
import random

from tests.lab.driver import Driver, Mutation, copy_simulated
from tests.lab.drivers.qat import flip
from tests.lab.machines import SIMULATED
from vfiogen.vfio.device import Device
from vfiogen.vfio.uapi import CONFIG_REGION, Migration

_VFS = ("10006:00:01.1", "10006:00:01.2")
_RECORD = 16
_PART = 16
# Where each device part is in BAR 2, and its size.
_PARTS = ((0x0, 64), (0x100, 32), (0x120, 32), (0x1000, 6000))
_STREAM = _RECORD + sum(_PART + size for _, size in _PARTS)


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


DRIVER = Driver(
    name="virtio-block",
    spec="virtio",
    module="virtio-vfio-pci",
    symbol="VIRTIO_VFIO_PCI",
    options=("VIRTIO_VFIO_PCI_ADMIN_LEGACY",),
    machine=SIMULATED,
    stand_in="lab-virtio",
    replaces=(("virtio_pci", "lab_virtio"),),
    devices=_VFS,
    resettable=_VFS[0],
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
    disorder=(errno.EPERM, errno.EOPNOTSUPP),
    stream_size=_STREAM,
    mappable=(2, 4096),
    full=True,
)
