# SPDX-License-Identifier: GPL-2.0-only
"""Commands that fail and memory that runs out: told to the user, nothing lost, nothing leaked."""

from __future__ import annotations

import contextlib
import errno
import re
import struct

import pytest

from tests.lab import simulation
from tests.lab.bench import Bench, refused
from tests.lab.remote import Call, Outcome, Room, Thread, call
from vfiogen.vfio import uapi
from vfiogen.vfio.device import Device
from vfiogen.vfio.uapi import Feature, FeatureFlag, Migration, State

_ODD = errno.EUCLEAN
_MOST = 80


def _walk(bench: Bench, *, early: bool = True) -> None:
    """Move a state from one device to the other, through every state that they have; `early` ones too."""
    source, target = bench.open_with(30), bench.open_with(31, bench.b)
    before = bench.driver.observe(source)
    early = early and Migration.PRE_COPY in bench.driver.migration
    data = b""
    stream = bench.data_of(source, State.PRE_COPY if early else State.STOP_COPY)
    if early:
        initial = stream.precopy_info().initial
        if initial:
            data = stream.read(initial)
        else:
            with refused(errno.ENOMSG):
                stream.read(1)
        source.set_state(State.STOP_COPY)
    assert source.data_size()
    data += stream.read_all()
    source.set_state(State.RUNNING)
    bench.data_of(target, State.RESUMING).write_all(data)
    target.set_state(State.RUNNING)
    assert bench.driver.observe(target) == before
    source.close()
    target.close()


@pytest.mark.migrates
@pytest.mark.each("commands")
def test_an_error_of_a_command_is_told(bench: Bench, command: str) -> None:
    bench.inject(command, _ODD)
    with pytest.raises(OSError) as caught:  # noqa: PT011
        _walk(bench, early=command not in bench.driver.forgiven)
    assert caught.value.errno == _ODD
    bench.clean_up()
    _walk(bench)


@pytest.mark.migrates(Migration.PRE_COPY)
@pytest.mark.each("forgiven")
def test_an_error_in_pre_copy_is_made_up_for(bench: Bench, forgiven: str) -> None:
    """A state that can't be had while the device runs is had once it has stopped."""
    bench.inject(forgiven, _ODD)
    _walk(bench)
    assert not simulation.pending(bench.guest), "the command never came"


@pytest.mark.migrates
@pytest.mark.each("commands")
def test_a_reset_recovers_from_an_error_of_a_command(bench: Bench, command: str) -> None:
    """Whatever fails, the device is in a state that it has, and runs after a reset."""
    device = bench.open_with(34, bench.resettable)
    good = bench.save(device)
    device.close()
    bench.inject(command, _ODD)
    with contextlib.suppress(OSError):
        device = bench.open_with(34, bench.resettable)
    if simulation.pending(bench.guest):
        _walk_on(device, good)
    else:
        device = bench.open_with(34, bench.resettable)
    assert not simulation.pending(bench.guest), "the command never came"
    assert device.state() in State
    device.reset()
    assert device.state() is State.RUNNING
    assert bench.save(device)
    device.set_state(State.RUNNING)
    bench.data_of(device, State.RESUMING).write_all(good)
    device.set_state(State.RUNNING)


def _walk_on(device: Device, good: bytes) -> None:
    """Go through the states, whatever fails."""
    for state in (State.PRE_COPY, State.STOP_COPY, State.RUNNING, State.RESUMING, State.RUNNING):
        with contextlib.suppress(OSError):
            device.data_size()
        with contextlib.suppress(OSError):
            stream = device.set_state(state)
            if state is State.RESUMING and stream:
                stream.write_all(good)
            elif stream:
                stream.read(4096)


@pytest.mark.each("probe_commands")
def test_an_error_at_probe_is_told(bench: Bench, probe_command: str) -> None:
    """The driver isn't bound, nothing is left behind, and it can be bound the next time."""
    bench.guest.unbind(bench.a)
    held = simulation.held(bench.guest)
    bench.inject(probe_command, _ODD)
    try:
        with pytest.raises((AssertionError, OSError)):
            bench.guest.bind(bench.a, bench.driver.bound_as)
        assert not bench.guest.driver_of(bench.a)
        assert simulation.held(bench.guest) == held
        assert not bench.system.exists(f"/sys/bus/pci/devices/{bench.a}/vfio-dev")
    finally:
        bench.clean_up()
        bench.guest.bind(bench.a, bench.driver.bound_as)
    bench.open().close()


# What watches


@pytest.mark.smoke
def test_the_checkers_watch(bench: Bench) -> None:
    """No report, of whomever's fault, has turned one off without being seen."""
    locks = bench.system.read_file("/proc/lockdep_stats").decode()
    assert re.search(r"debug_locks:\s+1$", locks, re.MULTILINE)
    assert "lockdep is turned off" not in bench.guest.log_after(0)
    assert "kmemleak: Kernel memory leak detector disabled" not in bench.guest.log_after(0)


