# SPDX-License-Identifier: GPL-2.0-only
"""What the VFIO user interface promises of migration, held against every driver that declares some."""

from __future__ import annotations

import errno
import itertools
import os
import struct

import pytest

from tests.lab.bench import Bench, refused, write_pieces
from tests.lab.driver import Driver, Mutation
from vfiogen.vfio.device import Device, Stream, open_group
from vfiogen.vfio.uapi import CONFIG_REGION, Feature, FeatureFlag, Migration, State

pytestmark = pytest.mark.migrates()

_OPTIONAL = {
    State.RUNNING_P2P: Migration.P2P,
    State.PRE_COPY: Migration.PRE_COPY,
    State.PRE_COPY_P2P: Migration.PRE_COPY | Migration.P2P,
}
_NEVER = {(State.STOP_COPY, State.PRE_COPY), (State.STOP_COPY, State.PRE_COPY_P2P)}
_SAVING = (State.STOP_COPY, State.PRE_COPY, State.PRE_COPY_P2P)


def _has(driver: Driver, state: State) -> bool:
    needed = _OPTIONAL.get(state, Migration(0))
    return driver.migration & needed == needed


def _states(driver: Driver) -> list[State]:
    return [state for state in State if state is not State.ERROR and _has(driver, state)]


def _new_stream(before: State, after: State) -> bool:
    """Whether a change of state gives a data descriptor."""
    if after is State.RESUMING:
        return before is not State.RESUMING
    return after in _SAVING and before not in _SAVING


def _enter(bench: Bench, device: Device, state: State, good: bytes) -> Stream | None:
    """Bring a running device to a state; one that resumes gets a whole stream."""
    stream = device.set_state(state)
    if state is State.RESUMING:
        assert stream is not None
        stream.write_all(good)
    assert device.state() is state
    return stream


def _good_stream(bench: Bench) -> bytes:
    device = bench.open_with(1)
    data = bench.save(device)
    device.close()
    return data


# States


@pytest.mark.smoke
def test_the_device_says_what_the_driver_declares(bench: Bench) -> None:
    device = bench.open()
    assert device.migration() == bench.driver.migration
    for feature in (Feature.MIG_DEVICE_STATE, Feature.MIG_DATA_SIZE):
        assert device.supports(feature, FeatureFlag.GET)
    assert device.supports(Feature.MIG_DEVICE_STATE, FeatureFlag.SET)
    assert not device.supports(Feature.MIG_DATA_SIZE, FeatureFlag.SET)


def test_an_opened_device_runs(bench: Bench) -> None:
    for state in _states(bench.driver):
        device = bench.open()
        assert device.state() is State.RUNNING
        device.set_state(state)
        device.close()


@pytest.mark.parametrize(
    "start", [state for state in State if state is not State.ERROR], ids=lambda s: s.name
)
@pytest.mark.smoke
def test_arcs_from(bench: Bench, start: State) -> None:
    """Every state, and numbers that are none: reached, or refused with EINVAL and left as it was."""
    if not _has(bench.driver, start):
        device = bench.open()
        with refused(errno.EINVAL):
            device.set_state(start)
        assert device.state() is State.RUNNING
        return
    good = _good_stream(bench)
    for target in State:
        device = bench.open()
        _enter(bench, device, start, good)
        legal = target is not State.ERROR and _has(bench.driver, target) and (start, target) not in _NEVER
        if legal:
            stream = device.set_state(target)
            assert device.state() is target, f"{start.name} -> {target.name}"
            assert (stream is not None) is _new_stream(start, target), f"{start.name} -> {target.name}"
        else:
            with refused(errno.EINVAL):
                device.set_state(target)
            # A chain of arcs may have come part of its way.
            assert device.state() in _states(bench.driver)
        device.close()
    device = bench.open()
    _enter(bench, device, start, good)
    for number in (8, 255, 0xFFFFFFFF):
        with refused(errno.EINVAL):
            device.set_state(number)
        assert device.state() is start


