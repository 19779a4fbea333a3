# SPDX-License-Identifier: GPL-2.0-only
"""What a driver of Intel's graphics looks for outside of the device: the OpRegion and two bridges."""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator

import pytest

from tests.lab.bench import Bench, refused
from tests.lab.drivers import igd
from tests.lab.remote import Room, Thread, call
from vfiogen.vfio.device import Device, sysfs
from vfiogen.vfio.uapi import CONFIG_REGION, REGION_SHIFT, RegionFlag

pytestmark = pytest.mark.on("igd")

_TYPE = 2
_SIZE = 8192
_PIECE = 1000
_VENDOR = 1 << 31 | 0x8086
_VBTS = {igd.INSIDE: 0, igd.ABSOLUTE: 5000, igd.RELATIVE: 3000}
_FIRST = {igd.INSIDE: 0, igd.ABSOLUTE: 1, igd.RELATIVE: 2}

each_function = pytest.mark.parametrize("bdf", _VBTS, ids=["inside", "absolute", "relative"])


def _filled(size: int, first: int) -> bytes:
    return bytes((first + i % 251) & 0xFF for i in range(size))


def _expected(bdf: str) -> bytes:
    """Return the region: the VBT behind the OpRegion, as version 2.1 has it."""
    opregion, vbt = bytearray(_filled(_SIZE, _FIRST[bdf])), _VBTS[bdf]
    struct.pack_into("<16sI", opregion, 0, b"IntelGraphicsMem", _SIZE // 1024)
    struct.pack_into("<H", opregion, 0x16, 0x201 if vbt else 0x200)
    struct.pack_into("<QI", opregion, 0x3BA, _SIZE if vbt else 0, vbt)
    return bytes(opregion) + _filled(vbt, 0x80 + _FIRST[bdf])


def _read_all(device: Device, index: int, size: int) -> bytes:
    return b"".join(device.read(index, at, min(_PIECE, size - at)) for at in range(0, size, _PIECE))


@each_function
def test_the_opregion_has_its_vbt_behind_it(bench: Bench, bdf: str) -> None:
    device = bench.open(bdf)
    expected = _expected(bdf)
    info = device.region(igd.OPREGION)
    assert info.size == len(expected)
    assert info.flags == RegionFlag.READ | RegionFlag.CAPS
    assert {one.id: one.data for one in info.capabilities} == {_TYPE: struct.pack("<II", _VENDOR, 1)}
    assert _read_all(device, igd.OPREGION, info.size) == expected


@each_function
def test_the_opregion_is_read_in_any_pieces(bench: Bench, bdf: str) -> None:
    device = bench.open(bdf)
    expected = _expected(bdf)
    near = (0, 0x10, 0x14, 0x3B8, 0x3C0, _SIZE - 4, len(expected) - 4)
    pieces = [(at + i, width) for at in near for i in range(4) for width in (1, 2, 3, 8, 100)]
    place = igd.OPREGION << REGION_SHIFT
    reads = (call("pread64", device.fd, Room(width), width, place | at) for at, width in pieces)
    (outcomes,) = bench.system.parallel(Thread(tuple(reads)))
    for (at, width), one in zip(pieces, outcomes, strict=True):
        wanted = expected[at : at + width]
        assert (one.result, one.buffers[0][: one.result]) == (len(wanted), wanted), (
            f"{width} bytes at {at:#x}"
        )


@each_function
def test_the_opregion_cant_be_written_or_mapped(bench: Bench, bdf: str) -> None:
    device = bench.open(bdf)
    size = device.region(igd.OPREGION).size
    for act in (
        lambda: device.write(igd.OPREGION, 0, b"x"),
        lambda: device.read(igd.OPREGION, size, 1),
        lambda: device.map(igd.OPREGION, 0, 4096),
    ):
        with refused(errno.EINVAL):
            act()


def _bridges() -> Iterator[tuple[int, str, int]]:
    yield igd.HOST, "0000:00:00.0", 2
    yield igd.LPC, "0000:00:1f.0", 3


def test_the_bridges_are_those_of_the_machine(bench: Bench) -> None:
    device = bench.open()
    for index, bdf, subtype in _bridges():
        info = device.region(index)
        config = bench.system.read_file(f"{sysfs(bdf)}/config")
        assert {one.id: one.data for one in info.capabilities} == {
            _TYPE: struct.pack("<II", _VENDOR, subtype)
        }
        assert (info.size, info.flags) == (len(config), RegionFlag.READ | RegionFlag.CAPS)
        assert _read_all(device, index, 256) == config[:256]
        for at, width in ((1, 1), (1, 2), (3, 5), (0x2C, 4), (len(config) - 2, 8)):
            assert device.read(index, at, width) == config[at : at + width]
        for act in (
            lambda index=index: device.write(index, 0, b"x"),
            lambda index=index, size=info.size: device.read(index, size, 1),
        ):
            with refused(errno.EINVAL):
                act()


def test_without_an_opregion_there_is_none(bench: Bench) -> None:
    device = bench.open(igd.NONE)
    assert device.info().regions == 9
    assert device.load(CONFIG_REGION, igd.ASLS) == 0


def test_what_isnt_an_opregion_isnt_shown(bench: Bench) -> None:
    """Firmware has left a pointer to something else."""
    with refused(errno.EINVAL):
        bench.open(igd.BROKEN)


def test_an_opregion_is_as_long_as_it_is(bench: Bench) -> None:
    """Whatever its header says: behind it is memory of others, or none."""
    device = bench.open(igd.LONG)
    assert device.region(igd.OPREGION).size == _SIZE
    assert len(device.read(igd.OPREGION, _SIZE - 64, 128)) == 64


@each_function
def test_the_pointer_is_that_of_the_opregion(bench: Bench, bdf: str) -> None:
    config = bench.system.read_file(f"{sysfs(bdf)}/config")
    pointer = int.from_bytes(config[igd.ASLS : igd.ASLS + 4], "little")
    assert bench.open(bdf).load(CONFIG_REGION, igd.ASLS) == pointer


def test_the_pointer_is_one_of_the_users_own(bench: Bench) -> None:
    """Nothing that is written gets to the device, whose firmware and driver use the register.

    The guest's firmware writes it once: it is there after a reset, until the device is closed.
    """
    device = bench.open()
    assert device.load(CONFIG_REGION, igd.ASLS) == igd.MEMORY
    device.store(CONFIG_REGION, igd.ASLS, 0x12345678)
    assert device.load(CONFIG_REGION, igd.ASLS) == 0x12345678
    device.reset()
    assert device.load(CONFIG_REGION, igd.ASLS) == 0x12345678
    device.close()
    device = bench.open()
    assert device.load(CONFIG_REGION, igd.ASLS) == igd.MEMORY
    device.close()
    config = bench.system.read_file(f"{sysfs(bench.a)}/config")
    assert int.from_bytes(config[igd.ASLS : igd.ASLS + 4], "little") == igd.MEMORY


def test_an_opregion_is_what_it_was_when_the_device_was_opened(bench: Bench) -> None:
    """And each user gets it anew."""
    for _ in range(3):
        device = bench.open(igd.ABSOLUTE)
        assert device.read(igd.OPREGION, 0, 16) == b"IntelGraphicsMem"
        device.reset()
        assert device.read(igd.OPREGION, 0, 16) == b"IntelGraphicsMem"
        device.close()
