# SPDX-License-Identifier: GPL-2.0-only
"""mlx5's virtual functions: sim/lab-mlx5.c has them, and stands in for mlx5_core."""

from __future__ import annotations

import errno
import struct

from tests.lab.driver import Driver, Mutation, copy_simulated
from tests.lab.drivers.qat import flip, observe_memory, reset_memory
from tests.lab.machines import SIMULATED
from vfiogen.vfio.uapi import Migration

_HEADER = 8 + 4 + 4
_SIZE = _HEADER + 4 + 4 + 256 + 6000
_VFS = ("10007:00:00.1", "10007:00:00.2")


def _optional(stream: bytes) -> bytes:
    """A record that may be skipped, and no other."""
    return stream[:8] + struct.pack("<II", 1, 77) + stream[_HEADER:]


DRIVER = Driver(
    name="mlx5",
    spec="mlx5",
    module="mlx5-vfio-pci",
    symbol="MLX5_VFIO_PCI",
    machine=SIMULATED,
    devices=_VFS,
    resettable=_VFS[0],
    stand_in="lab-mlx5",
    replaces=(("mlx5_core", "lab_mlx5"),),
    migration=Migration.STOP_COPY | Migration.P2P | Migration.PRE_COPY,
    reset_to=reset_memory,
    observe=observe_memory,
    copy=copy_simulated,
    mutations=(
        flip("longer-record", 0),
        flip("much-longer-record", 4, errors=(errno.ENOMEM,), at_write=errno.ENOMEM),
        flip("huge-record", 7, errors=(errno.ENOMEM,), at_write=errno.ENOMEM),
        flip("other-tag", 12, errors=(errno.EOPNOTSUPP,), at_write=errno.EOPNOTSUPP),
        flip("other-magic", _HEADER, at_write=errno.EINVAL),
        flip("checksum-changed", _HEADER + 4, at_write=errno.EINVAL),
        flip("body-changed", _HEADER + 8, at_write=errno.EINVAL),
        flip("end-changed", _SIZE - 1, at_write=errno.EINVAL),
        Mutation("empty", lambda _: b"", (errno.EINVAL,)),
        Mutation("header-only", lambda stream: stream[:_HEADER], (errno.EINVAL,)),
        Mutation("truncated", lambda stream: stream[:-1], (errno.EINVAL,)),
        Mutation("trailing", lambda stream: stream + b"\0", (errno.EINVAL,)),
        Mutation("optional-only", _optional, (errno.EINVAL,)),
    ),
    commands=(
        "suspend_initiator",
        "suspend_responder",
        "resume_responder",
        "resume_initiator",
        "query",
        "alloc_pd",
        "create_mkey",
        "save",
        "load",
    ),
    forgiven=("query", "alloc_pd", "create_mkey", "save"),
    probe_commands=("notifier_register",),
    disorder=(errno.EPERM, errno.EIO, errno.EOPNOTSUPP),
    stream_size=_SIZE,
    room=(1 << 30) + 1,
    mappable=(0, 4096),
)