def test_short_and_wrong_arguments_are_refused(bench: Bench) -> None:
    device = bench.open()
    for feature in (Feature.MIG_DEVICE_STATE, Feature.MIGRATION, Feature.MIG_DATA_SIZE):
        with refused(errno.EINVAL):
            device.feature(feature | FeatureFlag.GET, bytes(4))
    with refused(errno.EINVAL):
        device.feature(Feature.MIG_DEVICE_STATE | FeatureFlag.GET | FeatureFlag.SET, bytes(8))
    with refused(errno.EINVAL):
        device.feature(Feature.MIGRATION | FeatureFlag.SET, bytes(8))
    assert device.state() is State.RUNNING


def test_a_state_change_whose_answer_cant_be_written_leaks_nothing(bench: Bench) -> None:
    """The argument lies at the end of read-only memory: the descriptor can't be told."""
    device = bench.open()
    page = bench.system.mmap(-1, 4096, 0)
    for at, number in enumerate(
        struct.unpack("<IIII", struct.pack("<IIIi", 16, Feature.MIG_DEVICE_STATE | FeatureFlag.SET, 3, -1))
    ):
        bench.system.store(page + 4 * at, 4, number)
    bench.system.call("mprotect", page, 4096, 1)
    before = bench.system.names("/proc/self/fd")
    with refused(errno.EFAULT):
        bench.system.ioctl(device.fd, 0x3B75, page)
    assert bench.system.names("/proc/self/fd") == before
    device.set_state(State.RUNNING)


# Data


def test_the_size_is_at_least_what_there_is_to_read(bench: Bench) -> None:
    device = bench.open_with(2)
    running = device.data_size()
    data = bench.save(device)
    assert 0 < len(data) <= running
    if bench.driver.stream_size is not None:
        assert len(data) == bench.driver.stream_size


@pytest.mark.migrates(Migration.PRE_COPY)
def test_the_size_counts_what_wasnt_read_while_it_ran(bench: Bench) -> None:
    device = bench.open_with(2)
    stream = bench.data_of(device, State.PRE_COPY)
    assert stream.precopy_info().initial
    running = device.data_size()
    device.set_state(State.STOP_COPY)
    assert len(stream.read_all()) <= running


@pytest.mark.parametrize("piece", [1, 7, 4096])
def test_a_stream_read_in_pieces_is_the_same(bench: Bench, piece: int) -> None:
    device = bench.open_with(3)
    first = bench.save(device)
    device.set_state(State.RUNNING)
    second = bench.save(device, piece)
    assert second == first


def test_the_end_of_a_stream_stays_the_end(bench: Bench) -> None:
    device = bench.open_with(3)
    stream = bench.data_of(device, State.STOP_COPY)
    stream.read_all()
    assert stream.read(1) == b""
    assert stream.read(4096) == b""


@pytest.mark.smoke
@pytest.mark.parametrize(("number", "piece"), [(4, 4096), (5, 1), (6, 7), (7, 17)])
def test_a_state_arrives_at_another_device(bench: Bench, number: int, piece: int) -> None:
    source = bench.open_with(number)
    before = bench.driver.observe(source)
    data = bench.save(source)
    target = bench.open_with(100 + number, bench.b)
    assert not before or bench.driver.observe(target) != before
    stream = bench.data_of(target, State.RESUMING)
    write_pieces(stream, data, piece)
    target.set_state(State.RUNNING)
    assert bench.driver.observe(target) == before
    assert bench.driver.without_local(bench.save(target)) == bench.driver.without_local(data)


def test_a_state_comes_back_to_the_same_device(bench: Bench) -> None:
    device = bench.open_with(8)
    before = bench.driver.observe(device)
    data = bench.save(device)
    device.set_state(State.RUNNING)
    bench.driver.reset_to(device, 9)
    assert not before or bench.driver.observe(device) != before
    bench.data_of(device, State.RESUMING).write_all(data)
    device.set_state(State.RUNNING)
    assert bench.driver.observe(device) == before


