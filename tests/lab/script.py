# SPDX-License-Identifier: GPL-2.0-only
"""The script that is played on a rendered driver and on upstream's: everything that either can be asked.

Each scene stands for itself, so that a fault in one leaves the others alone. What a family has beyond this
is in the scenes of its table.
"""

from __future__ import annotations

import errno
import itertools
import struct
from collections.abc import Callable, Iterator
from functools import partial

from tests.lab import simulation
from tests.lab.bench import read_pieces
from tests.lab.driver import Driver, Mutation
from tests.lab.emulated import dangerous_emulated_scenes, emulated_scenes
from tests.lab.transcript import Recorder, Scene
from vfiogen.vfio import uapi
from vfiogen.vfio.device import Device, Stream, open_group
from vfiogen.vfio.uapi import CONFIG_REGION, Feature, FeatureFlag, Irq, IrqSet, Migration, State

_SAVING = (State.STOP_COPY, State.PRE_COPY, State.PRE_COPY_P2P)
_PAGE = 4096
_VGA_REGION = 8
_ODD = 117  # EUCLEAN, which nothing else says


def scenes_of(driver: Driver) -> tuple[Scene, ...]:
    """Return the script for a driver, by what its table declares."""
    found = [*_plain_scenes()]
    if driver.migration:
        found += [*_migration_scenes(driver)]
    found += [*emulated_scenes(driver)]
    found += [Scene(name, play) for name, play in driver.scenes]
    refused = [one for one in driver.probe_commands if one not in driver.contrived]
    found += [Scene(f"probe fails at {one}", partial(_fail_probe, one)) for one in refused]
    # A report of the kernel's takes a new boot, so what is known for some comes last.
    last = [Scene(name, play) for name, play in driver.last_scenes]
    return (*found, *_dangerous_scenes(driver), *dangerous_emulated_scenes(driver), *last)


# What there is without migration


def _plain_scenes() -> Iterator[Scene]:
    yield Scene("information", _inform)
    yield Scene("features", _ask_features)
    yield Scene("config space", _read_config)
    yield Scene("writes to config space", _write_config)
    yield Scene("regions", _access_regions)
    yield Scene("interrupts", _trigger)
    yield Scene("group", _open_group)
    yield Scene("reset", _reset)


def _inform(recorder: Recorder) -> None:
    device = recorder.bench.open()
    info = recorder.step("device", device.info)
    assert info
    for index in range(info.regions + 1):
        recorder.step(f"region {index}", partial(device.region, index))
    for index in range(info.irqs + 1):
        recorder.step(f"interrupts {index}", partial(device.irq, index))


def _ask_features(recorder: Recorder) -> None:
    device = recorder.bench.open()
    for feature in Feature:
        for way in (FeatureFlag.GET, FeatureFlag.SET):
            name = f"{way.name} of {feature.name}"
            recorder.step(name, partial(device.feature, feature | way | FeatureFlag.PROBE))
    recorder.step("kinds of migration", device.migration)


def _read_config(recorder: Recorder) -> None:
    device = recorder.bench.open()
    for at in range(0, device.region(CONFIG_REGION).size, 64):
        recorder.step(f"{at:#x}", partial(device.read, CONFIG_REGION, at, 64))
    for at, width in itertools.product(range(4), (1, 2, 3, 4, 8)):
        recorder.step(f"{width} bytes at {at:#x}", partial(device.read, CONFIG_REGION, at, width))


def _write_config(recorder: Recorder) -> None:
    device = recorder.bench.open()
    for at in range(0, 0x40, 4):
        before = device.read(CONFIG_REGION, at, 4)
        for value in (b"\xff" * 4, bytes(4), before):
            recorder.step(f"{value.hex()} to {at:#x}", partial(device.write, CONFIG_REGION, at, value))
            recorder.step(f"{at:#x} after {value.hex()}", partial(device.read, CONFIG_REGION, at, 4))


