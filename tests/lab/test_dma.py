# SPDX-License-Identifier: GPL-2.0-only
"""DMA: a device reaches what its user has mapped, and nothing else."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable

import pytest

from tests.lab.bench import Bench, refused
from vfiogen.vfio.device import Device, open_cdev, open_group
from vfiogen.vfio.dma import attach
from vfiogen.vfio.system import System
from vfiogen.vfio.uapi import CONFIG_REGION, Feature, FeatureFlag

_SIZE = 4096
_FROM, _TO = 0x100000, 0x180000
_WORDS = (0x0123456789ABCDEF, 0xFEDCBA9876543210, 1)

ways = pytest.mark.parametrize("way", [open_cdev, open_group], ids=["node", "group"])


def _open(bench: Bench, way: Callable[[System, str], Device]) -> Device:
    """Open the first device, its bus mastering on."""
    device = way(bench.system, bench.a)
    device.store(CONFIG_REGION, 4, 6, 2)
    return device


def _copy(bench: Bench, device: Device) -> None:
    """Have the device copy; that nothing is mapped it may not be able to tell."""
    assert bench.driver.copy
    with contextlib.suppress(OSError):
        bench.driver.copy(bench.guest, device, bench.a, _FROM, _TO, 24)


def _read(bench: Bench, address: int) -> tuple[int, ...]:
    return tuple(bench.system.load(address + 8 * at, 8) for at in range(len(_WORDS)))


def _write(bench: Bench, address: int, words: tuple[int, ...]) -> None:
    for at, word in enumerate(words):
        bench.system.store(address + 8 * at, 8, word)


@pytest.mark.smoke
@ways
@pytest.mark.having("copy")
def test_dma_reaches_what_is_mapped(bench: Bench, way: Callable[[System, str], Device]) -> None:
    device = _open(bench, way)
    space = attach(device)
    source, target = (bench.system.mmap(-1, _SIZE, 0) for _ in range(2))
    space.map(source, _SIZE, _FROM)
    space.map(target, _SIZE, _TO)
    _write(bench, source, _WORDS)
    _copy(bench, device)
    assert _read(bench, target) == _WORDS


@ways
@pytest.mark.having("copy")
def test_dma_doesnt_reach_what_was_unmapped(bench: Bench, way: Callable[[System, str], Device]) -> None:
    device = _open(bench, way)
    space = attach(device)
    source, target = (bench.system.mmap(-1, _SIZE, 0) for _ in range(2))
    space.map(source, _SIZE, _FROM)
    space.map(target, _SIZE, _TO)
    space.unmap(_TO, _SIZE)
    _write(bench, source, _WORDS)
    _copy(bench, device)
    assert _read(bench, target) == (0, 0, 0)


@ways
@pytest.mark.having("copy")
def test_dma_needs_bus_mastering(bench: Bench, way: Callable[[System, str], Device]) -> None:
    device = _open(bench, way)
    space = attach(device)
    source, target = (bench.system.mmap(-1, _SIZE, 0) for _ in range(2))
    space.map(source, _SIZE, _FROM)
    space.map(target, _SIZE, _TO)
    _write(bench, source, _WORDS)
    device.store(CONFIG_REGION, 4, 2, 2)
    _copy(bench, device)
    assert _read(bench, target) == (0, 0, 0)


@ways
def test_an_address_is_mapped_once(bench: Bench, way: Callable[[System, str], Device]) -> None:
    device = way(bench.system, bench.a)
    space = attach(device)
    memory = bench.system.mmap(-1, _SIZE, 0)
    space.map(memory, _SIZE, _FROM)
    with refused(errno.EEXIST, errno.EADDRINUSE):
        space.map(memory, _SIZE, _FROM)


def test_dirty_pages_arent_logged_by_a_device_that_cant(bench: Bench) -> None:
    """None of these drivers declares it: the kernel answers as for a feature that it doesn't know."""
    device = bench.open()
    for feature, way in (
        (Feature.DMA_LOGGING_START, FeatureFlag.SET),
        (Feature.DMA_LOGGING_STOP, FeatureFlag.SET),
        (Feature.DMA_LOGGING_REPORT, FeatureFlag.GET),
    ):
        assert not device.supports(feature, way)
    for act in (
        lambda: device.start_logging(4096, [(_FROM, _SIZE)]),
        device.stop_logging,
        lambda: device.report_logged(_FROM, _SIZE, 4096),
    ):
        with refused(errno.ENOTTY):
            act()
