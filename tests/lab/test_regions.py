# SPDX-License-Identifier: GPL-2.0-only
"""Regions and fields of config space that the driver answers itself, not the device."""

from __future__ import annotations

import errno
import os
import random
import struct
from collections.abc import Iterator

import pytest

from tests.lab.bench import Bench, refused
from tests.lab.driver import Field, Header, Memory
from tests.lab.remote import Call, Outcome, Room, Thread, call
from vfiogen.vfio import uapi
from vfiogen.vfio.device import Device
from vfiogen.vfio.uapi import CONFIG_REGION, REGION_SHIFT, Feature, FeatureFlag, RegionFlag

_PAGE = 4096
_LEAST = 64
_SPARSE, _TYPE = 1, 2
_WIDTHS = (1, 2, 3, 4, 7, 8, 16)
_COMMAND = 4
_BARS = slice(0x10, 0x28)


def _read(fd: int, index: int, at: int, size: int) -> Call:
    return call("pread64", fd, Room(size), size, index << REGION_SHIFT | at)


def _write(fd: int, index: int, at: int, data: bytes) -> Call:
    return call("pwrite64", fd, data, len(data), index << REGION_SHIFT | at)


def _feature(fd: int, feature: Feature) -> Call:
    return call("ioctl", fd, uapi.DEVICE_FEATURE, struct.pack("<II", 8, feature | FeatureFlag.SET))


def _run(bench: Bench, calls: list[Call]) -> list[Outcome]:
    (outcomes,) = bench.system.parallel(Thread(tuple(calls)))
    return outcomes


# Config space


def _image(outcome: Outcome) -> bytearray:
    return bytearray(outcome.buffers[0])


def _size(header: Header) -> int:
    """Return how much of config space is looked at."""
    return max(_LEAST, *(one.at + one.width for one in header.fields))


def _pieces(header: Header) -> list[tuple[int, int]]:
    """Return where accesses begin and how wide they are: all that touch a field or its neighbours."""
    near = {at for one in header.fields for at in range(one.at - 2, one.at + one.width + 2)}
    return [
        (at, width)
        for width in _WIDTHS
        for at in range(_size(header) - width + 1)
        if near.intersection(range(at, at + width))
    ]


def _expected(field: Field, kept: bytearray) -> int:
    """Return what a field reads as, when these bytes have been written to it."""
    return field.value | int.from_bytes(kept[field.at : field.at + field.width], "little") & field.kept


def _take(image: bytearray, field: Field) -> int:
    """Return what a field reads as, and remove its bits."""
    place = slice(field.at, field.at + field.width)
    value = int.from_bytes(image[place], "little")
    image[place] = (value & ~field.mask).to_bytes(field.width, "little")
    return value & field.mask


@pytest.mark.each("headers")
def test_config_space_reads_the_same_in_any_pieces(bench: Bench, header: Header) -> None:
    device = bench.open(header.device)
    device.write(CONFIG_REGION, 0x10, random.Random(1).randbytes(0x18))
    whole = device.read(CONFIG_REGION, 0, _size(header))
    pieces = _pieces(header)
    outcomes = _run(bench, [_read(device.fd, CONFIG_REGION, at, width) for at, width in pieces])
    for (at, width), one in zip(pieces, outcomes, strict=True):
        assert one.result == width
        assert one.buffers[0] == whole[at : at + width], f"{width} bytes at {at:#x}"


@pytest.mark.each("headers")
def test_config_space_is_written_in_any_pieces(bench: Bench, stock: str, header: Header) -> None:
    """The driver's fields keep what they are to keep, and the rest is as on stock."""
    values = random.Random(2)
    wide = [(_BARS.start, bytes(_BARS.stop - _BARS.start))]
    wide += [(at, values.randbytes(width)) for at, width in _pieces(header) if at >= _COMMAND]
    images = []
    for device in (bench.open(header.device), bench.open(stock)):
        calls = []
        for at, data in wide:
            calls += [
                _write(device.fd, CONFIG_REGION, at, data),
                _read(device.fd, CONFIG_REGION, 0, _size(header)),
            ]
        outcomes = _run(bench, calls)
        assert [one.result for one in outcomes[::2]] == [len(data) for _, data in wide]
        images.append([_image(one) for one in outcomes[1::2]])
    kept = bytearray(_size(header))
    for field in header.fields:
        kept[field.at : field.at + field.width] = field.start.to_bytes(field.width, "little")
    for (at, data), ours, theirs in zip(wide, *images, strict=True):
        kept[at : at + len(data)] = data
        for field in header.fields:
            assert _take(ours, field) == _expected(field, kept), f"{len(data)} bytes at {at:#x}"
            _take(theirs, field)
        assert ours[4:] == theirs[4:], f"{len(data)} bytes at {at:#x}"