def test_saving_changes_nothing(bench: Bench) -> None:
    device = bench.open_with(10)
    before = bench.driver.observe(device)
    bench.save(device)
    device.set_state(State.RUNNING)
    assert bench.driver.observe(device) == before


@pytest.mark.smoke
@pytest.mark.each("mutations")
def test_a_wrong_stream_is_refused(bench: Bench, mutation: Mutation) -> None:
    good = _good_stream(bench)
    target = bench.open(bench.b)
    bad = mutation.change(good)
    stream = bench.data_of(target, State.RESUMING)
    if mutation.at_write:
        with refused(mutation.at_write):
            stream.write_all(bad)
    else:
        stream.write_all(bad)
    with refused(*mutation.errors):
        target.set_state(State.STOP)
    assert target.state() in (State.RESUMING, State.ERROR)
    target.close()
    target = bench.open(bench.b)
    assert target.state() is State.RUNNING
    bench.data_of(target, State.RESUMING).write_all(good)
    target.set_state(State.RUNNING)


@pytest.mark.each("mutations")
def test_what_a_write_refuses_stays_refused(bench: Bench, mutation: Mutation) -> None:
    """Who goes on writing as if nothing had been gets no further; neither does a stream after a good one."""
    good = _good_stream(bench)
    target = bench.open(bench.b)
    bench.data_of(target, State.RESUMING).write_all(good)
    target.set_state(State.STOP)
    stream, bad = bench.data_of(target, State.RESUMING), mutation.change(good)
    if mutation.at_write:
        with refused(mutation.at_write):
            stream.write_all(bad)
        with refused(mutation.at_write, *bench.driver.disorder):
            stream.write_all(bad)
    else:
        stream.write_all(bad)
    with refused(*mutation.errors):
        target.set_state(State.STOP)


def test_a_state_is_saved_after_another_was_loaded(bench: Bench) -> None:
    """What the parent knows of the stream that came doesn't get into the one that goes."""
    good = _good_stream(bench)
    device = bench.open_with(21)
    first = bench.save(device)
    device.set_state(State.STOP)
    bench.data_of(device, State.RESUMING).write_all(good)
    device.set_state(State.STOP)
    assert bench.driver.without_local(bench.save(device)) == bench.driver.without_local(good)
    device.set_state(State.STOP)
    bench.data_of(device, State.RESUMING).write_all(first)
    device.set_state(State.STOP)
    assert bench.save(device) == first


def test_a_refused_stream_changes_nothing(bench: Bench) -> None:
    """A stream that is refused loads no part of it."""
    good = _good_stream(bench)
    target = bench.open_with(12, bench.b)
    before = bench.driver.observe(target)
    bench.data_of(target, State.RESUMING).write_all(good[:-1])
    with refused(bench.driver.early_end):
        target.set_state(State.STOP)
    assert bench.driver.observe(target) == before


def test_more_than_there_is_room_for_is_refused(bench: Bench) -> None:
    device = bench.open()
    stream = bench.data_of(device, State.RESUMING)
    huge = bench.system.mmap(-1, 1 << 20, 0)
    for size in (bench.driver.room, 0x7FFFF000, (1 << 63) - 1, (1 << 64) - 1):
        with pytest.raises(OSError):  # noqa: PT011
            bench.system.call("write", stream.fd, huge, size)
    assert device.state() is State.RESUMING


# Descriptors


def test_descriptors_are_for_one_direction(bench: Bench) -> None:
    device = bench.open()
    saving = bench.data_of(device, State.STOP_COPY)
    with refused(errno.EBADF):
        saving.write(b"x")
    device.set_state(State.RUNNING)
    resuming = bench.data_of(device, State.RESUMING)
    with refused(errno.EBADF):
        resuming.read(1)


