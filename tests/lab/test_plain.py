# SPDX-License-Identifier: GPL-2.0-only
"""What a user of stock vfio-pci sees, a user of a rendered driver sees."""

from __future__ import annotations

import errno
import itertools

import pytest

from tests.lab.bench import Bench, refused
from tests.lab.drivers.edu import IRQ_ACK, IRQ_RAISE
from tests.lab.remote import Room, Thread, call
from tests.lab.simulation import raise_vector
from vfiogen.records import replace
from vfiogen.vfio.device import Device, open_group
from vfiogen.vfio.uapi import (
    CONFIG_REGION,
    REGION_SHIFT,
    DeviceFlag,
    Feature,
    FeatureFlag,
    Irq,
    IrqFlag,
    IrqSet,
    RegionFlag,
)

_OF_MIGRATION = {
    Feature.MIGRATION,
    Feature.MIG_DEVICE_STATE,
    Feature.MIG_DATA_SIZE,
    Feature.MIG_PRECOPY_INFO_V2,
    Feature.DMA_LOGGING_START,
    Feature.DMA_LOGGING_STOP,
    Feature.DMA_LOGGING_REPORT,
}


def _config(bench: Bench, device: Device) -> bytes:
    """Config space without the driver's own, and what differs from device to device: addresses."""
    data = bytearray(device.read(CONFIG_REGION, 0, 256))
    own = ((one.at, one.width) for one in bench.driver.own_config)
    for at, size in ((0x10, 0x18), (0x30, 4), *own):
        data[at : at + size] = bytes(size)
    return bytes(data)


@pytest.mark.smoke
def test_information_is_that_of_stock(bench: Bench, stock: str) -> None:
    ours, theirs = bench.open(), bench.open(stock)
    beside = sum(index > CONFIG_REGION for index in bench.driver.own_regions)
    mine, other = ours.info(), theirs.info()
    assert replace(mine, regions=mine.regions - beside) == other
    for index in set(range(other.regions - 1)) - set(bench.driver.own_regions):
        assert ours.region(index) == theirs.region(index), f"region {index}"
    assert ours.irqs() == theirs.irqs()
    for feature in set(Feature) - _OF_MIGRATION:
        for flag in (FeatureFlag.GET, FeatureFlag.SET):
            assert ours.supports(feature, flag) == theirs.supports(feature, flag), feature.name


@pytest.mark.smoke
def test_config_space_is_that_of_stock(bench: Bench, stock: str) -> None:
    ours, theirs = bench.open(), bench.open(stock)
    assert _config(bench, ours) == _config(bench, theirs)
    size = ours.region(CONFIG_REGION).size
    assert _pieces(bench, ours, size, 4) == _pieces(bench, ours, size, 64)
    some = min(size, 0x140)
    for width in (1, 2):
        assert _pieces(bench, ours, some, width) == _pieces(bench, ours, some, 64), f"{width} bytes"


def _pieces(bench: Bench, device: Device, size: int, width: int) -> bytes:
    """Read config space in pieces of a width."""
    base = CONFIG_REGION << REGION_SHIFT
    reads = (call("pread64", device.fd, Room(width), width, base + at) for at in range(0, size, width))
    (outcomes,) = bench.system.parallel(Thread(tuple(reads)))
    assert {one.result for one in outcomes} == {width}
    return b"".join(one.buffers[0] for one in outcomes)


def test_config_space_is_written_as_on_stock(bench: Bench, stock: str) -> None:
    """All ones, then zeroes, by each width and at each alignment that fits: the same stays."""
    ours, theirs = bench.open(), bench.open(stock)
    for at, width in ((4, 2), (5, 1), (0x0C, 1), (0x0D, 1), (0x10, 4), (0x3C, 1), (0x3C, 4), (0x3E, 2)):
        if any(at < own.at + own.width and own.at < at + width for own in bench.driver.own_config):
            continue
        seen = []
        for device in (ours, theirs):
            before = device.read(CONFIG_REGION, at, width)
            device.write(CONFIG_REGION, at, b"\xff" * width)
            ones = device.read(CONFIG_REGION, at, width)
            device.write(CONFIG_REGION, at, bytes(width))
            zeroes = device.read(CONFIG_REGION, at, width)
            device.write(CONFIG_REGION, at, before)
            seen.append((ones, zeroes, device.read(CONFIG_REGION, at, width) == before))
        assert seen[0] == seen[1], f"{width} bytes at {at:#x}"


