# SPDX-License-Identifier: GPL-2.0-only
"""The made-up accelerator of the manual: sim/lab-acme.c has its functions, and stands in for its parent."""

from __future__ import annotations

import errno
import random

from tests.lab.driver import Driver, Mutation, copy_simulated
from tests.lab.machines import SIMULATED
from vfiogen.vfio.device import Device
from vfiogen.vfio.uapi import CONFIG_REGION, Migration

_VFS = ("10002:00:00.1", "10002:00:00.2")
_SIZE = 24


def _reset_to(device: Device, number: int) -> None:
    """Fill the registers with values that follow from a number."""
    device.store(CONFIG_REGION, 4, 2, 2)
    device.write(0, 0, random.Random(number).randbytes(16))


def _observe(device: Device) -> bytes:
    return device.read(0, 0, 16)


DRIVER = Driver(
    name="acme",
    spec="tests/lab/acme",
    module="acme-vfio-pci",
    symbol="ACME_VFIO_PCI",
    machine=SIMULATED,
    stand_in="lab-acme",
    devices=_VFS,
    resettable=_VFS[0],
    migration=Migration.STOP_COPY,
    reset_to=_reset_to,
    observe=_observe,
    copy=copy_simulated,
    commands=("pause", "resume"),
    probe_commands=("core_get",),
    mutations=(
        Mutation("empty", lambda _: b"", (errno.EINVAL,)),
        Mutation("truncated", lambda stream: stream[:-1], (errno.EINVAL,)),
        Mutation(
            "other-version",
            lambda stream: stream[:4] + b"\2" + stream[5:],
            (errno.EINVAL,),
            at_write=errno.EINVAL,
        ),
    ),
    stream_size=_SIZE,
    mappable=(0, 4096),
)