def test_descriptors_have_no_position(bench: Bench) -> None:
    device = bench.open()
    saving = bench.data_of(device, State.STOP_COPY)
    with refused(errno.ESPIPE):
        bench.system.pread(saving.fd, 1, 0)
    with refused(errno.ESPIPE):
        bench.system.call("lseek", saving.fd, 0, 0)
    device.set_state(State.RUNNING)
    resuming = bench.data_of(device, State.RESUMING)
    with refused(errno.ESPIPE):
        bench.system.pwrite(resuming.fd, b"x", 0)


def test_nothing_is_read_or_written_with_no_bytes(bench: Bench) -> None:
    device = bench.open_with(1)
    saving = bench.data_of(device, State.STOP_COPY)
    assert saving.read(0) == b""
    good = saving.read_all()
    device.set_state(State.RUNNING)
    resuming = bench.data_of(device, State.RESUMING)
    assert resuming.write(b"") == 0
    resuming.write_all(good)
    assert resuming.write(b"") == 0
    device.set_state(State.STOP)


def test_bad_addresses_lose_nothing(bench: Bench) -> None:
    device = bench.open_with(13)
    good = bench.save(device)
    device.set_state(State.RUNNING)
    stream = bench.data_of(device, State.STOP_COPY)
    for address in (0, 8, 0x7FFF_FFFF_F000, (1 << 64) - 4096):
        with refused(errno.EFAULT):
            bench.system.call("read", stream.fd, address, 16)
    assert stream.read_all() == good
    device.set_state(State.RUNNING)
    stream = bench.data_of(device, State.RESUMING)
    with refused(errno.EFAULT):
        bench.system.call("write", stream.fd, 8, 16)
    stream.write_all(good)
    device.set_state(State.STOP)


def _stale(stream: Stream, state: State) -> None:
    with refused(errno.ENODEV):
        if state is State.RESUMING:
            stream.write(b"x" * 8)
        else:
            stream.read(8)
    if state is State.RESUMING:
        return
    if state in (State.PRE_COPY, State.PRE_COPY_P2P):
        with refused(errno.ENODEV):
            stream.precopy_info()


def _open_streams(bench: Bench) -> list[State]:
    return [state for state in (*_SAVING, State.RESUMING) if _has(bench.driver, state)]


@pytest.mark.smoke
def test_descriptors_are_stale_after_a_reset(bench: Bench) -> None:
    for state in _open_streams(bench):
        device = bench.open(bench.resettable)
        stream = bench.data_of(device, state)
        device.reset()
        _stale(stream, state)
        assert device.state() is State.RUNNING
        _stale(stream, state)
        device.close()
        _stale(stream, state)


def test_a_reset_by_sysfs_is_one(bench: Bench) -> None:
    """It takes none of the core's locks, and is told to the driver all the same."""
    for state in _open_streams(bench):
        device = bench.open(bench.resettable)
        stream = bench.data_of(device, state)
        file = bench.system.open(f"/sys/bus/pci/devices/{bench.resettable}/reset", os.O_WRONLY)
        bench.system.pwrite(file, b"1", 0)
        bench.system.close(file)
        _stale(stream, state)
        assert device.state() is State.RUNNING
        device.close()


@pytest.mark.smoke
def test_descriptors_are_stale_after_a_close(bench: Bench) -> None:
    for state, group in itertools.product(_open_streams(bench), (False, True)):
        device = open_group(bench.system, bench.a) if group else bench.open()
        stream = bench.data_of(device, state)
        device.close()
        _stale(stream, state)
        again = bench.open()
        _stale(stream, state)
        again.close()
        stream.close()


def test_descriptors_are_stale_after_a_change_of_state(bench: Bench) -> None:
    good = _good_stream(bench)
    for state in _open_streams(bench):
        device = bench.open()
        stream = _enter(bench, device, state, good)
        assert stream is not None
        device.set_state(State.RUNNING)
        _stale(stream, state)
        device.close()