def test_accesses_past_the_end_are_as_on_stock(bench: Bench, stock: str) -> None:
    devices = bench.open(), bench.open(stock)
    for index in set(range(CONFIG_REGION + 1)) - set(bench.driver.own_regions):
        size = devices[0].region(index).size
        outcomes = [
            [_try(device, index, at) for at in (size, size + 1, max(size - 1, 0))] for device in devices
        ]
        assert outcomes[0] == outcomes[1], f"region {index}"


def _try(device: Device, index: int, at: int) -> int | str:
    try:
        return len(device.read(index, at, 4))
    except OSError as error:
        return errno.errorcode[error.errno or 0]


@pytest.mark.smoke
@pytest.mark.having("mappable")
def test_a_bar_is_the_same_by_read_and_by_mapping(bench: Bench) -> None:
    assert bench.driver.mappable
    index, size = bench.driver.mappable
    device = bench.open()
    device.store(CONFIG_REGION, 4, device.load(CONFIG_REGION, 4, 2) | 2, 2)
    assert device.region(index).flags & RegionFlag.MMAP
    address = device.map(index, 0, size)
    for at in range(0, 32, 4):
        assert bench.system.load(address + at, 4) == device.load(index, at), f"{at:#x}"


@pytest.mark.having("mappable")
def test_a_mapping_faults_while_memory_is_off(bench: Bench) -> None:
    assert bench.driver.mappable
    index, size = bench.driver.mappable
    device = bench.open()
    address = device.map(index, 0, size)
    device.store(CONFIG_REGION, 4, 0, 2)
    if not _is_virtual(bench):
        with refused(errno.EFAULT):
            bench.system.load(address, 4)
        with refused(errno.EIO):
            device.read(index, 0, 4)
    device.store(CONFIG_REGION, 4, 2, 2)
    assert bench.system.load(address, 4) == device.load(index, 0)


def _is_virtual(bench: Bench) -> bool:
    """Whether the devices are virtual functions, whose memory is always on."""
    return bench.system.exists(f"/sys/bus/pci/devices/{bench.a}/physfn")


@pytest.mark.smoke
def test_groups_and_nodes_open_the_same(bench: Bench) -> None:
    device = open_group(bench.system, bench.a)
    by_group = device.info(), device.read(CONFIG_REGION, 0, 64)
    device.close()
    device = bench.open()
    assert (device.info(), device.read(CONFIG_REGION, 0, 64)) == by_group


def test_a_second_user_is_refused(bench: Bench) -> None:
    bench.open()
    with refused(errno.EBUSY, errno.EINVAL):
        open_group(bench.system, bench.a)


@pytest.mark.smoke
def test_a_reset_is_offered_where_it_works(bench: Bench) -> None:
    device = bench.open(bench.resettable)
    assert device.info().flags & DeviceFlag.RESET
    device.reset()


# Interrupts


def _fires(bench: Bench, eventfd: int, seconds: float = 2) -> bool:
    if not bench.system.poll(eventfd, seconds):
        return False
    bench.system.read(eventfd, 8)
    return True


@pytest.mark.smoke
def test_interrupts_can_be_triggered_by_hand(bench: Bench) -> None:
    device = bench.open()
    kinds = [(Irq(one.index), one.count) for one in device.irqs() if one.index <= Irq.MSIX]
    assert kinds
    for irq, count in kinds:
        eventfds = [bench.system.eventfd() for _ in range(min(count, 3))]
        device.set_triggers(irq, eventfds)
        for at, eventfd in enumerate(eventfds):
            device.set_irqs(irq, IrqSet.DATA_NONE | IrqSet.ACTION_TRIGGER, start=at)
            assert _fires(bench, eventfd), f"{irq.name} {at}"
        device.disable_irqs(irq)


@pytest.mark.smoke
@pytest.mark.on("edu")
def test_the_device_raises_msi(bench: Bench) -> None:
    device = bench.open()
    device.store(CONFIG_REGION, 4, 6, 2)
    eventfd = bench.system.eventfd()
    device.set_triggers(Irq.MSI, [eventfd])
    for _ in range(3):
        device.store(0, IRQ_RAISE, 1)
        assert _fires(bench, eventfd)
        device.store(0, IRQ_ACK, 1)
    device.disable_irqs(Irq.MSI)
    device.store(0, IRQ_RAISE, 1)
    assert not _fires(bench, eventfd, 0.1)
    device.store(0, IRQ_ACK, 1)


