# SPDX-License-Identifier: GPL-2.0-only
"""The legacy interface of virtio, in a BAR that the driver makes up."""

from __future__ import annotations

import errno
import random
import struct

import pytest

from tests.lab.bench import Bench, refused
from tests.lab.drivers import virtio
from tests.lab.remote import Room, Thread, call
from vfiogen.vfio import uapi
from vfiogen.vfio.device import Device
from vfiogen.vfio.uapi import CONFIG_REGION, REGION_SHIFT, Feature, FeatureFlag, Irq, RegionFlag

pytestmark = pytest.mark.on("virtio", "virtio-legacy")

_ODD = errno.EUCLEAN
_HOST, _GUEST, _PFN, _NUM, _SEL, _NOTIFY, _STATUS, _ISR, _VECTOR = 0, 4, 8, 12, 14, 16, 18, 19, 20
_FEATURES = 0x30010021
_SIZE = virtio.SIZE
_EVERYTHING = (0, errno.EIO, errno.EINVAL, errno.EAGAIN, errno.EFAULT)


def _start(bench: Bench, bdf: str | None = None) -> Device:
    """Open a function and switch I/O and memory decoding on."""
    device = bench.open(bdf)
    device.store(CONFIG_REGION, 4, 7, 2)
    return device


def test_the_legacy_bar_is_described(bench: Bench) -> None:
    device = bench.open()
    info = device.region(0)
    assert (info.size, info.flags) == (_SIZE, RegionFlag.READ | RegionFlag.WRITE)
    with refused(errno.EINVAL):
        device.map(0, 0, 4096)


def test_nobody_answers_before_decoding_is_on(bench: Bench) -> None:
    device = bench.open()
    for act in (lambda: device.load(0, 0), lambda: device.store(0, _SEL, 1, 2)):
        with refused(errno.EIO):
            act()
    device.store(CONFIG_REGION, 4, 1, 2)
    assert device.load(0, _HOST) == _FEATURES
    device.store(CONFIG_REGION, 4, 6, 2)
    with refused(errno.EIO):
        device.load(0, 0)


def test_registers_are_those_of_the_function(bench: Bench) -> None:
    device, other = _start(bench), _start(bench, bench.b)
    device.store(0, _GUEST, 0x21)
    for queue in range(3):
        device.store(0, _SEL, queue, 2)
        assert device.load(0, _NUM, 2) == 256
        device.store(0, _PFN, 0x1000 + queue)
    device.store(0, _SEL, 3, 2)
    assert device.load(0, _NUM, 2) == 0
    device.store(0, _SEL, 1, 2)
    device.store(0, _STATUS, 7, 1)
    assert device.read(0, 0, 16) == struct.pack("<IIIHH", _FEATURES, 0x21, 0x1001, 256, 1)
    assert device.load(0, _STATUS, 1) == 7
    assert other.read(0, 0, 16) == struct.pack("<IIIHH", _FEATURES, 0, 0, 256, 0)
    device.store(0, _STATUS, 0, 1)
    assert device.read(0, 0, 16) == struct.pack("<IIIHH", _FEATURES, 0, 0, 256, 0)


def test_what_a_read_changes_is_read_once(bench: Bench) -> None:
    device = _start(bench)
    device.store(0, _STATUS, 3, 1)
    assert device.read(0, _STATUS, 2) == b"\3\2"
    assert device.read(0, _STATUS, 2) == b"\3\0"


def test_the_own_part_begins_after_the_vectors_if_there_are_any(bench: Bench) -> None:
    device = _start(bench)
    slot, _, function = bench.a.rpartition(":")[2].partition(".")
    mac = bytes((2, 0, 0, 0, int(slot, 16), int(function) - 1))
    assert device.read(0, 20, 8) == mac + b"\1\0"
    device.set_triggers(Irq.MSIX, [bench.system.eventfd()])
    assert device.read(0, 24, 8) == mac + b"\1\0"
    assert device.read(0, _VECTOR, 4) == b"\xff" * 4
    device.store(0, _VECTOR, 0, 2)
    device.store(0, _SEL, 2, 2)
    device.store(0, _VECTOR + 2, 1, 2)
    assert device.read(0, _VECTOR, 12) == struct.pack("<HH", 0, 1) + mac + b"\1\0"
    device.disable_irqs(Irq.MSIX)
    assert device.read(0, 20, 6) == mac
    device.write(0, 20, b"\2abcde")
    assert device.read(0, 20, 8) == b"\2abcde\1\0"


