# SPDX-License-Identifier: GPL-2.0-only
"""GPUs with coherent memory: when it is ready, and what firmware says of it."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable, Iterator

import pytest

from tests.lab.bench import Bench, refused
from tests.lab.drivers import nvgrace
from tests.lab.remote import Call, Room, Thread, call
from vfiogen.vfio.device import Device
from vfiogen.vfio.uapi import CONFIG_REGION, REGION_SHIFT

pytestmark = pytest.mark.on("nvgrace")

# Memory that isn't ready

_PAGE = 4096
_WORD = 0x0123456789ABCDEF


@pytest.fixture
def unready(bench: Bench) -> Iterator[Callable[..., None]]:
    """Resets a device and leaves its memory not ready, in one of two ways, until the test ends."""

    def reset(device: Device, left: str = nvgrace.NOT_READY) -> None:
        bench.system.write_file(nvgrace.READY, left)
        device.reset()

    yield reset
    bench.system.write_file(nvgrace.READY, nvgrace.IS_READY)


def _ready_soon(bench: Bench) -> Thread:
    """Make memory ready after a while that is long enough for others to find that it isn't."""
    fd = bench.system.open(nvgrace.READY, os.O_WRONLY)
    some = struct.pack("<QQ", 0, 200_000_000)
    return Thread((call("nanosleep", some, 0), call("write", fd, b"1", 1)))


def _look_whether_ready(bench: Bench) -> Call:
    """Read what memory is left as: the simulated one can be used all the time."""
    return call("read", bench.system.open(nvgrace.READY, os.O_RDONLY), Room(8), 8)


each_link = pytest.mark.parametrize("device_of", [nvgrace.FIRST, nvgrace.CXL], ids=["c2c", "cxl"])


@each_link
def test_memory_is_waited_for_after_a_reset(
    bench: Bench, unready: Callable[..., None], device_of: str
) -> None:
    device = bench.open(device_of)
    address = device.map(4, 0, _PAGE)
    bench.system.store(address, 8, _WORD)
    unready(device)
    loading = Thread((call("load", 8, address, Room(8)), _look_whether_ready(bench)))
    reading = Thread((call("pread64", device.fd, Room(8), 8, 4 << REGION_SHIFT), _look_whether_ready(bench)))
    ready, *users = bench.system.parallel(_ready_soon(bench), loading, reading)
    assert ready[1].result == 1
    for used, then in users:
        assert used.counts == {0: 1}
        assert used.buffers[0] == _WORD.to_bytes(8, "little")
        assert then.buffers[0].startswith(b"1\n"), "used before it was ready"


@pytest.mark.parametrize(("left", "error"), [(nvgrace.NOT_READY, errno.ETIME), (nvgrace.GONE, errno.ENODEV)])
def test_memory_that_doesnt_become_ready_isnt_used(
    bench: Bench, unready: Callable[..., None], left: str, error: int
) -> None:
    """By the registers of a CXL device: they say how long to wait."""
    device = bench.open(nvgrace.CXL)
    address = device.map(4, 0, _PAGE)
    device.store(4, 0, _WORD, 8)
    unready(device, left)
    with refused(error):
        device.load(4, 0)
    with refused(error):
        device.store(4, 0, 0)
    with refused(errno.EFAULT):
        bench.system.load(address, 4)
    bench.system.write_file(nvgrace.READY, nvgrace.IS_READY)
    assert device.load(4, 0, 8) == _WORD == bench.system.load(address, 8)


@each_link
def test_memory_isnt_waited_for_while_the_device_is_off(
    bench: Bench, unready: Callable[..., None], device_of: str
) -> None:
    """In D3hot it can't become ready: that is said at once."""
    device = bench.open(device_of)
    address = device.map(4, 0, _PAGE)
    device.store(4, 0, _WORD, 8)
    unready(device)
    device.store(CONFIG_REGION, nvgrace.POWER, 3, 2)
    with refused(errno.EIO):
        device.load(4, 0)
    with refused(errno.EFAULT):
        bench.system.load(address, 8)
    device.store(CONFIG_REGION, nvgrace.POWER, 0, 2)
    bench.system.write_file(nvgrace.READY, nvgrace.IS_READY)
    assert device.load(4, 0, 8) == _WORD == bench.system.load(address, 8)


@pytest.mark.parametrize("left", [nvgrace.NOT_READY, nvgrace.GONE])
def test_a_device_isnt_bound_before_its_memory_is_ready(
    bench: Bench, unready: Callable[..., None], left: str
) -> None:
    device = bench.open(nvgrace.CXL)
    unready(device, left)
    device.close()
    bench.guest.unbind(nvgrace.CXL)
    with pytest.raises((AssertionError, OSError)):
        bench.guest.bind(nvgrace.CXL, bench.driver.bound_as)
    assert not bench.guest.driver_of(nvgrace.CXL)
    bench.system.write_file(nvgrace.READY, nvgrace.IS_READY)
    bench.guest.bind(nvgrace.CXL, bench.driver.bound_as)
    bench.open(nvgrace.CXL).close()


# Firmware's properties


def _seen(device: Device) -> tuple[object, ...]:
    """What a user sees of the BARs."""
    regions = [device.region(index) for index in range(CONFIG_REGION)]
    device.write(CONFIG_REGION, 0x10, b"\xff" * 0x18)
    return (*regions, device.read(CONFIG_REGION, 4, 0x3C))


@pytest.mark.parametrize("bdf", [nvgrace.BARE, nvgrace.NO_LINK], ids=["none", "empty"])
def test_a_device_without_memory_is_plain(bench: Bench, stock: str, bdf: str) -> None:
    ours, theirs = bench.open(bdf), bench.open(stock)
    assert _seen(ours) == _seen(theirs)
    for device in (ours, theirs):
        with refused(errno.EINVAL):
            device.map(4, 0, _PAGE)


def test_memory_has_to_be_large_enough(bench: Bench) -> None:
    """What is left without the reserved part has to be a block."""
    with pytest.raises((AssertionError, OSError)):
        bench.guest.bind(nvgrace.TOO_SMALL, bench.driver.bound_as)
    assert not bench.system.exists(f"/sys/bus/pci/devices/{nvgrace.TOO_SMALL}/vfio-dev")