def _access_regions(recorder: Recorder) -> None:
    device = recorder.bench.open()
    device.store(CONFIG_REGION, 4, 2, 2)
    info = device.info()
    for index in range(info.regions):
        size = device.region(index).size if index not in (CONFIG_REGION, _VGA_REGION) else 0
        if size:
            _access_region(recorder, device, index, size)


def _access_region(recorder: Recorder, device: Device, index: int, size: int) -> None:
    whole = [(at, width) for width in (1, 2, 4, 8) for at in (0, width, 3 * width)]
    odd = [(1, 2), (2, 4), (4, 8), (3, 2), (1, 3), (2, 5), (0, 16), (3, 13), (0, 0)]
    ends = [(size - 8, 8), (size - 1, 1), (size - 4, 8), (size - 1, 4), (size, 1), (size + 4096, 4)]
    for number, (at, width) in enumerate(whole + odd + ends):
        name = f"{width} bytes of {index} at {at:#x}"
        data = bytes((16 * number + byte) & 0xFF for byte in range(width))
        recorder.step(f"{name}, written", partial(device.write, index, at, data))
        recorder.step(f"{name}, read", partial(device.read, index, at, width))
    recorder.step(f"start of {index}", partial(device.read, index, 0, 32))


def _map_regions(recorder: Recorder) -> None:
    """Map what can be mapped; and have buffers of a stream there, since a fault in it takes locks."""
    device = recorder.bench.open()
    device.store(CONFIG_REGION, 4, 2, 2)
    for index in range(CONFIG_REGION):
        _map_region(recorder, device, index, device.region(index).size)
    # A mapping keeps the device open.
    recorder.close_all()
    if recorder.bench.driver.migration and recorder.bench.driver.mappable:
        _fault_in_copies(recorder)


def _map_region(recorder: Recorder, device: Device, index: int, size: int) -> None:
    for at, length in ((0, _PAGE), (_PAGE, _PAGE), (size, _PAGE), (1, _PAGE)):
        name = f"mapping {length:#x} of {index} at {at:#x}"
        address = recorder.step(name, partial(device.map, index, at, length), shown=False)
        if address:
            recorder.step(f"{name}, first word", partial(recorder.bench.system.load, address, 4))


def _trigger(recorder: Recorder) -> None:
    bench = recorder.bench
    device = bench.open()
    for one in device.irqs():
        fds = [bench.system.eventfd() for _ in range(min(one.count, 3))]
        name = Irq(one.index).name
        recorder.step(f"{name} eventfds", partial(device.set_triggers, Irq(one.index), fds))
        for at, fd in enumerate(fds):
            flags = IrqSet.DATA_NONE | IrqSet.ACTION_TRIGGER
            recorder.step(f"{name} {at}", partial(device.set_irqs, one.index, flags, start=at))
            recorder.step(f"{name} {at} fires", partial(bench.system.poll, fd, 1))
        for action in (device.mask, device.unmask, device.disable_irqs):
            recorder.step(f"{name} {action.__name__}", partial(action, Irq(one.index)))


def _open_group(recorder: Recorder) -> None:
    bench = recorder.bench
    device = recorder.step("open", partial(open_group, bench.system, bench.a), shown=False)
    if device:
        recorder.step("device", device.info)
        recorder.step("close", device.close)


def _reset(recorder: Recorder) -> None:
    device = recorder.bench.open(recorder.bench.resettable)
    recorder.step("reset", device.reset)
    recorder.step("config space", partial(device.read, CONFIG_REGION, 0, 64))


# Migration


