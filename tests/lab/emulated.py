# SPDX-License-Identifier: GPL-2.0-only
"""The script for what a driver answers itself: fields of config space, regions that show memory, functions of
other kinds."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial

from tests.lab.driver import Driver, Header, Memory
from tests.lab.transcript import Recorder, Scene
from vfiogen.vfio.device import Device
from vfiogen.vfio.uapi import CONFIG_REGION, REGION_SHIFT, Feature, FeatureFlag

_PAGE = 4096
_HEADER = 64
_WIDTHS = (1, 2, 3, 4, 8, 16)
_BARS = (0x10, 0x18)
_MAP_PRIVATE = 2
_READ_WRITE = 3


def emulated_scenes(driver: Driver) -> Iterator[Scene]:
    """Yield what is played for the fields and regions of a driver's table, and its other devices."""
    for bdf in driver.others:
        yield Scene(f"information of {bdf}", partial(_look_at, bdf))
    for header in driver.headers:
        yield Scene(f"config space of {header.name} in pieces", partial(_read_pieces, header))
        yield Scene(f"writes to config space of {header.name} in pieces", partial(_write_pieces, header))
        yield Scene(f"config space of {header.name} anew", partial(_start_anew, header))
    for memory in driver.memories:
        yield Scene(f"memory {memory.name}", partial(_use_memory, memory))
        for name, play in _STATES.items():
            yield Scene(f"memory {memory.name} {name}", partial(play, memory, _copy))


def dangerous_emulated_scenes(driver: Driver) -> Iterator[Scene]:
    """Yield what a kernel may not outlive.

    Mappings and copies are apart: where both are in one boot, lockdep has seen each order of their locks.
    """
    for memory in driver.memories:
        yield Scene(f"mappings of memory {memory.name}", partial(_map_memory, memory))
        for name, play in _STATES.items():
            yield Scene(f"mappings of memory {memory.name} {name}", partial(play, memory, _touch))
    for memory in driver.memories[:1]:
        yield Scene(f"memory {memory.name} copied to itself", partial(_copy_to_itself, memory))
        yield Scene(f"memory {memory.name} mapped privately", partial(_map_privately, memory))


def _look_at(bdf: str, recorder: Recorder) -> None:
    device = recorder.step("open", partial(recorder.bench.open, bdf), shown=False)
    if not device:
        return
    info = recorder.step("device", device.info)
    for index in range(info.regions if info else 0):
        recorder.step(f"region {index}", partial(device.region, index))
    recorder.step("config space", partial(device.read, CONFIG_REGION, 0, _HEADER))
    recorder.step("ones to the BARs", partial(device.write, CONFIG_REGION, _BARS[0], b"\xff" * _BARS[1]))
    recorder.step("BARs", partial(device.read, CONFIG_REGION, *_BARS))


# Config space


def _pieces(header: Header) -> list[tuple[int, int]]:
    """Return where accesses begin and how wide they are: all that touch a field or its neighbours."""
    end = max(one.at + one.width for one in header.fields) + 2
    near = {at for one in header.fields for at in range(one.at - 1, one.at + one.width + 1)}
    return [
        (at, width)
        for width in _WIDTHS
        for at in range(end - width)
        if near.intersection(range(at, at + width))
    ]


def _read_pieces(header: Header, recorder: Recorder) -> None:
    device = recorder.bench.open(header.device)
    device.write(CONFIG_REGION, _BARS[0], random.Random(1).randbytes(_BARS[1]))
    for at, width in _pieces(header):
        recorder.step(f"{width} bytes at {at:#x}", partial(device.read, CONFIG_REGION, at, width))


def _write_pieces(header: Header, recorder: Recorder) -> None:
    device = recorder.bench.open(header.device)
    values = random.Random(2)
    for at, width in _pieces(header):
        data = values.randbytes(width)
        name = f"{width} bytes at {at:#x}"
        recorder.step(name, partial(device.write, CONFIG_REGION, at, data))
        for field in header.fields:
            look = partial(device.read, CONFIG_REGION, field.at, field.width)
            recorder.step(f"{name}, {field.at:#x} then", look)


def _start_anew(header: Header, recorder: Recorder) -> None:
    """See what a reset and the next user find of what was written."""
    for end in ("reset", "close"):
        device = recorder.bench.open(header.device)
        for field in header.fields:
            recorder.step(
                f"ones to {field.at:#x}",
                partial(device.write, CONFIG_REGION, field.at, b"\xff" * field.width),
            )
        recorder.step(end, getattr(device, end))
        device = device if end == "reset" else recorder.bench.open(header.device)
        for field in header.fields:
            look = partial(device.read, CONFIG_REGION, field.at, field.width)
            recorder.step(f"{field.at:#x} after {end}", look)
        device.close()


# Memory


def _open(recorder: Recorder, memory: Memory) -> Device:
    device = recorder.bench.open(memory.device)
    device.store(CONFIG_REGION, 4, 2, 2)
    return device


