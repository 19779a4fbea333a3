# SPDX-License-Identifier: GPL-2.0-only
"""What one family alone promises."""

from __future__ import annotations

import errno

import pytest

from tests.lab import simulation
from tests.lab.bench import Bench, refused
from vfiogen.vfio.uapi import Feature, FeatureFlag, State

_CLIENTS = "/sys/kernel/debug/lab_pds/clients"


def _clients(bench: Bench) -> int:
    return int(bench.system.read_file(_CLIENTS))


@pytest.mark.on("pds")
def test_pds_is_a_client_of_its_parent_while_it_is_bound(bench: Bench) -> None:
    assert _clients(bench) == 2
    bench.guest.unbind(bench.a)
    try:
        assert _clients(bench) == 1
    finally:
        bench.guest.bind(bench.a, bench.driver.bound_as)
    assert _clients(bench) == 2


@pytest.mark.on("pds")
def test_pds_stays_a_client_until_its_user_is_gone(bench: Bench) -> None:
    """An open device keeps its registration: unbinding waits for the user."""
    device = bench.open()
    assert _clients(bench) == 2
    device.close()
    assert _clients(bench) == 2


# The state ERROR


_RECOVER = "/sys/kernel/debug/lab_pds/recover"
_STATES = [State.STOP, State.RUNNING_P2P, State.STOP_COPY, State.RESUMING]


@pytest.mark.on("pds")
@pytest.mark.parametrize("state", _STATES, ids=lambda state: state.name)
def test_a_recovery_of_the_parent_ends_a_migration(bench: Bench, state: State) -> None:
    """What the firmware did for it is lost: nothing but a reset leads out of ERROR."""
    device = bench.open_with(40, bench.resettable)
    stream = device.set_state(state)
    bench.system.write_file(_RECOVER, "1")
    assert device.state() is State.ERROR
    if stream:
        with refused(errno.ENODEV):
            stream.write(b"x") if state is State.RESUMING else stream.read(1)
    for target in set(State) - {State.ERROR}:
        with refused(errno.EIO, errno.EINVAL):
            device.set_state(target)
        assert device.state() is State.ERROR
    device.reset()
    assert device.state() is State.RUNNING
    assert bench.save(device)


@pytest.mark.on("pds")
def test_a_recovery_of_the_parent_is_no_matter_to_a_running_device(bench: Bench) -> None:
    device = bench.open_with(41)
    bench.system.write_file(_RECOVER, "1")
    assert device.state() is State.RUNNING
    assert bench.save(device)


@pytest.mark.on("pds")
def test_a_device_that_failed_is_opened_anew(bench: Bench) -> None:
    device = bench.open_with(42)
    device.set_state(State.STOP)
    bench.system.write_file(_RECOVER, "1")
    assert device.state() is State.ERROR
    device.close()
    device = bench.open()
    assert device.state() is State.RUNNING
    assert bench.save(device)


# Variants


_GRAPHICS_ALONE = "10003:00:01.0"


@pytest.mark.on("xe")
def test_xe_passes_a_physical_function_through(bench: Bench) -> None:
    bench.guest.keep_enabled(_GRAPHICS_ALONE)
    bench.guest.bind(_GRAPHICS_ALONE, bench.driver.bound_as)
    try:
        device = bench.open(_GRAPHICS_ALONE)
        assert not device.supports(Feature.MIG_DEVICE_STATE, FeatureFlag.GET)
        device.reset()
        device.close()
    finally:
        bench.guest.unbind(_GRAPHICS_ALONE)


@pytest.mark.on("xe")
def test_xe_passes_a_function_through_that_cant_migrate(bench: Bench) -> None:
    bench.guest.unbind(bench.a)
    bench.inject("migration_supported", errno.EIO)
    try:
        bench.guest.bind(bench.a, bench.driver.bound_as)
        device = bench.open()
        assert not device.supports(Feature.MIG_DEVICE_STATE, FeatureFlag.GET)
        device.reset()
        device.close()
        bench.guest.unbind(bench.a)
    finally:
        bench.guest.bind(bench.a, bench.driver.bound_as)
    assert bench.open().supports(Feature.MIG_DEVICE_STATE, FeatureFlag.GET)


@pytest.mark.on("xe")
@pytest.mark.parametrize("command", ["flr_prepare", "wait_flr_done"])
def test_a_parent_that_fails_at_a_reset_leaves_the_device_usable(bench: Bench, command: str) -> None:
    device = bench.open_with(43, bench.resettable)
    device.set_state(State.STOP)
    bench.inject(command, errno.EIO)
    device.reset()
    assert device.state() is State.RUNNING
    assert bench.save(device)


# Functions that are taken away


_GONE = "/sys/kernel/debug/lab_mlx5/gone"


@pytest.mark.on("mlx5")
def test_a_function_that_is_taken_away_fails_what_it_was_doing(bench: Bench) -> None:
    device = bench.open_with(44)
    device.set_state(State.STOP)
    bench.system.write_file(_GONE, "1")
    try:
        assert device.state() is State.ERROR
        with refused(errno.EIO):
            device.set_state(State.RUNNING)
    finally:
        bench.system.write_file(_GONE, "0")
    device.reset()
    assert device.state() is State.RUNNING
    assert bench.save(device)


# The record ahead of the first.
_AHEAD = 24
_ANEW = "/sys/kernel/debug/lab_mlx5/anew"


@pytest.mark.on("mlx5")
@pytest.mark.parametrize("wanted", [False, True])
def test_initial_data_comes_again(bench: Bench, wanted: bool) -> None:
    """The user is told of it, if that was asked for; all that wasn't read is read before it."""
    device = bench.open_with(46)
    if wanted:
        device.feature(Feature.MIG_PRECOPY_INFO_V2 | FeatureFlag.SET)
    stream = bench.data_of(device, State.PRE_COPY)
    first = stream.precopy_info()
    stream.read(100)
    bench.system.write_file(_ANEW, "1")
    info = stream.precopy_info()
    assert (info.flags, info.initial > first.initial) == ((1, True) if wanted else (0, False))
    after = stream.precopy_info()
    assert after.flags == 0
    assert after.initial > 0
    if wanted:
        assert after.initial == first.initial - 100 + first.initial - _AHEAD
        assert after.dirty == 0
    bench.driver.reset_to(device, 47)
    before = bench.driver.observe(device)
    data = b""
    device.set_state(State.STOP_COPY)
    data += stream.read_all()
    assert len(data) > after.initial
    device.set_state(State.RUNNING)
    assert bench.driver.observe(device) == before


@pytest.mark.on("mlx5")
def test_who_gives_up_ends_what_was_asked_for(bench: Bench) -> None:
    """The firmware tracks a function no more, though it has refused to save what came first."""
    device = bench.open()
    bench.inject("save", errno.EIO)
    bench.data_of(device, State.PRE_COPY).precopy_info()
    assert not simulation.pending(bench.guest), "the command never came"
    told = simulation.Told(bench.guest)
    device.set_state(State.RUNNING)
    assert "save" in told.read()


@pytest.mark.on("mlx5")
def test_a_function_that_is_taken_away_isnt_asked(bench: Bench) -> None:
    device = bench.open_with(45)
    bench.system.write_file(_GONE, "1")
    try:
        assert device.state() is State.RUNNING
        with refused(errno.ENOTCONN):
            device.set_state(State.STOP_COPY)
    finally:
        bench.system.write_file(_GONE, "0")
    assert device.state() is State.RUNNING
    assert bench.save(device)