def test_a_stale_descriptor_doesnt_serve_the_next(bench: Bench) -> None:
    device = bench.open_with(14)
    old = bench.data_of(device, State.STOP_COPY)
    device.set_state(State.RUNNING)
    new = bench.data_of(device, State.STOP_COPY)
    _stale(old, State.STOP_COPY)
    assert new.read_all()


@pytest.mark.smoke
def test_a_descriptor_outlives_the_driver_of_the_device(bench: Bench) -> None:
    """The device is closed and unbound; the descriptor still answers, and the module stays."""
    for state in _open_streams(bench):
        device = bench.open()
        stream = bench.data_of(device, state)
        device.close()
        bench.guest.unbind(bench.a)
        try:
            _stale(stream, state)
            stream.close()
        finally:
            bench.guest.bind(bench.a, bench.driver.bound_as)


def test_the_module_stays_while_a_descriptor_is_open(bench: Bench) -> None:
    device = bench.open()
    stream = bench.data_of(device, State.STOP_COPY)
    device.close()
    users = bench.guest.devices_of(bench.driver.bound_as)
    for bdf in users:
        bench.guest.unbind(bdf)
    try:
        with refused(errno.EAGAIN):
            bench.guest.unload(bench.driver.module)
        stream.close()
        bench.guest.unload(bench.driver.module)
    finally:
        bench.guest.load(bench.driver.module)
        for bdf in users:
            bench.guest.bind(bdf, bench.driver.bound_as)


def test_a_stopped_device_runs_after_a_reset(bench: Bench) -> None:
    """From every state; the device can be stopped again and saved, as if nothing had been."""
    good = _good_stream(bench)
    for state in _states(bench.driver):
        device = bench.open_with(33, bench.resettable)
        _enter(bench, device, state, good)
        device.reset()
        assert device.state() is State.RUNNING
        bench.driver.reset_to(device, 34)
        assert len(bench.save(device)) == len(good)
        device.close()


def test_closing_the_descriptor_early_is_no_harm(bench: Bench) -> None:
    device = bench.open_with(15, bench.resettable)
    bench.data_of(device, State.STOP_COPY).close()
    device.set_state(State.RUNNING)
    bench.data_of(device, State.RESUMING).close()
    with refused(bench.driver.early_end):
        device.set_state(State.STOP)
    device.reset()
    assert device.state() is State.RUNNING


# Pre-copy


def _read_for_now(stream: Stream) -> bytes:
    """Read what there is before the device stops: a driver may have more, the longer it is asked."""
    data = b""
    try:
        while part := stream.read(4096):
            data += part
    except OSError as error:
        if error.errno != errno.ENOMSG:
            raise
        return data
    raise AssertionError("the stream has ended while the device runs")


