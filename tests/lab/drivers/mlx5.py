# SPDX-License-Identifier: GPL-2.0-only
"""mlx5's virtual functions: sim/lab-mlx5.c has them, and stands in for mlx5_core."""

from __future__ import annotations

import errno

from tests.lab.driver import Driver, Mutation, copy_simulated
from tests.lab.drivers.qat import flip, observe_memory, reset_memory
from tests.lab.machines import SIMULATED
from vfiogen.vfio.uapi import Migration

_SIZE = 4 + 4 + 256 + 6000
_VFS = ("10007:00:00.1", "10007:00:00.2")


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
    migration=Migration.STOP_COPY | Migration.P2P,
    reset_to=reset_memory,
    observe=observe_memory,
    copy=copy_simulated,
    mutations=(
        flip("other-magic", 0),
        flip("checksum-changed", 4),
        flip("body-changed", 8),
        flip("end-changed", _SIZE - 1),
        Mutation("empty", lambda _: b"", (errno.EINVAL,)),
        Mutation("truncated", lambda stream: stream[:-1], (errno.EINVAL,)),
        Mutation("trailing", lambda stream: stream + b"\0", (errno.EINVAL,)),
        Mutation("garbage", lambda stream: bytes(byte ^ 0xA5 for byte in stream), (errno.EINVAL,)),
        Mutation("reordered", lambda stream: stream[4:] + stream[:4], (errno.EINVAL,)),
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
    probe_commands=("notifier_register",),
    disorder=(errno.EPERM, errno.EIO),
    stream_size=_SIZE,
    room=(1 << 30) + 1,
    mappable=(0, 4096),
)