@pytest.mark.parametrize("vectors", [False, True], ids=["intx", "msix"])
def test_any_pieces_read_the_same(bench: Bench, *, vectors: bool) -> None:
    """But for notifications, which are written whole."""
    device = _start(bench)
    if vectors:
        device.set_triggers(Irq.MSIX, [bench.system.eventfd()])
    device.load(0, _ISR, 1)
    device.store(0, _GUEST, 0x12345678)
    device.store(0, _PFN, 0x9ABCDEF0)
    end = 32 if vectors else 28
    one_by_one = [call("pread64", device.fd, Room(1), 1, at) for at in range(end)]
    (bytewise,) = bench.system.parallel(Thread(tuple(one_by_one)))
    whole = b"".join(one.buffers[0] for one in bytewise)
    assert [at for at in range(end) if bytewise[at].result != 1] == [_NOTIFY, _NOTIFY + 1]
    pieces = [(at, width) for width in (2, 3, 4, 8, 10) for at in range(end - width + 1)]
    (outcomes,) = bench.system.parallel(
        Thread(tuple(call("pread64", device.fd, Room(width), width, at) for at, width in pieces))
    )
    for (at, width), one in zip(pieces, outcomes, strict=True):
        covered = len({_NOTIFY, _NOTIFY + 1} & set(range(at, at + width)))
        if covered == 1:
            assert one.result == -errno.EINVAL, f"{width} bytes at {at}"
        else:
            expected = whole[at : at + width]
            got = bytearray(one.buffers[0])
            if covered:
                got[_NOTIFY - at : _NOTIFY - at + 2] = bytes(2)
            assert (one.result, got) == (width, expected), f"{width} bytes at {at}"


def test_any_pieces_are_written_alike(bench: Bench) -> None:
    device = _start(bench)
    kept = bytearray(12)
    values = random.Random(5)
    for width in (1, 2, 3, 5, 8):
        for at in range(_GUEST, 12 - width + 1):
            data = values.randbytes(width)
            assert device.write(0, at, data) == width
            kept[at : at + width] = data
            assert device.read(0, _GUEST, 8) == kept[_GUEST:12], f"{width} bytes at {at}"


def test_the_position_moves_on(bench: Bench) -> None:
    """A file is read one piece after the other; it begins with this BAR."""
    device = _start(bench)
    device.store(0, _GUEST, 0x12345678)
    read = [bench.system.read(device.fd, 4) for _ in range(2)]
    assert read == [struct.pack("<I", one) for one in (_FEATURES, 0x12345678)]
    assert bench.system.write(device.fd, b"abcd") == 4
    assert device.read(0, _PFN, 4) == b"abcd"


def test_nothing_is_past_the_end(bench: Bench) -> None:
    device = _start(bench)
    device.set_triggers(Irq.MSIX, [bench.system.eventfd()])
    assert len(device.read(0, _SIZE - 2, 8)) == 2
    for at in (_SIZE, _SIZE + 1, (1 << REGION_SHIFT) - 1):
        with refused(errno.EINVAL):
            device.read(0, at, 1)
        with refused(errno.EINVAL):
            device.write(0, at, b"x")


def test_a_queue_is_notified_where_the_function_says(bench: Bench) -> None:
    device = _start(bench)
    for queue in (2, 0, 1):
        device.store(0, _NOTIFY, queue, 2)
        assert device.load(virtio.NOTIFY_BAR, virtio.NOTIFY_AT, 2) == queue
        assert device.load(0, _NOTIFY, 2) == queue
    for at, width in ((_NOTIFY, 1), (_NOTIFY + 1, 1), (_NOTIFY - 1, 2)):
        with refused(errno.EINVAL):
            device.store(0, at, 0, width)


