# SPDX-License-Identifier: GPL-2.0-only
"""QAT's virtual functions: sim/lab-qat.c has them, and stands in for intel_qat."""

from __future__ import annotations

import errno
import random
from functools import partial
from typing import TYPE_CHECKING

from tests.lab.driver import Driver, Mutation, copy_simulated
from tests.lab.machines import SIMULATED
from vfiogen.vfio.device import Device
from vfiogen.vfio.uapi import CONFIG_REGION, Migration, State

if TYPE_CHECKING:
    from tests.lab.transcript import Recorder

_BODY = 256
_SETUP = 16
_SIZE = _SETUP + _BODY + 4
_VFS = ("10000:00:00.1", "10000:00:00.2")


def reset_memory(device: Device, number: int) -> None:
    """Fill the start of BAR 0 with bytes that depend on a number."""
    device.store(CONFIG_REGION, 4, 2, 2)
    data = random.Random(number).randbytes(_BODY)
    for at in range(0, _BODY, 64):
        device.write(0, at, data[at : at + 64])


def observe_memory(device: Device) -> bytes:
    """Return the start of BAR 0."""
    device.store(CONFIG_REGION, 4, 2, 2)
    return device.read(0, 0, _BODY)


def flip(name: str, offset: int, *, errors: tuple[int, ...] = (errno.EINVAL,), at_write: int = 0) -> Mutation:
    """Return the change of one bit of a stream."""

    def change(stream: bytes) -> bytes:
        return stream[:offset] + bytes([stream[offset] ^ 1]) + stream[offset + 1 :]

    return Mutation(name, change, errors, at_write=at_write)


_OTHER_CAPABILITIES = flip("other-capabilities", 12, at_write=errno.EINVAL)


def _good(recorder: Recorder) -> bytes:
    device = recorder.bench.open_with(1)
    data = recorder.bench.save(device)
    device.close()
    recorder.forget()
    return data


def _write_on(recorder: Recorder) -> None:
    """Go on with a stream when its setup section has been refused."""
    good = _good(recorder)
    bad = _OTHER_CAPABILITIES.change(good)
    device = recorder.bench.open_with(12)
    loading = recorder.bench.data_of(device, State.RESUMING)
    recorder.step("setup of another device", partial(loading.write, bad[:_SETUP]))
    recorder.step("the rest", partial(loading.write, bad[_SETUP:]))
    recorder.step("to STOP", partial(device.set_state, State.STOP))
    recorder.step("what was loaded", partial(observe_memory, device))


def _load_again(recorder: Recorder) -> None:
    """Load a stream of another device when a good one was loaded."""
    good = _good(recorder)
    device = recorder.bench.open_with(12)
    recorder.bench.data_of(device, State.RESUMING).write_all(good)
    device.set_state(State.STOP)
    recorder.forget()
    loading = recorder.bench.data_of(device, State.RESUMING)
    recorder.step("of another device", partial(loading.write, _OTHER_CAPABILITIES.change(good)))
    recorder.step("to STOP", partial(device.set_state, State.STOP))


DRIVER = Driver(
    name="qat",
    spec="qat",
    module="qat_vfio_pci",
    symbol="QAT_VFIO_PCI",
    machine=SIMULATED,
    devices=_VFS,
    resettable=_VFS[0],
    migration=Migration.STOP_COPY | Migration.P2P | Migration.PRE_COPY,
    stand_in="lab-qat",
    replaces=(("intel_qat", "lab_qat"),),
    reset_to=reset_memory,
    observe=observe_memory,
    copy=copy_simulated,
    mutations=(
        flip("other-magic", 0, at_write=errno.EINVAL),
        flip("other-version", 4, at_write=errno.EINVAL),
        flip("other-size", 8, at_write=errno.EINVAL),
        _OTHER_CAPABILITIES,
        flip("body-changed", _SETUP + 7, at_write=0),
        flip("checksum-changed", _SIZE - 1, at_write=0),
        Mutation("empty", lambda _: b"", (errno.EINVAL,)),
        Mutation("setup-only", lambda stream: stream[:_SETUP], (errno.EINVAL,)),
        Mutation("truncated", lambda stream: stream[:-1], (errno.EINVAL,)),
        Mutation("trailing", lambda stream: stream + b"\0", (errno.EINVAL,), at_write=errno.ENOMEM),
        Mutation(
            "garbage",
            lambda stream: bytes(byte ^ 0xA5 for byte in stream),
            (errno.EINVAL,),
            at_write=errno.EINVAL,
        ),
        Mutation(
            "reordered",
            lambda stream: stream[_SETUP:] + stream[:_SETUP],
            (errno.EINVAL,),
            at_write=errno.EINVAL,
        ),
    ),
    commands=("open", "suspend", "resume", "save_setup", "save_state", "load_setup", "load_state"),
    probe_commands=("create", "init"),
    stream_size=_SIZE,
    mappable=(0, 4096),
    upstream="qat_vfio_pci",
    # The parent forgets what it knows of streams.
    unheard=("reset",),
    scenes=(
        ("write after a refusal", _write_on),
        ("second stream", _load_again),
    ),
)
