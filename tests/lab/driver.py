# SPDX-License-Identifier: GPL-2.0-only
"""What the suite has to know of a driver and its device: a table, and a few functions."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.lab import simulation
from tests.lab.guest import Guest, Machine
from vfiogen.vfio.device import Device
from vfiogen.vfio.uapi import Migration

if TYPE_CHECKING:
    from tests.lab.transcript import Recorder

_NO_MIGRATION = Migration(0)


@dataclass(frozen=True)
class Mutation:
    """A stream that isn't to be loaded: how it comes from a good one, and the errors that end RESUMING then.

    `at_write` is the error of the very write that brings it, if that is refused already.
    """

    name: str
    change: Callable[[bytes], bytes]
    errors: tuple[int, ...]
    at_write: int = 0


@dataclass(frozen=True)
class Memory:
    """A region that shows memory of the machine: whose, which, where the memory is, and how much.

    The region is `size` long. One beside the BARs has a type, a subtype, and perhaps more capabilities: an ID
    and the data of each. Some memory is there only while memory decoding is on.
    """

    name: str
    device: str
    region: int
    base: int
    length: int
    size: int
    type: tuple[int, int] | None = None
    capabilities: tuple[tuple[int, bytes], ...] = ()
    decoded: bool = False


@dataclass(frozen=True)
class Field:
    """A field of config space that the driver answers: `value`, but for the bits that are `kept` as written.

    These are as in `start` before. Bits outside of `bits` are the device's.
    """

    at: int
    width: int
    value: int
    kept: int = 0
    start: int = 0
    bits: int = ~0

    @property
    def mask(self) -> int:
        """The bits that are the driver's."""
        return self.bits & (1 << 8 * self.width) - 1


@dataclass(frozen=True)
class Header:
    """The fields of a device's config space that the driver answers."""

    name: str
    device: str
    fields: tuple[Field, ...]


def memory_bar(at: int, size: int) -> Field:
    """Return a 64-bit BAR of prefetchable memory."""
    return Field(at, 8, 0xC, kept=-size & (1 << 64) - 1)


def nothing(_guest: Guest) -> None:
    """Do nothing."""


def copy_simulated(guest: Guest, _device: Device, bdf: str, source: int, target: int, size: int) -> None:
    """Have a simulated function copy memory."""
    simulation.copy(guest, bdf, source, target, size)