@pytest.mark.parametrize("command", ["common_read", "common_write", "device_read", "device_write"])
def test_an_error_of_a_legacy_command_is_told(bench: Bench, command: str) -> None:
    device = _start(bench)
    at = _GUEST if command.startswith("common") else 20
    before = device.load(0, at)
    bench.inject(command, _ODD)
    with refused(_ODD):
        device.store(0, at, 0x5555) if command.endswith("write") else device.load(0, at)
    assert device.load(0, at) == before
    device.store(0, at, 0x4444)
    assert device.load(0, at) == 0x4444


def test_a_reset_resets_all_of_it(bench: Bench) -> None:
    device = _start(bench)
    device.store(0, _STATUS, 7, 1)
    device.reset()
    with refused(errno.EIO):
        device.load(0, _STATUS, 1)
    device.store(CONFIG_REGION, 4, 1, 2)
    assert device.load(0, _STATUS, 1) == 0


@pytest.mark.parametrize(
    "bdf", [virtio.BLOCK, virtio.WITH_BAR, virtio.BARE], ids=["block", "bar", "no-commands"]
)
def test_other_functions_are_plain(bench: Bench, bdf: str) -> None:
    device = bench.open(bdf)
    assert device.load(CONFIG_REGION, 2, 2) != 0x1000
    assert device.region(0).size != _SIZE


def test_a_sleeping_function_is_woken(bench: Bench) -> None:
    device = _start(bench)
    device.feature(Feature.LOW_POWER_ENTRY | FeatureFlag.SET)
    assert device.load(0, _HOST) == _FEATURES
    device.store(0, _GUEST, 1)
    device.feature(Feature.LOW_POWER_EXIT | FeatureFlag.SET)
    assert device.load(0, _GUEST) == 1


def test_the_legacy_bar_is_used_by_all_at_once(bench: Bench) -> None:
    """Read, written, notified, reset, put to sleep and set up for other interrupts: nothing hangs."""
    device = _start(bench)
    fd, config = device.fd, CONFIG_REGION << REGION_SHIFT
    power = [
        call("ioctl", fd, uapi.DEVICE_FEATURE, struct.pack("<II", 8, one | FeatureFlag.SET))
        for one in (Feature.LOW_POWER_ENTRY, Feature.LOW_POWER_EXIT)
    ]
    vectors = [
        call("ioctl", fd, uapi.DEVICE_SET_IRQS, one)
        for one in (
            struct.pack("<IIIIIi", 24, 0x24, Irq.MSIX, 0, 1, bench.system.eventfd()),
            struct.pack("<IIIII", 20, 0x21, Irq.MSIX, 0, 0),
        )
    ]
    address = device.map(virtio.NOTIFY_BAR, 0, 4096)
    outcomes = bench.system.parallel(
        Thread((call("pread64", fd, Room(16), 16, 0), call("pread64", fd, Room(8), 8, 24)), 80),
        Thread((call("pwrite64", fd, bytes(10), 10, 4), call("pwrite64", fd, bytes(2), 2, _NOTIFY)), 80),
        Thread((call("pwrite64", fd, b"\7", 1, config | 4), call("pread64", fd, Room(64), 64, config)), 80),
        Thread((call("load", 4, address, Room(4)), call("store", 4, address, bytes(4))), 80),
        Thread((call("ioctl", fd, uapi.DEVICE_RESET, 0),), 5),
        Thread(tuple(power), 10),
        Thread(tuple(vectors), 10),
    )
    for thread in outcomes:
        for one in thread:
            assert set(one.counts) <= set(_EVERYTHING), one.counts
    device.store(CONFIG_REGION, 4, 7, 2)
    assert device.load(0, _HOST) == _FEATURES


def test_the_users_buffer_may_fault(bench: Bench) -> None:
    """It is the function's own BAR, which a reset takes away: who waits for whom?"""
    device = _start(bench)
    address = device.map(virtio.NOTIFY_BAR, 0, 4096)
    resets = Thread((call("ioctl", device.fd, uapi.DEVICE_RESET, 0),), 3)
    decoding = call("pwrite64", device.fd, b"\7", 1, CONFIG_REGION << REGION_SHIFT | 4)
    reads = Thread((decoding, call("pread64", device.fd, address, 16, 0)), 60)
    writes = Thread((decoding, call("pwrite64", device.fd, address, 8, 4)), 60)
    for thread in bench.system.parallel(resets, reads, writes):
        for one in thread:
            assert set(one.counts) <= set(_EVERYTHING), one.counts
