# SPDX-License-Identifier: GPL-2.0-only
"""What one family alone promises."""

from __future__ import annotations

import errno

import pytest

from tests.lab.bench import Bench, refused
from vfiogen.vfio.uapi import State

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