@dataclass(frozen=True)
class Driver:
    """A rendered driver and two devices that it can be bound to.

    spec         the driver's name below specs/, or the path of its directory
    module       the module's name
    machine      what the guest has to be; drivers with the same machine share a guest
    devices      two devices, known after `prepare`
    resettable   a device that can be reset, one of the two or a third
    missing      why this machine can't run it, or an empty text
    stand_in     the simulator's module, one of sim/lab-*.c; empty where QEMU has the devices
    prepare      makes the devices appear; called once a guest, after the stand-in is loaded
    reset_to     brings an open device into a state that depends on a number
    observe      what of an open device's state has to arrive at the other
    copy         has an open device copy memory by DMA: its address, from, to, how much
    replaces     modules of the kernel, and the simulators that are loaded instead
    mutations    streams that are refused
    commands     what the driver asks of its parent while it is used, and can be made to fail
    forgiven     those of them that may fail in pre-copy, since what comes last is whole then
    interval     how long pre-copy doesn't ask its parent again, in seconds
    probe_commands  what it asks of its parent when it is bound
    contrived    those of them that the real parent takes: they fail for the sake of what is undone then
    early_end    the error of a stream that ends too early
    disorder     what the parent answers to commands that a reset has made wrong, or streams out of order
    stream_size  the size of the stream for a number, where it is known beforehand
    room         more bytes than a stream may have
    local        where in a stream something is its device's own, and isn't loaded
    mappable     a region that can be mapped, and how much of it, or nothing
    options      symbols of Kconfig besides its own that are on
    others       devices of other kinds that it is bound to, for tests of their own
    memories     regions that show memory of the machine
    own_regions  regions that aren't those of stock vfio-pci
    headers      devices' config space, as far as it isn't that of stock vfio-pci
    upstream     the kernel's own module for the device, to which this one is held; empty where there is none
    unheard      commands that leave the device as it is: when, and how often, is a driver's own affair
    upstream_with  symbols that it is built anew with, where the lab's kernel is without them
    scenes       what is played on both besides the script: names and functions
    last_scenes  likewise, after all else: the kernel may not outlive them, and a new boot has other memory
    driver_name  its name in sysfs, where that isn't what its module is called while it is loaded
    upstream_name  likewise of the kernel's own
    of_kernel    whether this is the kernel's own module, as `upstream_of` says
    full         whether it is tested if it is asked for, or with --full, and not otherwise
    """

    name: str
    spec: str
    module: str
    symbol: str
    machine: Machine
    devices: tuple[str, str]
    resettable: str
    migration: Migration = _NO_MIGRATION
    missing: Callable[[], str] = lambda: ""
    stand_in: str = ""
    prepare: Callable[[Guest], None] = nothing
    reset_to: Callable[[Device, int], None] = lambda _device, _number: None
    observe: Callable[[Device], bytes] = lambda _device: b""
    copy: Callable[[Guest, Device, str, int, int, int], None] | None = None
    replaces: tuple[tuple[str, str], ...] = ()
    mutations: tuple[Mutation, ...] = ()
    commands: tuple[str, ...] = ()
    forgiven: tuple[str, ...] = ()
    interval: float = 0
    probe_commands: tuple[str, ...] = ()
    contrived: tuple[str, ...] = ()
    early_end: int = errno.EINVAL
    disorder: tuple[int, ...] = ()
    stream_size: int | None = None
    room: int = 1 << 20
    local: tuple[int, int] = (0, 0)
    mappable: tuple[int, int] | None = None
    options: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    memories: tuple[Memory, ...] = ()
    own_regions: tuple[int, ...] = ()
    headers: tuple[Header, ...] = ()
    upstream: str = ""
    unheard: tuple[str, ...] = ()
    upstream_with: tuple[str, ...] = ()
    full: bool = False
    scenes: tuple[tuple[str, Callable[[Recorder], None]], ...] = ()
    last_scenes: tuple[tuple[str, Callable[[Recorder], None]], ...] = ()
    driver_name: str = ""
    upstream_name: str = ""
    of_kernel: bool = False

    def without_local(self, stream: bytes) -> bytes:
        """Return a stream with zeros where it is its device's own."""
        start, end = self.local
        return stream[:start] + bytes(end - start) + stream[end:]

    @property
    def label(self) -> str:
        """The driver's name, and whose it is if it isn't rendered."""
        return f"{self.name}-upstream" if self.of_kernel else self.name

    @property
    def directory(self) -> str:
        """The directory below out/<kernel>/, which every spec here calls as its own."""
        return self.spec.rpartition("/")[2]

    @property
    def own_config(self) -> tuple[Field, ...]:
        """What in the first device's config space isn't that of stock vfio-pci."""
        return tuple(field for one in self.headers if one.device == self.devices[0] for field in one.fields)

    @property
    def bound(self) -> tuple[str, ...]:
        """The addresses of all devices that it is bound to."""
        return tuple(sorted({*self.devices, self.resettable, *self.others}))

    @property
    def bound_as(self) -> str:
        """The driver's name in sysfs."""
        return self.driver_name or self.loaded_as

    @property
    def loaded_as(self) -> str:
        """The module's name while it is loaded."""
        return self.module.replace("-", "_")


def upstream_of(driver: Driver) -> Driver:
    """Return the kernel's own driver on the same devices."""
    assert driver.upstream
    return replace(driver, module=driver.upstream, of_kernel=True, driver_name=driver.upstream_name)