def _use_memory(memory: Memory, recorder: Recorder) -> None:
    device = _open(recorder, memory)
    end, size, region = memory.length, memory.size, memory.region
    recorder.step("region", partial(device.region, region))
    values = random.Random(memory.base)
    near = (0, _PAGE, end // 2, end, size)
    places = sorted({at + by for at in near for by in (-4, -1, 0, 8) if at + by >= 0})
    for at in places:
        for width in (1, 4, 13):
            name = f"{width} bytes at {at:#x}"
            recorder.step(f"{name}, written", partial(device.write, region, at, values.randbytes(width)))
            recorder.step(f"{name}, read", partial(device.read, region, at, width))
    for at in (_PAGE - 3, end - 100):
        data = values.randbytes(2 * _PAGE)
        recorder.step(f"pages at {at:#x}, written", partial(device.write, region, at, data))
        recorder.step(f"pages at {at:#x}, read", partial(device.read, region, at, 2 * _PAGE))
    recorder.step("no bytes read", partial(device.read, region, 0, 0))
    recorder.step("no bytes written", partial(device.write, region, 0, b""))


def _map_memory(memory: Memory, recorder: Recorder) -> None:
    system = recorder.bench.system
    device = _open(recorder, memory)
    end, size, region = memory.length, memory.size, memory.region
    for at, length in (
        (0, _PAGE),
        (end - _PAGE, _PAGE),
        (end - _PAGE, 2 * _PAGE),
        (end, _PAGE),
        (size, _PAGE),
    ):
        name = f"mapping {length:#x} at {at:#x}"
        address = recorder.step(name, partial(device.map, region, at, length), shown=False)
        if address:
            recorder.step(f"{name}, stored", partial(system.store, address + 8, 8, length))
            recorder.step(f"{name}, loaded", partial(system.load, address + 8, 8))


_Way = Callable[[Recorder, str, Device, Memory], None]


def _copy(recorder: Recorder, name: str, device: Device, memory: Memory) -> None:
    recorder.step(f"{name}, read", partial(device.load, memory.region, 16, 8))
    recorder.step(f"{name}, written", partial(device.store, memory.region, 16, 0x1122334455667788, 8))


def _touch(recorder: Recorder, name: str, device: Device, memory: Memory) -> None:
    """Map memory, two pages of it, and use them. What another boot has left there isn't looked at."""
    system = recorder.bench.system
    for at in (0, _PAGE):
        mapping = partial(device.map, memory.region, at, _PAGE)
        address = recorder.step(f"{name}, mapping", mapping, shown=False)
        if address:
            recorder.step(f"{name}, stored", partial(system.store, address + 16, 8, len(name)))
            recorder.step(f"{name}, loaded", partial(system.load, address + 16, 8))


def _reset(memory: Memory, use: _Way, recorder: Recorder) -> None:
    device = _open(recorder, memory)
    use(recorder, "before", device, memory)
    recorder.step("reset", device.reset)
    recorder.step("decoding", partial(device.store, CONFIG_REGION, 4, 2, 2))
    use(recorder, "after", device, memory)
    recorder.step("reset again", device.reset)
    recorder.step("config space", partial(device.read, CONFIG_REGION, 0, _HEADER))
    use(recorder, "after the second", device, memory)


def _disable(memory: Memory, use: _Way, recorder: Recorder) -> None:
    device = _open(recorder, memory)
    recorder.step("no decoding", partial(device.store, CONFIG_REGION, 4, 0, 2))
    use(recorder, "off", device, memory)
    recorder.step("reset", device.reset)
    use(recorder, "off after a reset", device, memory)
    recorder.step("decoding", partial(device.store, CONFIG_REGION, 4, 2, 2))
    use(recorder, "on", device, memory)
    recorder.step("no decoding again", partial(device.store, CONFIG_REGION, 4, 0, 2))
    use(recorder, "off again", device, memory)


def _sleep(memory: Memory, use: _Way, recorder: Recorder) -> None:
    device = _open(recorder, memory)
    use(recorder, "awake", device, memory)
    recorder.step("sleep", partial(device.feature, Feature.LOW_POWER_ENTRY | FeatureFlag.SET))
    use(recorder, "asleep", device, memory)
    recorder.step("wake", partial(device.feature, Feature.LOW_POWER_EXIT | FeatureFlag.SET))
    use(recorder, "awake again", device, memory)


_STATES: dict[str, Callable[[Memory, _Way, Recorder], None]] = {
    "by reset": _reset,
    "undecoded": _disable,
    "asleep": _sleep,
}


def _copy_to_itself(memory: Memory, recorder: Recorder) -> None:
    """Have the buffer of an access in a mapping of the memory, which no page is there of yet."""
    bench = recorder.bench
    device = _open(recorder, memory)
    place = memory.region << REGION_SHIFT | 8 * _PAGE
    for call in ("pread64", "pwrite64"):
        fresh = device.map(memory.region, 0, _PAGE)
        recorder.step(call, partial(bench.system.call, call, device.fd, fresh, 16, place), shown=False)
        recorder.step(f"reset after {call}", device.reset)


def _map_privately(memory: Memory, recorder: Recorder) -> None:
    """A private mapping would copy pages when they are written, which are none."""
    system = recorder.bench.system
    device = _open(recorder, memory)
    place = memory.region << REGION_SHIFT
    mapping = partial(system.call, "mmap", 0, _PAGE, _READ_WRITE, _MAP_PRIVATE, device.fd, place)
    found = recorder.step("mapping", mapping, shown=False)
    if found:
        address, _ = found
        recorder.step("mapping, written", partial(system.store, address, 4, 7))
        recorder.step("unmapping", partial(system.munmap, address, _PAGE))