@pytest.mark.each("headers")
def test_fields_that_are_kept_start_anew(bench: Bench, header: Header) -> None:
    """A reset and the next user find nothing of what was written."""
    for end in ("reset", "close"):
        device = bench.open(header.device)
        device.write(CONFIG_REGION, 4, b"\xff" * (_LEAST - 4))
        if end == "reset":
            device.reset()
        else:
            device.close()
            device = bench.open(header.device)
        image = bytearray(device.read(CONFIG_REGION, 0, _size(header)))
        for field in header.fields:
            assert _take(image, field) == field.value | field.start, f"{field.at:#x} after {end}"
        device.close()


@pytest.mark.each("headers")
def test_config_space_isnt_reached_past_its_end(bench: Bench, header: Header) -> None:
    device = bench.open(header.device)
    size = device.region(CONFIG_REGION).size
    for at in (size, size - 2):
        with refused(errno.EFAULT):
            device.write(CONFIG_REGION, at, bytes(4))
        with refused(errno.EFAULT):
            device.read(CONFIG_REGION, at, 4)


# Memory


def _fill(bench: Bench, device: Device, memory: Memory) -> dict[int, bytes]:
    """Write at places all over the memory; return what is where."""
    values = random.Random(memory.base)
    places = (0, 1, _PAGE - 3, memory.length // 2 + 5, memory.length - _PAGE - 9, memory.length - 7)
    what = {at: values.randbytes(min(7 + at % 5, memory.length - at)) for at in places}
    for at, data in what.items():
        assert device.write(memory.region, at, data) == len(data)
    return {**what, 0: what[0][:1] + what[1][:6]}


@pytest.mark.each("memories")
def test_memory_is_described(bench: Bench, memory: Memory) -> None:
    info = bench.open(memory.device).region(memory.region)
    assert info.size == memory.size
    assert info.offset == memory.region << REGION_SHIFT
    assert info.flags == RegionFlag.READ | RegionFlag.WRITE | RegionFlag.MMAP | RegionFlag.CAPS
    found = {one.id: one.data for one in info.capabilities}
    if memory.type:
        assert found == {_TYPE: struct.pack("<II", *memory.type), **dict(memory.capabilities)}
    else:
        assert found == {_SPARSE: struct.pack("<IIQQ", 1, 0, 0, memory.length)}


@pytest.mark.each("memories")
def test_memory_is_the_same_by_read_and_by_mapping(bench: Bench, memory: Memory) -> None:
    device = bench.open(memory.device)
    for at, data in _fill(bench, device, memory).items():
        assert device.read(memory.region, at, len(data)) == data, f"{at:#x}"
        page = at & -_PAGE
        room = min(2 * _PAGE, memory.length - page)
        address = device.map(memory.region, page, room) + at - page
        for i, byte in enumerate(data):
            assert bench.system.load(address + i, 1) == byte, f"{at + i:#x}"
        bench.system.store(address, 1, data[0] ^ 0xFF)
        assert device.read(memory.region, at, 1)[0] == data[0] ^ 0xFF
        bench.system.store(address, 1, data[0])


@pytest.mark.each("memories")
def test_memory_is_where_firmware_says(bench: Bench, memory: Memory) -> None:
    device = bench.open(memory.device)
    what = _fill(bench, device, memory)
    device.close()
    ram = bench.system.open("/dev/mem", os.O_RDWR)
    for at, data in what.items():
        page = at & -_PAGE
        address = bench.system.mmap(ram, 2 * _PAGE, memory.base + page) + at - page
        assert bytes(bench.system.load(address + i, 1) for i in range(len(data))) == data, f"{at:#x}"
    bench.system.unmap_all()


@pytest.mark.each("memories")
def test_memory_is_read_and_written_across_pages(bench: Bench, memory: Memory) -> None:
    device = bench.open(memory.device)
    data = random.Random(3).randbytes(_PAGE + 77)
    assert device.write(memory.region, _PAGE - 3, data) == len(data)
    assert device.read(memory.region, _PAGE - 3, len(data)) == data


@pytest.mark.each("memories")
def test_nothing_is_beyond_memory(bench: Bench, memory: Memory) -> None:
    """A BAR is a power of two: after the memory it reads as ones, and writes are lost."""
    device = bench.open(memory.device)
    end, size, region = memory.length, memory.size, memory.region
    device.write(region, end - 4, b"abcd")
    assert device.write(region, end - 4, b"efgh" + b"x" * min(4, size - end)) == 4 + min(4, size - end)
    assert device.read(region, end - 4, 4) == b"efgh"
    if size > end:
        assert device.read(region, end - 2, 6) == b"gh\xff\xff\xff\xff"
        assert device.read(region, end + 3, 2 * _PAGE) == b"\xff" * 2 * _PAGE
        assert device.write(region, size - 2, b"xyz") == 2
    assert device.read(region, size - 2, 8) == (b"\xff\xff" if size > end else b"gh")
    for at in (size, size + 1, (1 << REGION_SHIFT) - 1):
        with refused(errno.EINVAL):
            device.read(region, at, 1)
        with refused(errno.EINVAL):
            device.write(region, at, b"x")
    for at, room in ((end, _PAGE), (end - _PAGE, 2 * _PAGE), (0, size + _PAGE)):
        with refused(errno.EINVAL):
            device.map(region, at, room)


@pytest.mark.each("memories")
def test_memory_isnt_mapped_for_one_alone(bench: Bench, memory: Memory) -> None:
    """A private mapping would copy pages when they are written."""
    device = bench.open(memory.device)
    with refused(errno.EINVAL):
        bench.system.call("mmap", 0, _PAGE, 3, 2, device.fd, memory.region << REGION_SHIFT)


@pytest.mark.each("memories")
def test_memory_outlives_a_reset(bench: Bench, memory: Memory) -> None:
    """What is mapped is taken away, and is there again when it is touched."""
    device = bench.open(memory.device)
    address = device.map(memory.region, _PAGE, 4 * _PAGE)
    bench.system.store(address, 8, 0x1122334455667788)
    device.reset()
    assert bench.system.load(address, 8) == 0x1122334455667788
    assert device.load(memory.region, _PAGE, 8) == 0x1122334455667788


@pytest.mark.each("memories")
def test_memory_may_need_decoding(bench: Bench, memory: Memory) -> None:
    """Not if it is the machine's; but no page is mapped before decoding is on."""
    device = bench.open(memory.device)
    device.store(memory.region, 16, 0x01020304)
    address = device.map(memory.region, 0, _PAGE)
    device.store(CONFIG_REGION, 4, 0, 2)
    with refused(errno.EFAULT):
        bench.system.load(address + 16, 4)
    for reset in (False, True):
        if reset:
            device.reset()
        if memory.decoded:
            with refused(errno.EIO):
                device.load(memory.region, 16)
            with refused(errno.EIO):
                device.store(memory.region, 16, 0)
        else:
            assert device.load(memory.region, 16) == 0x01020304
            device.store(memory.region, 16, 0x01020304)
    assert not device.load(CONFIG_REGION, 4, 2) & 2
    device.store(CONFIG_REGION, 4, 2, 2)
    assert bench.system.load(address + 16, 4) == 0x01020304 == device.load(memory.region, 16)


@pytest.mark.each("memories")
def test_memory_isnt_mapped_while_the_device_sleeps(bench: Bench, memory: Memory) -> None:
    """What is mapped already is taken away, but for regions beside the BARs, which the core leaves alone."""
    device = bench.open(memory.device)
    touched, fresh = (device.map(memory.region, at, _PAGE) for at in (0, _PAGE))
    bench.system.store(touched, 4, 0x5A5A5A5A)
    device.feature(Feature.LOW_POWER_ENTRY | FeatureFlag.SET)
    asleep = [fresh] if memory.type else [touched, fresh]
    for address in asleep:
        with refused(errno.EFAULT):
            bench.system.load(address, 4)
    # A read wakes it for as long as it takes.
    assert device.load(memory.region, 0) == 0x5A5A5A5A
    for address in asleep:
        with refused(errno.EFAULT):
            bench.system.load(address, 4)
    device.feature(Feature.LOW_POWER_EXIT | FeatureFlag.SET)
    assert bench.system.load(touched, 4) == 0x5A5A5A5A
    bench.system.load(fresh, 4)


def _load_everything(device: Device, memory: Memory, addresses: list[int]) -> Iterator[Thread]:
    one, other = addresses
    region = memory.region
    yield Thread((call("load", 8, one, Room(8)), call("load", 1, one + 3 * _PAGE, Room(1))), 150)
    yield Thread((call("store", 8, other, b"12345678"),), 150)
    yield Thread(
        (_read(device.fd, region, _PAGE - 8, 64), _write(device.fd, region, 2 * _PAGE, bytes(5000))), 60
    )
    yield Thread((_write(device.fd, CONFIG_REGION, 0x10, b"\xff" * 24), _read(device.fd, 7, 0, 64)), 60)
    yield Thread((call("ioctl", device.fd, uapi.DEVICE_RESET, 0),), 4)
    yield Thread(
        (
            _feature(device.fd, Feature.LOW_POWER_ENTRY),
            call("load", 4, one + 2 * _PAGE, Room(4)),
            _feature(device.fd, Feature.LOW_POWER_EXIT),
        ),
        10,
    )


@pytest.mark.each("memories")
def test_memory_is_used_by_all_at_once(bench: Bench, memory: Memory) -> None:
    """Mapped, read, written, reset and put to sleep: nothing hangs, and nothing is lost."""
    device = bench.open(memory.device)
    device.write(memory.region, 5 * _PAGE, b"untouched")
    addresses = [device.map(memory.region, 0, 4 * _PAGE) for _ in range(2)]
    outcomes = bench.system.parallel(*_load_everything(device, memory, addresses))
    for thread in outcomes:
        for one in thread:
            assert set(one.counts) <= {0, errno.EFAULT, errno.EIO, errno.EINVAL, errno.EAGAIN}, one.counts
    assert device.read(memory.region, 5 * _PAGE, 9) == b"untouched"
    bench.system.store(addresses[1], 8, 0x0807060504030201)
    assert bench.system.load(addresses[0], 8) == 0x0807060504030201


@pytest.mark.each("memories")
def test_memory_is_copied_to_memory_itself(bench: Bench, memory: Memory) -> None:
    """The buffer of an access is a mapping that is taken away meanwhile: who waits for whom?"""
    device = bench.open(memory.device)
    device.write(memory.region, 8 * _PAGE, b"0123456789")
    size, at = 10, memory.region << REGION_SHIFT
    for _ in range(2):
        fresh = device.map(memory.region, 0, _PAGE)
        assert bench.system.call("pread64", device.fd, fresh, size, at | 8 * _PAGE)[0] == size
        device.reset()
        assert bench.system.call("pwrite64", device.fd, fresh, size, at | 12 * _PAGE)[0] == size
        assert device.read(memory.region, 12 * _PAGE, size) == b"0123456789"
    resets = Thread((call("ioctl", device.fd, uapi.DEVICE_RESET, 0),), 3)
    copies = Thread((call("pread64", device.fd, fresh, size, at | 8 * _PAGE),), 60)
    for thread in bench.system.parallel(resets, copies):
        assert {0, errno.EAGAIN} >= set(thread[0].counts)


@pytest.mark.on("nvgrace", "virtio")
def test_no_eventfd_writes_behind_the_drivers_back(bench: Bench) -> None:
    device = bench.open()
    eventfd = bench.system.eventfd()
    argument = struct.pack("<IIQQiI", 32, 4, 0, 0, eventfd, 0)
    with refused(errno.ENOTTY):
        device.system.ioctl(device.fd, uapi.DEVICE_IOEVENTFD, argument)
