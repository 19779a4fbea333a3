# SPDX-License-Identifier: GPL-2.0-only
"""HiSilicon's accelerators: sim/lab-hisi.c has them, and stands in for their parents."""

from __future__ import annotations

import errno
import os
import random
import struct
from typing import TYPE_CHECKING

from tests.lab.driver import Driver, Mutation, copy_simulated
from tests.lab.drivers.qat import flip
from tests.lab.machines import SIMULATED
from vfiogen.vfio.device import Device
from vfiogen.vfio.uapi import CONFIG_REGION, Migration

if TYPE_CHECKING:
    from tests.lab.transcript import Recorder

HEAD = 40
SIZE = 176
MAGIC_OLD = struct.pack("<Q", 0xCDCDCDCDFEEDAACC)
CONTROL = "/sys/kernel/debug/lab_hisi"
SEC_VFS = ("10004:00:00.1", "10004:00:00.2")
ZIP_VFS = ("10004:00:02.1", "10004:00:02.2")
HPRE_VF = "10004:00:01.1"

_FIRST_QUEUE = (20, 24)
_CONTEXTS = 72
_STATE = 0x60
_NUMBER = 0x7FF0
# Masks of interrupts, and the size of pages.
_KEPT = (0x04, 0x0C, 0x34)


def _contexts(device: Device, data: bytes = b"") -> bytes:
    """Return, or set, what the function's own driver tells it by its mailbox."""
    at = device.load(2, _NUMBER) * _CONTEXTS
    fd = device.system.open(f"{CONTROL}/contexts", os.O_RDWR)
    if data:
        device.system.pwrite(fd, data, at)
    found = device.system.pread(fd, _CONTEXTS, at)
    device.system.close(fd)
    return found


def reset_to(device: Device, number: int) -> None:
    """Set the function up as its own driver does, with values that follow from a number."""
    device.store(CONFIG_REGION, 4, 2, 2)
    values = random.Random(number)
    for register in _KEPT:
        device.store(2, register, values.getrandbits(32))
    _contexts(device, values.randbytes(_CONTEXTS))
    device.store(2, _STATE, 0)


def observe(device: Device) -> bytes:
    """Return what of the function's set-up has to arrive."""
    device.store(CONFIG_REGION, 4, 2, 2)
    return b"".join(device.read(2, register, 4) for register in _KEPT) + _contexts(device)


def _reset_without_parent(recorder: Recorder) -> None:
    """Reset a function whose parent has no driver, so that it can't migrate."""
    bench = recorder.bench
    bench.guest.unbind(bench.a)
    bench.inject("get_pf_driver", errno.EIO)
    bench.guest.bind(bench.a, bench.driver.bound_as)
    device = bench.open()
    recorder.step("features", device.migration)
    recorder.step("reset", device.reset)
    device.close()
    bench.guest.unbind(bench.a)
    bench.guest.bind(bench.a, bench.driver.bound_as)


def _refused(name: str, offset: int) -> Mutation:
    return flip(name, offset, at_write=errno.EINVAL)


MUTATIONS = (
    _refused("other-magic", 0),
    _refused("other-number-of-queues", 8),
    _refused("other-device", 12),
    _refused("other-isolation", 16),
    _refused("other-version", 28),
    Mutation("empty", lambda _: b"", (errno.EINVAL,)),
    Mutation("half-a-head", lambda stream: stream[: HEAD // 2], (errno.EINVAL,)),
    Mutation("truncated", lambda stream: stream[:-1], (errno.EINVAL,)),
    Mutation("trailing", lambda stream: stream + b"\0", (errno.EINVAL,), at_write=errno.ENOMEM),
    Mutation(
        "garbage",
        lambda stream: bytes(byte ^ 0xA5 for byte in stream),
        (errno.EINVAL,),
        at_write=errno.EINVAL,
    ),
    Mutation(
        "reordered", lambda stream: stream[HEAD:] + stream[:HEAD], (errno.EINVAL,), at_write=errno.EINVAL
    ),
)

DRIVER = Driver(
    name="hisilicon",
    spec="hisilicon",
    module="hisi-acc-vfio-pci",
    symbol="HISI_ACC_VFIO_PCI",
    machine=SIMULATED,
    devices=SEC_VFS,
    resettable=SEC_VFS[0],
    stand_in="lab-hisi",
    migration=Migration.STOP_COPY | Migration.PRE_COPY,
    replaces=tuple((name, "lab_hisi") for name in ("hisi_qm", "hisi_sec2", "hisi_hpre", "hisi_zip")),
    reset_to=reset_to,
    observe=observe,
    copy=copy_simulated,
    mutations=MUTATIONS,
    commands=("pause", "get_send", "get_completion", "mailbox_ready", "set_send", "set_completion"),
    disorder=(errno.EPERM, errno.ETIMEDOUT),
    stream_size=SIZE,
    local=_FIRST_QUEUE,
    mappable=(2, 4096),
    own_regions=(2,),
    upstream="hisi-acc-vfio-pci",
    last_scenes=(("a reset without the parent's driver", _reset_without_parent),),
)
