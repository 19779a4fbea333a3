# SPDX-License-Identifier: GPL-2.0-only
"""Users that do everything at once. What counts is that the kernel stays well and the device usable."""

from __future__ import annotations

import errno
import struct

import pytest

from tests.lab.bench import Bench
from tests.lab.remote import Argument, Call, LoadedFrom, Outcome, Room, Thread, call
from vfiogen.vfio import uapi
from vfiogen.vfio.device import Device
from vfiogen.vfio.uapi import Feature, FeatureFlag, State

pytestmark = pytest.mark.migrates()

_FD = 12
# A reset that meets a change of state ends it in ERROR, which answers EIO until the next reset.
_FINE = {0, errno.ENODEV, errno.EINVAL, errno.EBADF, errno.ENOMSG, errno.ENOMEM, errno.EBUSY, errno.EIO}


def _set_state(fd: Argument, state: State) -> Call:
    flags = Feature.MIG_DEVICE_STATE | FeatureFlag.SET
    return call("ioctl", fd, uapi.DEVICE_FEATURE, struct.pack("<IIIi", 16, flags, state, -1))


def _get_state(fd: Argument) -> Call:
    flags = Feature.MIG_DEVICE_STATE | FeatureFlag.GET
    return call("ioctl", fd, uapi.DEVICE_FEATURE, struct.pack("<IIIi", 16, flags, 0, -1))


def _reset(fd: int) -> Call:
    return call("ioctl", fd, uapi.DEVICE_RESET, 0)


def _data_fd(index: int) -> LoadedFrom:
    """Return the data descriptor that an earlier change of state gave."""
    return LoadedFrom(index, 2, _FD)


def _save(fd: int, times: int) -> Thread:
    calls = (
        _set_state(fd, State.STOP_COPY),
        call("read", _data_fd(0), Room(4096), 4096),
        call("close", _data_fd(0)),
        _set_state(fd, State.RUNNING),
    )
    return Thread(calls, times)


def _load(fd: int, data: bytes, times: int) -> Thread:
    calls = (
        _set_state(fd, State.RESUMING),
        call("write", _data_fd(0), data, len(data)),
        call("close", _data_fd(0)),
        _set_state(fd, State.RUNNING),
    )
    return Thread(calls, times)


def _check(bench: Bench, outcomes: list[list[Outcome]]) -> None:
    """The answers are such as the driver gives, or its parent when it is asked out of order."""
    fine = {*_FINE, bench.driver.early_end, *bench.driver.disorder}
    for thread in outcomes:
        for one in thread:
            assert set(one.counts) <= fine, one.counts


def _check_usable(bench: Bench, device: Device) -> None:
    """The device still runs, saves, and can be closed and opened."""
    device.close()
    device = bench.open_with(21)
    assert device.state() is State.RUNNING
    assert bench.save(device)


def test_states_change_from_two_threads(bench: Bench) -> None:
    device = bench.open_with(22)
    good = bench.save(device)
    device.set_state(State.RUNNING)
    _check(bench, bench.system.parallel(_save(device.fd, 40), _load(device.fd, good, 40)))
    _check_usable(bench, device)


def test_two_threads_read_one_stream(bench: Bench) -> None:
    """Every byte goes to one of them, once."""
    device = bench.open_with(23)
    size = len(bench.save(device))
    device.set_state(State.RUNNING)
    stream = bench.data_of(device, State.STOP_COPY)
    # A long stream would take a minute byte by byte.
    piece = 1 + size // 1000
    reader = Thread((call("read", stream.fd, Room(piece), piece),), -(-size // piece))
    outcomes = bench.system.parallel(reader, reader)
    _check(bench, outcomes)
    assert stream.read(1) == b""


def test_two_threads_write_one_stream(bench: Bench) -> None:
    device = bench.open_with(24)
    good = bench.save(device)
    device.set_state(State.RUNNING)
    stream = bench.data_of(device, State.RESUMING)
    piece = 1 + len(good) // 1000
    writer = Thread((call("write", stream.fd, good[:piece], piece),), -(-len(good) // piece))
    _check(bench, bench.system.parallel(writer, writer))
    _check_usable(bench, device)


def test_a_reader_meets_changes_of_state(bench: Bench) -> None:
    device = bench.open_with(25)
    stream = bench.data_of(device, State.STOP_COPY)
    reader = Thread((call("read", stream.fd, Room(16), 16),), 300)
    _check(bench, bench.system.parallel(reader, _save(device.fd, 30)))
    _check_usable(bench, device)


@pytest.mark.smoke
def test_resets_meet_everything(bench: Bench) -> None:
    device = bench.open(bench.resettable)
    bench.driver.reset_to(device, 26)
    good = bench.save(device)
    stream = bench.data_of(device, State.RESUMING)
    asking = Thread((_get_state(device.fd),), 100)
    writing = Thread((call("write", stream.fd, good[:8], 8),), 100)
    _check(
        bench,
        bench.system.parallel(
            Thread((_reset(device.fd),), 2),
            _save(device.fd, 40),
            _load(device.fd, good, 40),
            asking,
            writing,
        ),
    )
    device.reset()
    assert device.state() is State.RUNNING


def test_the_device_is_closed_under_a_reader(bench: Bench) -> None:
    device = bench.open_with(27)
    stream = bench.data_of(device, State.STOP_COPY)
    reader = Thread((call("read", stream.fd, Room(4), 4),), 200)
    closer = Thread(tuple(call("close", fd) for fd in (device.fd, *device.holders)))
    outcomes = bench.system.parallel(reader, closer)
    assert set(outcomes[0][0].counts) <= {0, errno.ENODEV}
    assert bench.open().state() is State.RUNNING


@pytest.mark.having("mappable")
def test_user_copies_may_fault_into_the_device(bench: Bench) -> None:
    """The buffer is the device's own mapped BAR, and a reset is on its way: who waits for whom?"""
    assert bench.driver.mappable
    index, size = bench.driver.mappable
    device = bench.open(bench.resettable)
    bench.driver.reset_to(device, 28)
    good = bench.save(device)
    device.set_state(State.RUNNING)
    for _ in range(2):
        saving = bench.data_of(device, State.STOP_COPY)
        assert bench.system.call("read", saving.fd, device.map(index, 0, size), 4)[0] == 4
        device.set_state(State.RUNNING)
        loading = bench.data_of(device, State.RESUMING)
        assert bench.system.call("write", loading.fd, device.map(index, 0, size), 4)[0] == 4
        device.reset()
        assert device.state() is State.RUNNING
    fresh = device.map(index, 0, size)
    saving = bench.data_of(device, State.STOP_COPY)
    reading = Thread((call("read", saving.fd, fresh, 4),), 20)
    meeting = bench.system.parallel(reading, Thread((_reset(device.fd),)), _save(device.fd, 10))
    _check(bench, meeting)
    device.reset()
    bench.data_of(device, State.RESUMING).write_all(good)
    device.set_state(State.RUNNING)