def _migration_scenes(driver: Driver) -> Iterator[Scene]:
    for start in states_of(driver):
        yield Scene(f"arcs from {start.name}", partial(_walk_arcs, start))
    yield Scene("streams", _save_and_load)
    for state in states_of(driver):
        yield Scene(f"reset in {state.name}", partial(_reset_in, state))
        yield Scene(f"close in {state.name}", partial(_close_in, state))
    if driver.migration & Migration.PRE_COPY:
        yield Scene("pre-copy", _precopy)
        yield Scene("pre-copy, wrong requests", _ask_wrongly_in_precopy)
    yield Scene("descriptors", _misuse_descriptors)
    yield Scene("wrong requests", _ask_wrongly)
    yield Scene("bytes of nowhere", _use_bad_addresses)
    for mutation in driver.mutations:
        yield Scene(f"stream {mutation.name}", partial(_refuse, mutation))
    yield Scene("early end", _end_early)
    for command in driver.commands:
        yield Scene(f"error of {command}", partial(_fail_command, command))


def _dangerous_scenes(driver: Driver) -> Iterator[Scene]:
    yield Scene("mappings", _map_regions)
    for state in (State.STOP_COPY, State.RESUMING) if driver.migration else ():
        yield Scene(f"{state.name} outlives the driver", partial(_outlive, state))


def states_of(driver: Driver) -> list[State]:
    """Return the states that a driver declares."""
    needed = {
        State.RUNNING_P2P: Migration.P2P,
        State.PRE_COPY: Migration.PRE_COPY,
        State.PRE_COPY_P2P: Migration.PRE_COPY | Migration.P2P,
    }
    has = driver.migration
    return [one for one in State if one and has & needed.get(one, has) == needed.get(one, has)]


def _with_data(driver: Driver) -> list[State]:
    return [one for one in states_of(driver) if one in _SAVING or one is State.RESUMING]


def _good(recorder: Recorder) -> bytes:
    """Return a stream of the first device, whose taking isn't in the transcript."""
    device = recorder.bench.open_with(1)
    data = recorder.bench.save(device)
    device.close()
    recorder.forget()
    return data


def _go(recorder: Recorder, device: Device, state: State, *, name: str = "") -> Stream | None:
    """Change the state; note what comes of it, and the state that the device is in then."""
    stream = recorder.step(name or f"to {state.name}", partial(device.set_state, state))
    recorder.step(f"{name or f'to {state.name}'}, state", device.state)
    return stream


def _reset_and_ask(device: Device) -> State:
    """Reset a device and return its state, by which time the driver has done all that belongs to it."""
    device.reset()
    return device.state()


def _enter(
    recorder: Recorder, state: State, good: bytes, bdf: str | None = None
) -> tuple[Device, Stream | None]:
    """Open a device and bring it to a state; one that resumes gets a whole stream."""
    device = recorder.bench.open_with(33, bdf)
    stream = _go(recorder, device, state)
    if state is State.RESUMING and stream:
        recorder.step("write", partial(stream.write, good))
    return device, stream


def _walk_arcs(start: State, recorder: Recorder) -> None:
    good = _good(recorder)
    for target in [*State, 8, 255, 0xFFFFFFFF]:
        device, _ = _enter(recorder, start, good)
        name = target.name if isinstance(target, State) else hex(target)
        recorder.step(f"{start.name} to {name}", partial(device.set_state, target))
        recorder.step(f"{start.name} to {name}, state", device.state)
        recorder.step(f"close after {name}", device.close)


def _save_and_load(recorder: Recorder) -> None:
    bench = recorder.bench
    for number, piece in ((1, _PAGE), (2, 7), (3, 1000)):
        source, target = bench.open_with(number), bench.open_with(100 + number, bench.b)
        recorder.step(f"{number}, size while it runs", source.data_size)
        saving = _go(recorder, source, State.STOP_COPY)
        recorder.step(f"{number}, size", source.data_size)
        data = saving and recorder.step(f"{number}, stream", partial(read_pieces, saving, piece))
        loading = _go(recorder, target, State.RESUMING)
        if saving and data and loading:
            recorder.step(f"{number}, the end", partial(saving.read, 1))
            recorder.step(f"{number}, written", partial(loading.write_all, data, piece))
        _go(recorder, target, State.STOP)
        _go(recorder, target, State.RUNNING)
        recorder.step(f"{number}, arrived", partial(bench.driver.observe, target))
        source.close()
        target.close()


