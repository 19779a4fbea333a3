# SPDX-License-Identifier: GPL-2.0-only
"""mlx5's virtual functions: sim/lab-mlx5.c has them, and stands in for mlx5_core."""

from __future__ import annotations

import errno

from tests.lab.driver import Driver, Mutation, copy_simulated
from tests.lab.drivers.qat import flip, observe_memory, reset_memory
from tests.lab.machines import SIMULATED
from vfiogen.vfio.uapi import Migration

_HEADER = 8 + 4 + 4
_AHEAD = _HEADER + 8
_CHUNK = 4096
_IMAGE = 4 + 4 + 256 + 6000
_SIZE = _AHEAD + 2 * _HEADER + _IMAGE
_VFS = ("10007:00:00.1", "10007:00:00.2")


def _reorder(stream: bytes) -> bytes:
    """The second part of an image before the first."""
    end = _AHEAD + _HEADER + _CHUNK
    return stream[:_AHEAD] + stream[end:] + stream[_AHEAD:end]


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
        flip("longer-record", _AHEAD, errors=(errno.EOPNOTSUPP,), at_write=errno.EOPNOTSUPP),
        flip("much-longer-record", _AHEAD + 4, errors=(errno.ENOMEM,), at_write=errno.ENOMEM),
        flip("other-tag", _AHEAD + 13, errors=(errno.EOPNOTSUPP,), at_write=errno.EOPNOTSUPP),
        flip("other-magic", _AHEAD + _HEADER, at_write=errno.EINVAL),
        flip("checksum-changed", _AHEAD + _HEADER + 4, at_write=errno.EINVAL),
        flip("body-changed", _AHEAD + _HEADER + 8, at_write=errno.EINVAL),
        flip("end-changed", _SIZE - 1, at_write=errno.EINVAL),
        Mutation("empty", lambda _: b"", (errno.EINVAL,)),
        Mutation("size-only", lambda stream: stream[:_AHEAD], (errno.EINVAL,)),
        Mutation("header-only", lambda stream: stream[: _AHEAD + _HEADER], (errno.EINVAL,)),
        Mutation("truncated", lambda stream: stream[:-1], (errno.EINVAL,)),
        Mutation("trailing", lambda stream: stream + b"\0", (errno.EINVAL,)),
        Mutation("reordered", _reorder, (errno.EINVAL,), at_write=errno.EINVAL),
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
    forgiven=("save",),
    probe_commands=("notifier_register",),
    # mlx5_core refuses a function that it doesn't have, which others have refused by then.
    contrived=("notifier_register",),
    disorder=(errno.EPERM, errno.EIO, errno.EOPNOTSUPP),
    stream_size=_SIZE,
    upstream="mlx5-vfio-pci",
    # Questions, memory for the firmware, and what is saved in the background.
    unheard=(
        *("get_core_dev", "get_other_func_cap", "query_hca_cap", "query"),
        *("alloc_pd", "create_mkey", "start_save", "save"),
    ),
    room=(1 << 30) + 1,
    mappable=(0, 4096),
)