@pytest.mark.on("edu")
def test_the_device_raises_intx_and_it_is_masked(bench: Bench) -> None:
    device = bench.open()
    device.store(CONFIG_REGION, 4, 2, 2)
    # What is pending already isn't raised again by QEMU when the interrupt is set up.
    device.store(0, IRQ_ACK, 0xFFFFFFFF)
    assert device.irq(Irq.INTX).flags & IrqFlag.AUTOMASKED
    eventfd, unmask = bench.system.eventfd(), bench.system.eventfd()
    device.set_triggers(Irq.INTX, [eventfd])
    device.store(0, IRQ_RAISE, 1)
    assert _fires(bench, eventfd)
    assert not _fires(bench, eventfd, 0.1)
    device.unmask(Irq.INTX)
    assert _fires(bench, eventfd), "still raised"
    device.store(0, IRQ_ACK, 1)
    device.set_unmask_trigger(Irq.INTX, unmask)
    bench.system.write(unmask, (1).to_bytes(8, "little"))
    device.store(0, IRQ_RAISE, 1)
    assert _fires(bench, eventfd)
    device.store(0, IRQ_ACK, 1)
    device.mask(Irq.INTX)
    # No kernel masks by an eventfd so far.
    with refused(errno.ENOTTY):
        device.set_mask_trigger(Irq.INTX, unmask)
    device.disable_irqs(Irq.INTX)


@pytest.mark.having("stand_in")
def test_the_device_raises_its_vectors(bench: Bench) -> None:
    """Each vector has its eventfd, and what is switched off stays quiet."""
    device = bench.open()
    count = device.irq(Irq.MSIX).count
    assert count > 1
    assert device.irq(Irq.MSIX).flags & IrqFlag.EVENTFD
    eventfds = [bench.system.eventfd() for _ in range(count)]
    device.set_triggers(Irq.MSIX, eventfds)
    for at, eventfd in enumerate(eventfds):
        raise_vector(bench.guest, bench.a, at)
        assert _fires(bench, eventfd), f"vector {at}"
        assert not any(_fires(bench, other, 0) for other in eventfds), f"vector {at}"
    device.disable_irqs(Irq.MSIX)
    with refused(errno.EAGAIN):
        raise_vector(bench.guest, bench.a, 0)


@pytest.mark.having("stand_in")
def test_closing_switches_interrupts_off(bench: Bench) -> None:
    device = bench.open(bench.resettable)
    device.set_triggers(Irq.MSIX, [bench.system.eventfd()])
    device.close()
    device = bench.open(bench.resettable)
    with refused(errno.EAGAIN):
        raise_vector(bench.guest, bench.resettable, 0)


@pytest.mark.parametrize("irq", [Irq.INTX, Irq.MSI, Irq.MSIX, Irq.ERR, Irq.REQ], ids=lambda irq: irq.name)
def test_wrong_requests_for_interrupts_are_refused_as_on_stock(bench: Bench, stock: str, irq: Irq) -> None:
    """Every action with every kind of data, for the last vector and for one too many."""
    ours, theirs = bench.open(), bench.open(stock)
    count = next((one.count for one in ours.irqs() if one.index == irq), 0)
    for start, action, data in itertools.product((max(count - 1, 0), count), _ACTIONS, _DATA):
        outcomes = [_try_irqs(device, irq, action | data, start) for device in (ours, theirs)]
        assert outcomes[0] == outcomes[1], f"{action!r} {data!r} from {start}"


_ACTIONS = (IrqSet.ACTION_MASK, IrqSet.ACTION_UNMASK, IrqSet.ACTION_TRIGGER, IrqSet(0), IrqSet(0x38))
_DATA = (IrqSet.DATA_NONE, IrqSet.DATA_BOOL, IrqSet(0), IrqSet(7))


def _try_irqs(device: Device, irq: Irq, flags: IrqSet, start: int) -> str:
    try:
        device.set_irqs(irq, flags, b"\1" if flags & IrqSet.DATA_BOOL else b"", start=start)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "done"