def _use(recorder: Recorder, name: str, stream: Stream | None, state: State) -> None:
    """Do everything with a data descriptor, which may be stale."""
    if stream is None:
        return
    if state is State.RESUMING:
        recorder.step(f"{name}, write", partial(stream.write, bytes(8)))
        recorder.step(f"{name}, write of nothing", partial(stream.write, b""))
        return
    recorder.step(f"{name}, read", partial(stream.read, 8))
    recorder.step(f"{name}, read of nothing", partial(stream.read, 0))
    if state is not State.STOP_COPY:
        recorder.step(f"{name}, pre-copy information", stream.precopy_info)


def _reset_in(state: State, recorder: Recorder) -> None:
    good = _good(recorder)
    device, stream = _enter(recorder, state, good, recorder.bench.resettable)
    recorder.step("reset", device.reset)
    _use(recorder, "stale", stream, state)
    recorder.step("state", device.state)
    _use(recorder, "stale then", stream, state)
    saving = _go(recorder, device, State.STOP_COPY)
    recorder.step("stream", saving.read_all if saving else lambda: b"")
    _use(recorder, "stale later", stream, state)
    _go(recorder, device, State.RUNNING)


def _close_in(state: State, recorder: Recorder) -> None:
    good = _good(recorder)
    device, stream = _enter(recorder, state, good)
    recorder.step("close", device.close)
    _use(recorder, "stale", stream, state)
    device = recorder.bench.open()
    recorder.step("state", device.state)
    _use(recorder, "stale then", stream, state)
    saving = _go(recorder, device, State.STOP_COPY)
    recorder.step("stream", saving.read_all if saving else lambda: b"")
    _use(recorder, "stale later", stream, state)


def _precopy(recorder: Recorder) -> None:
    """Read before the device stops and after, by each way to STOP_COPY; and give it up."""
    ways = [(State.STOP_COPY,), (State.RUNNING, State.STOP_COPY)]
    if recorder.bench.driver.migration & Migration.P2P:
        ways += [(State.PRE_COPY_P2P, State.STOP_COPY), (State.PRE_COPY_P2P, State.PRE_COPY)]
    for at, way in enumerate(ways):
        device = recorder.bench.open_with(16)
        stream = _go(recorder, device, State.PRE_COPY, name=f"way {at}, to PRE_COPY")
        if stream:
            _read_early(recorder, f"way {at}", stream)
        for state in way:
            _go(recorder, device, state, name=f"way {at}, to {state.name}")
        if stream:
            recorder.step(f"way {at}, information", stream.precopy_info)
            recorder.step(f"way {at}, the rest", stream.read_all)
        device.close()