# Memory


def _configure_faults(bench: Bench) -> None:
    for kind in ("failslab", "fail_page_alloc"):
        bench.system.write_file(f"/sys/kernel/debug/{kind}/ignore-gfp-wait", "N")
        bench.system.write_file(f"/sys/kernel/debug/{kind}/verbose", "0")
    bench.system.write_file("/sys/kernel/debug/fail_usercopy/verbose", "0")


def _failing(bench: Bench, number: int, *calls: Call) -> tuple[list[Outcome], bool]:
    """Make calls with the number-th chance to fail taken; return what came of them, and if it was."""
    fd = bench.system.open("/proc/self/fail-nth", 2)
    text = str(number).encode()
    start = call("write", fd, text, len(text))
    ask = call("pread64", fd, Room(16), 16, 0)
    stop = call("write", fd, b"0", 1)
    ((_, *outcomes, left, _),) = bench.system.parallel(Thread((start, *calls, ask, stop)))
    bench.system.close(fd)
    # Asking has chances to fail as well: where that took it, the calls had none left.
    return outcomes, left.result > 0 and int(left.buffers[0][: left.result].strip(b"\0\n")) == 0


def _set_state(fd: int, state: State) -> Call:
    flags = Feature.MIG_DEVICE_STATE | FeatureFlag.SET
    return call("ioctl", fd, uapi.DEVICE_FEATURE, struct.pack("<IIIi", 16, flags, state, -1))


@pytest.mark.migrates
@pytest.mark.parametrize("state", [State.STOP_COPY, State.RESUMING], ids=lambda state: state.name)
def test_memory_may_run_out(bench: Bench, state: State) -> None:
    _configure_faults(bench)
    device = bench.open_with(32)
    before = bench.system.names("/proc/self/fd")
    for number in range(1, _MOST):
        (outcome,), taken = _failing(bench, number, _set_state(device.fd, state))
        if not taken:
            assert outcome.result == 0
            break
        if outcome.result == 0:
            # What failed was no harm, or it was made up for.
            bench.system.close(struct.unpack_from("<i", outcome.buffers[0], 12)[0])
        else:
            assert -outcome.result in (errno.ENOMEM, errno.EFAULT, errno.ENFILE, errno.EMFILE), outcome
            assert bench.system.names("/proc/self/fd") == before
        if device.state() is State.RESUMING:
            device.close()
            device = bench.open_with(32)
            before = bench.system.names("/proc/self/fd")
        device.set_state(State.RUNNING)
    else:
        pytest.fail("there is no end of failures")
    bench.clean_up()
    _walk(bench)


@pytest.mark.having("memories")
def test_memory_may_run_out_for_a_region(bench: Bench) -> None:
    """Nothing is done by halves when a region is described, read or written."""
    _configure_faults(bench)
    memory = bench.driver.memories[0]
    device = bench.open(memory.device)
    place = memory.region << uapi.REGION_SHIFT
    info = struct.pack("<IIIIQQ", 96, 0, memory.region, 0, 0, 0).ljust(96, b"\0")
    for one in (
        call("ioctl", device.fd, uapi.DEVICE_GET_REGION_INFO, info),
        call("pread64", device.fd, Room(64), 64, place),
        call("pwrite64", device.fd, bytes(64), 64, place),
    ):
        for number in range(1, _MOST):
            (outcome,), taken = _failing(bench, number, one)
            if not taken:
                break
            assert outcome.result >= 0 or -outcome.result in (errno.ENOMEM, errno.EFAULT), outcome
        else:
            pytest.fail("there is no end of failures")
        assert outcome.result >= 0


@pytest.mark.smoke
def test_nothing_is_leaked(bench: Bench) -> None:
    """After everything so far, with the devices unbound: no file holds the module, no memory is lost."""
    if bench.driver.migration:
        _walk(bench)
    # An open descriptor would hold what is to be found.
    bench.clean_up()
    # Another driver of the lab may have the same module.
    bound = bench.guest.devices_of(bench.driver.bound_as)
    for bdf in bound:
        bench.guest.unbind(bdf)
    try:
        assert bench.guest.users_of(bench.driver.module) == 0
        # The file system of VFIO's is every driver's, whoever came first.
        ours = [one for one in bench.guest.allocated() if f"[{bench.driver.loaded_as}]" in one]
        left = [one for one in ours if "simple_pin_fs" not in one]
        assert not left, "\n".join(left)
    finally:
        for bdf in bound:
            bench.guest.bind(bdf, bench.driver.bound_as)


@pytest.mark.smoke
@pytest.mark.last
def test_kmemleak_finds_nothing(bench: Bench) -> None:
    """Of all that the guest's drivers have allocated; each finding has the test that ran then."""
    leaks = bench.guest.find_leaks()
    assert not leaks, "\n".join(leaks)