@pytest.mark.migrates(Migration.PRE_COPY)
def test_pre_copy_ends_for_now_and_goes_on(bench: Bench) -> None:
    source = bench.open_with(16)
    before = bench.driver.observe(source)
    stream = bench.data_of(source, State.PRE_COPY)
    info = stream.precopy_info()
    data = b""
    while info.initial:
        part = stream.read(max(5, info.initial // 8))
        data += part
        after = stream.precopy_info()
        assert after.initial == info.initial - len(part)
        info = after
    data += _read_for_now(stream)
    for _ in range(2):
        with refused(errno.ENOMSG):
            stream.read(1)
    assert source.state() is State.PRE_COPY
    source.set_state(State.STOP_COPY)
    with refused(errno.EINVAL):
        stream.precopy_info()
    data += stream.read_all(11)
    target = bench.open_with(116, bench.b)
    bench.data_of(target, State.RESUMING).write_all(data, 13)
    target.set_state(State.RUNNING)
    assert bench.driver.observe(target) == before


@pytest.mark.migrates(Migration.PRE_COPY)
def test_what_changes_while_it_is_saved_arrives(bench: Bench) -> None:
    """Changes that are read before the device stops, and one that is not."""
    source = bench.open_with(16)
    stream = bench.data_of(source, State.PRE_COPY)
    data = _read_for_now(stream)
    for number in (22, 23):
        bench.driver.reset_to(source, number)
        stream.precopy_info()
        data += _read_for_now(stream)
    bench.driver.reset_to(source, 24)
    before = bench.driver.observe(source)
    source.set_state(State.STOP_COPY)
    data += stream.read_all()
    target = bench.open_with(116, bench.b)
    assert not before or bench.driver.observe(target) != before
    bench.data_of(target, State.RESUMING).write_all(data)
    target.set_state(State.RUNNING)
    assert bench.driver.observe(target) == before


@pytest.mark.migrates(Migration.PRE_COPY, Migration.P2P)
def test_pre_copy_comes_back_from_p2p(bench: Bench) -> None:
    """What was read stays read, and what is left can be asked for."""
    source = bench.open_with(16)
    before = bench.driver.observe(source)
    stream = bench.data_of(source, State.PRE_COPY)
    data = stream.read(stream.precopy_info().initial)
    source.set_state(State.PRE_COPY_P2P)
    source.set_state(State.PRE_COPY)
    data += stream.read(info.initial) if (info := stream.precopy_info()).initial else b""
    with refused(errno.ENOMSG):
        stream.read(1)
    source.set_state(State.STOP_COPY)
    data += stream.read_all()
    target = bench.open_with(116, bench.b)
    bench.data_of(target, State.RESUMING).write_all(data)
    target.set_state(State.RUNNING)
    assert bench.driver.observe(target) == before


@pytest.mark.migrates(Migration.PRE_COPY)
def test_pre_copy_info_checks_its_argument(bench: Bench) -> None:
    device = bench.open()
    stream = bench.data_of(device, State.PRE_COPY)
    with refused(errno.EINVAL):
        stream.precopy_info(8)
    with refused(errno.ENOTTY):
        bench.system.ioctl(stream.fd, 0x3BFF, bytes(24))
    with refused(errno.EFAULT):
        bench.system.ioctl(stream.fd, 0x3B79, 8)


@pytest.mark.migrates(Migration.PRE_COPY)
def test_pre_copy_can_be_given_up(bench: Bench) -> None:
    device = bench.open_with(17)
    before = bench.driver.observe(device)
    for _ in range(3):
        stream = bench.data_of(device, State.PRE_COPY)
        stream.read(3)
        device.set_state(State.RUNNING)
        _stale(stream, State.PRE_COPY)
    assert bench.driver.observe(device) == before


# Surroundings


def test_memory_decoding_may_be_off(bench: Bench) -> None:
    source = bench.open_with(18)
    before = bench.driver.observe(source)
    target = bench.open_with(118, bench.b)
    for device in (source, target):
        device.store(CONFIG_REGION, 4, device.load(CONFIG_REGION, 4, 2) & ~2, 2)
    data = bench.save(source)
    bench.data_of(target, State.RESUMING).write_all(data)
    target.set_state(State.RUNNING)
    for device in (source, target):
        assert not device.load(CONFIG_REGION, 4, 2) & 2
    assert bench.driver.observe(target) == before


def test_devices_open_and_close_again_and_again(bench: Bench) -> None:
    for at in range(20):
        device = open_group(bench.system, bench.a) if at % 2 else bench.open()
        assert device.state() is State.RUNNING
        device.set_state((State.STOP_COPY, State.RESUMING, State.STOP)[at % 3])
        device.close()


def test_two_devices_dont_know_of_each_other(bench: Bench) -> None:
    other = bench.b if bench.resettable == bench.a else bench.resettable
    a, b = bench.open_with(19), bench.open_with(20, other)
    stream = bench.data_of(a, State.STOP_COPY)
    assert b.state() is State.RUNNING
    b.reset()
    assert a.state() is State.STOP_COPY
    assert stream.read_all()
