# SPDX-License-Identifier: GPL-2.0-only
"""What HiSilicon's accelerators alone have: two layouts, queues, and parents that aren't always there."""

from __future__ import annotations

import errno
import struct

import pytest

from tests.lab.bench import Bench, refused
from tests.lab.drivers.hisilicon import CONTROL, HEAD, HPRE_VF, MAGIC_OLD, SIZE
from vfiogen.vfio.device import Device
from vfiogen.vfio.uapi import CONFIG_REGION, Feature, FeatureFlag, State

both = pytest.mark.on("hisilicon", "hisilicon-windows")
one = pytest.mark.on("hisilicon")

_QUEUES = 16
_SEND = 0x1000
_EVENTS = 0x2000
_STATE = 0x60
_VF_STATE = 24
_EQE = 144
_SQC = 160
_DERIVED = slice(_EQE, _EQE + 16)


def _set(bench: Bench, name: str, value: int | str) -> None:
    bench.system.write_file(f"{CONTROL}/{name}", str(value))


def _load(bench: Bench, data: bytes, number: int = 150) -> Device:
    target = bench.open_with(number, bench.b)
    bench.data_of(target, State.RESUMING).write_all(data)
    target.set_state(State.RUNNING)
    return target


def _doorbell(device: Device, at: int) -> int:
    return device.load(2, at, 8)


# Layouts


@both
def test_the_second_half_of_a_bar_is_hidden_where_it_has_registers_for_migration(bench: Bench) -> None:
    device = bench.open()
    hidden = bench.driver.name == "hisilicon"
    size = 0x8000 if hidden else 0x10000
    assert device.region(2).size == size
    device.store(CONFIG_REGION, 4, 2, 2)
    assert len(device.read(2, size - 8, 16)) == 8
    with refused(errno.EINVAL):
        device.read(2, size, 4)
    with refused(errno.EINVAL):
        device.write(2, size, b"1234")
    with refused(errno.EINVAL):
        device.map(2, 0, size + 4096)
    device.map(2, 0, size)


# The stream


@both
def test_a_function_without_a_driver_sends_only_what_must_match(bench: Bench) -> None:
    source = bench.open()
    data = bench.save(source)
    assert len(data) == HEAD
    assert struct.unpack_from("<I", data, _VF_STATE) == (1,)
    assert _load(bench, data).state() is State.RUNNING


@both
def test_a_head_that_goes_ahead_says_nothing_of_the_functions_driver(bench: Bench) -> None:
    source = bench.open()
    bench.save(source)
    source.set_state(State.RUNNING)
    bench.driver.reset_to(source, 49)
    stream = bench.data_of(source, State.PRE_COPY)
    data = stream.read(HEAD)
    source.set_state(State.STOP_COPY)
    assert struct.unpack_from("<I", data, _VF_STATE) == (0,)
    assert len(data + stream.read_all()) == SIZE


@both
def test_a_stream_of_the_first_version_is_read(bench: Bench) -> None:
    """Its addresses of the queues of events are wrong, and are taken from the contexts."""
    source = bench.open_with(50)
    before = bench.driver.observe(source)
    data = bench.save(source)
    wrong = bytes(byte ^ 0xFF for byte in data[_DERIVED])
    old = MAGIC_OLD + data[8:28] + bytes(4) + data[32:_EQE] + wrong + data[_EQE + 16 :]
    assert len(old) == SIZE
    target = _load(bench, old)
    assert bench.driver.observe(target) == before
    assert bench.driver.without_local(bench.save(target)) == bench.driver.without_local(data)


@both
def test_addresses_that_are_missing_mean_that_there_was_no_driver(bench: Bench) -> None:
    data = bench.save(bench.open_with(51))
    target = _load(bench, data[:_SQC] + bytes(8) + data[_SQC + 8 :])
    assert target.state() is State.RUNNING
    assert target.load(2, _SEND, 8) == 0


# What the device is told


@both
def test_heads_of_events_are_told_after_they_were_saved(bench: Bench) -> None:
    source = bench.open_with(52)
    data = bench.save(source)
    (head,) = struct.unpack_from("<I", data, 64 + 28)
    assert _doorbell(source, _EVENTS) == (head & 0xFFFF) << 32 | 3 << 12


@both
def test_queues_start_where_a_state_was_loaded(bench: Bench) -> None:
    target = _load(bench, bench.save(bench.open_with(53)))
    assert _doorbell(target, _SEND) == 1 << 48 | _QUEUES - 1


@both
def test_saving_one_function_leaves_the_next_alone(bench: Bench) -> None:
    other = bench.open_with(54, bench.b)
    before = bench.driver.observe(other)
    source = bench.open_with(55)
    bench.save(source)
    assert bench.driver.observe(other) == before


# Errors of registers


@both
@pytest.mark.parametrize(
    ("name", "error"), [("table_stuck", errno.ETIMEDOUT), ("caches_stuck", errno.ETIMEDOUT)]
)
def test_firmware_that_doesnt_answer_is_given_up(bench: Bench, name: str, error: int) -> None:
    device = bench.open_with(56)
    _set(bench, name, "Y")
    try:
        with refused(error):
            device.set_state(State.STOP_COPY)
    finally:
        _set(bench, name, "N")
    device.close()
    device = bench.open_with(57)
    assert len(bench.save(device)) == SIZE


