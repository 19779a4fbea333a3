# SPDX-License-Identifier: GPL-2.0-only
"""PDS virtual functions: sim/lab-pds.c has them, and stands in for pds_core."""

from __future__ import annotations

import errno

from tests.lab.driver import Driver, Mutation, copy_simulated
from tests.lab.drivers.qat import flip, observe_memory, reset_memory
from tests.lab.machines import SIMULATED
from vfiogen.vfio.uapi import Migration

_VFS = ("10001:00:00.1", "10001:00:00.2")

DRIVER = Driver(
    name="pds",
    spec="pds",
    module="pds-vfio-pci",
    symbol="PDS_VFIO_PCI",
    machine=SIMULATED,
    devices=_VFS,
    resettable=_VFS[0],
    stand_in="lab-pds",
    replaces=(("pds_core", "lab_pds"),),
    migration=Migration.STOP_COPY | Migration.P2P,
    reset_to=reset_memory,
    observe=observe_memory,
    copy=copy_simulated,
    mutations=(
        flip("other-magic", 0),
        flip("body-changed", 8),
        flip("checksum-changed", 4),
        Mutation("empty", lambda _: b"", (errno.EINVAL,)),
        Mutation("truncated", lambda stream: stream[:200], (errno.EINVAL,)),
        Mutation("garbage", lambda stream: bytes(byte ^ 0xA5 for byte in stream), (errno.EINVAL,)),
        Mutation("reordered", lambda stream: stream[4:] + stream[:4], (errno.EINVAL,)),
    ),
    commands=("state_size", "suspend", "suspend_status", "resume", "save", "restore"),
    probe_commands=("get_pf", "client_register", "register_notify"),
    stream_size=4 + 4 + 256 + 6000,
    mappable=(0, 4096),
    upstream="pds-vfio-pci",
)