def _read_early(recorder: Recorder, name: str, stream: Stream) -> None:
    for at in range(3):
        recorder.step(f"{name}, information {at}", stream.precopy_info)
        recorder.step(f"{name}, read {at}", partial(stream.read, 5))
    left = recorder.step(f"{name}, information", stream.precopy_info)
    for _ in range(-(-left.initial // _PAGE) if left else 0):
        recorder.step(f"{name}, read", partial(stream.read, _PAGE))
    for _ in range(2):
        recorder.step(f"{name}, read at the end for now", partial(stream.read, 1))
    if recorder.bench.driver.interval:
        # Whether it has passed isn't left to how fast the guest is.
        recorder.bench.system.poll(recorder.bench.system.eventfd(), recorder.bench.driver.interval)
    recorder.step(f"{name}, information at the end for now", stream.precopy_info)


def _ask_wrongly_in_precopy(recorder: Recorder) -> None:
    system = recorder.bench.system
    device = recorder.bench.open()
    stream = recorder.bench.data_of(device, State.PRE_COPY)
    for size in (0, 8, 16, 23, 24, 64):
        recorder.step(f"information of {size} bytes", partial(stream.precopy_info, size))
    for request in (0x3B78, 0x3B7A, 0x3BFF, 0):
        recorder.step(f"request {request:#x}", partial(system.ioctl, stream.fd, request, bytes(24)))
    recorder.step("information to nowhere", partial(system.ioctl, stream.fd, uapi.MIG_GET_PRECOPY_INFO, 8))


def _misuse_descriptors(recorder: Recorder) -> None:
    system = recorder.bench.system
    for state in _with_data(recorder.bench.driver):
        device = recorder.bench.open()
        fd = recorder.bench.data_of(device, state).fd
        calls: dict[str, Callable[[], object]] = {
            "read": partial(system.read, fd, 1)
            if state is State.RESUMING
            else partial(system.write, fd, b"x"),
            "pread": partial(system.pread, fd, 1, 0),
            "pwrite": partial(system.pwrite, fd, b"x", 0),
            "lseek": partial(system.call, "lseek", fd, 0, 0),
            "request": partial(
                system.ioctl, fd, uapi.MIG_GET_PRECOPY_INFO, struct.pack("<IIQQ", 24, 0, 0, 0)
            ),
            "mapping": partial(system.mmap, fd, _PAGE, 0),
        }
        for name, act in calls.items():
            recorder.step(f"{state.name}, {name}", act)
        device.close()


def _ask_wrongly(recorder: Recorder) -> None:
    device = recorder.bench.open()
    of_migration = (Feature.MIG_DEVICE_STATE, Feature.MIGRATION, Feature.MIG_DATA_SIZE)
    ways = (FeatureFlag.GET, FeatureFlag.SET, FeatureFlag.GET | FeatureFlag.SET, FeatureFlag(0))
    for feature, way, size in itertools.product(of_migration, ways, (0, 4, 8, 16)):
        if not (feature is Feature.MIG_DEVICE_STATE and way & FeatureFlag.SET and size >= 8):
            name = f"{feature.name}, {way!s} with {size} bytes"
            recorder.step(name, partial(device.feature, feature | way, bytes(size)))
    recorder.step("state", device.state)


def _use_bad_addresses(recorder: Recorder) -> None:
    system = recorder.bench.system
    good = _good(recorder)
    device = recorder.bench.open_with(1)
    places = (0, 8, 0x7FFF_FFFF_F000, (1 << 64) - _PAGE)
    saving = recorder.bench.data_of(device, State.STOP_COPY)
    for at in places:
        recorder.step(f"read to {at:#x}", partial(system.call, "read", saving.fd, at, 16), shown=False)
    recorder.step("stream", saving.read_all)
    device.set_state(State.RUNNING)
    loading = recorder.bench.data_of(device, State.RESUMING)
    for at in places:
        recorder.step(f"write from {at:#x}", partial(system.call, "write", loading.fd, at, 16), shown=False)
    recorder.step("good stream", partial(loading.write_all, good))
    _go(recorder, device, State.STOP)
    loading = recorder.bench.data_of(device, State.RESUMING)
    huge = system.mmap(-1, 1 << 20, 0)
    for size in (1 << 20, 0x7FFFF000, (1 << 63) - 1, (1 << 64) - 1):
        recorder.step(f"write of {size:#x} is whole", partial(_is_taken_whole, recorder, loading, huge, size))


def _is_taken_whole(recorder: Recorder, stream: Stream, at: int, size: int) -> bool:
    """Write more than a device saves. Whether that's refused, or a part taken first, is nowhere said."""
    try:
        return recorder.bench.system.call("write", stream.fd, at, size)[0] == size
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOMEM):
            raise
        return False


def _refuse(mutation: Mutation, recorder: Recorder) -> None:
    """Write a wrong stream, then recover."""
    bench = recorder.bench
    good = _good(recorder)
    device = bench.open_with(12, bench.resettable)
    stream = _go(recorder, device, State.RESUMING)
    if stream:
        recorder.step("write", partial(stream.write, mutation.change(good)))
    _go(recorder, device, State.STOP)
    _go(recorder, device, State.RUNNING)
    recorder.step("state of the device", partial(bench.driver.observe, device))
    recorder.step("reset", partial(_reset_and_ask, device))
    stream = _go(recorder, device, State.RESUMING)
    if stream:
        recorder.step("good stream", partial(stream.write_all, good))
    _go(recorder, device, State.RUNNING)


def _end_early(recorder: Recorder) -> None:
    """Leave RESUMING after each of some parts of a stream."""
    good = _good(recorder)
    for size in sorted({0, 1, 4, 8, 16, len(good) // 2, len(good) - 1, len(good)}):
        device = recorder.bench.open_with(12)
        loading = recorder.bench.data_of(device, State.RESUMING)
        recorder.step(f"{size} bytes", partial(loading.write, good[:size]))
        _go(recorder, device, State.STOP, name=f"STOP after {size} bytes")
        device.close()


def _fail_command(command: str, recorder: Recorder) -> None:
    """Have a command fail the next time that it comes, while the device goes through its states."""
    bench = recorder.bench
    good = _good(recorder)
    bench.inject(command, _ODD)
    device = recorder.step("open", partial(bench.open, bench.resettable), shown=False)
    if device is None:
        return
    bench.driver.reset_to(device, 34)
    for state in (*states_of(bench.driver)[1:], State.RUNNING):
        stream = _go(recorder, device, state)
        if stream and state is State.RESUMING:
            recorder.step("write", partial(stream.write, good))
        elif stream:
            # With which errno a read fails when the device can't save is nowhere said.
            recorder.step("read", partial(stream.read, _PAGE), errors={_ODD, errno.ENODEV})
    recorder.step("size", device.data_size)
    bench.take_back()
    recorder.step("reset", partial(_reset_and_ask, device))
    saving = _go(recorder, device, State.STOP_COPY)
    recorder.step("stream", saving.read_all if saving else lambda: b"")


def _fault_in_copies(recorder: Recorder) -> None:
    """Have the buffers of a stream in the device's own BAR, and then reset it."""
    bench = recorder.bench
    assert bench.driver.mappable
    index, size = bench.driver.mappable
    device = bench.open_with(28, bench.resettable)
    for state, call in 2 * ((State.STOP_COPY, "read"), (State.RESUMING, "write")):
        stream = bench.data_of(device, state)
        fresh = device.map(index, 0, size)
        recorder.step(
            f"{call} with the BAR", partial(bench.system.call, call, stream.fd, fresh, 4), shown=False
        )
        recorder.step("reset", partial(_reset_and_ask, device))


def _outlive(state: State, recorder: Recorder) -> None:
    """Use a data descriptor when the device is closed and its driver unbound."""
    bench = recorder.bench
    device = bench.open()
    stream = bench.data_of(device, state)
    recorder.step("close", device.close)
    recorder.step("unbind", partial(bench.guest.unbind, bench.a))
    try:
        _use(recorder, "descriptor", stream, state)
        recorder.step("close the descriptor", stream.close)
    finally:
        recorder.step("bind", partial(bench.guest.bind, bench.a, bench.driver.bound_as))


def _fail_probe(command: str, recorder: Recorder) -> None:
    bench = recorder.bench
    recorder.step("unbind", partial(bench.guest.unbind, bench.a))
    held = simulation.held(bench.guest)
    bench.inject(command, _ODD)
    recorder.step("bind", partial(_bind, recorder))
    recorder.note("references more than before", str(simulation.held(bench.guest) - held))
    bench.take_back()
    recorder.step("bind again", partial(_bind, recorder))


def _bind(recorder: Recorder) -> str:
    """Bind the first device; return the driver that it has then."""
    try:
        recorder.bench.guest.bind(recorder.bench.a, recorder.bench.driver.bound_as)
    except AssertionError:
        return "not bound"
    return "bound"