@one
@pytest.mark.parametrize("name", ["abnormal", "core"])
def test_a_parent_that_is_busy_stops_no_function(bench: Bench, name: str) -> None:
    device = bench.open_with(58)
    _set(bench, name, 1)
    try:
        with refused(errno.EBUSY):
            device.set_state(State.STOP)
    finally:
        _set(bench, name, 0)
    assert device.state() is State.RUNNING
    assert len(bench.save(device)) == SIZE


@one
def test_a_function_with_a_message_isnt_stopped(bench: Bench) -> None:
    device = bench.open_with(59)
    device.store(2, 0x2C, 1)
    with refused(errno.EBUSY):
        device.set_state(State.STOP)
    assert device.state() is State.RUNNING


@one
def test_another_isolation_is_refused(bench: Bench) -> None:
    data = bench.save(bench.open_with(60))
    target = bench.open(bench.b)
    _set(bench, "iso", 4)
    try:
        with refused(errno.EINVAL):
            bench.data_of(target, State.RESUMING).write_all(data)
    finally:
        _set(bench, "iso", 5)


# Parents


@one
def test_a_reset_waits_for_that_of_the_parent(bench: Bench) -> None:
    device = bench.open_with(61, bench.resettable)
    _set(bench, "reset", 1)
    device.reset()
    assert bench.system.read_file(f"{CONTROL}/resetting").split() == [b"0"]
    assert device.state() is State.RUNNING


def _passes_through(bench: Bench, bdf: str) -> None:
    device = bench.open(bdf)
    assert not device.supports(Feature.MIG_DEVICE_STATE, FeatureFlag.GET)
    assert device.region(2).size == 0x10000
    device.reset()
    device.close()


@one
def test_a_function_of_an_old_parent_is_passed_through(bench: Bench) -> None:
    bench.guest.keep_enabled(HPRE_VF)
    bench.guest.bind(HPRE_VF, bench.driver.bound_as)
    try:
        _passes_through(bench, HPRE_VF)
    finally:
        bench.guest.unbind(HPRE_VF)


@one
def test_a_function_of_another_kind_migrates(bench: Bench) -> None:
    """HPRE has its own register of what goes on, and may have newer hardware without windows."""
    bench.guest.keep_enabled(HPRE_VF)
    _set(bench, "hpre_ver", 0x50)
    bench.guest.bind(HPRE_VF, bench.driver.bound_as)
    try:
        device = bench.open(HPRE_VF)
        bench.driver.reset_to(device, 62)
        assert len(bench.save(device)) == SIZE
        device.close()
    finally:
        bench.guest.unbind(HPRE_VF)
        _set(bench, "hpre_ver", 0x21)


@one
def test_a_function_without_its_parents_driver_is_passed_through(bench: Bench) -> None:
    bench.guest.unbind(bench.a)
    bench.inject("get_pf_driver", errno.EIO)
    try:
        bench.guest.bind(bench.a, bench.driver.bound_as)
        _passes_through(bench, bench.a)
        bench.guest.unbind(bench.a)
    finally:
        bench.guest.bind(bench.a, bench.driver.bound_as)


# Files in debugfs


def _directory(bench: Bench) -> str:
    found = f"/sys/kernel/debug/vfio/{bench.a}/migration/hisi_acc"
    if not bench.system.exists(f"{found}/migf_data"):
        pytest.skip("the kernel has no debugfs for VFIO devices")
    return found


def _bytes_of(dump: bytes) -> bytes:
    return bytes.fromhex("".join(line.partition(":")[2] for line in dump.decode().splitlines()))


@both
def test_debugfs_shows_what_a_stopped_device_sends(bench: Bench) -> None:
    directory = _directory(bench)
    device = bench.open_with(51)
    with refused(errno.EBUSY):
        bench.system.read_file(f"{directory}/dev_data")
    data = bench.save(device)
    assert _bytes_of(bench.system.read_file(f"{directory}/dev_data")) == data
    device.set_state(State.RUNNING)
    assert _bytes_of(bench.system.read_file(f"{directory}/migf_data")) == data
    assert bench.system.read_file(f"{directory}/cmd_state").startswith(b"mailbox: ")


@both
def test_debugfs_reads_no_registers_of_a_closed_device(bench: Bench) -> None:
    directory = _directory(bench)
    device = bench.open_with(52)
    data = bench.save(device)
    device.close()
    for name in ("dev_data", "cmd_state"):
        with refused(errno.ENODEV):
            bench.system.read_file(f"{directory}/{name}")
    assert _bytes_of(bench.system.read_file(f"{directory}/migf_data")) == data


@one
def test_a_file_of_debugfs_that_is_kept_open_outlives_its_device(bench: Bench) -> None:
    fd = bench.system.open(f"{_directory(bench)}/migf_data", 0)
    bench.guest.unbind(bench.a)
    try:
        with refused(errno.EIO, errno.ENODEV):
            bench.system.read(fd, 16)
        assert not bench.system.exists(f"/sys/kernel/debug/vfio/{bench.a}")
    finally:
        bench.system.close(fd)
        bench.guest.bind(bench.a, bench.driver.bound_as)
