# SPDX-License-Identifier: GPL-2.0-only
"""A VFIO device: opened by its group or its own node, then asked and driven.

Everything raises OSError with the kernel's errno where the kernel refuses.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from vfiogen.records import Value
from vfiogen.vfio import uapi
from vfiogen.vfio.system import System
from vfiogen.vfio.uapi import DeviceFlag, Feature, FeatureFlag, Irq, IrqFlag, IrqSet, Migration, State

_CHAIN_MAX = 64
_PAGE = 4096


class Capability(Value):
    """An entry of an information's chain: what follows its header is `data`."""

    id: int
    version: int
    data: bytes


class DeviceInfo(Value):
    """VFIO_DEVICE_GET_INFO."""

    flags: DeviceFlag
    regions: int
    irqs: int
    capabilities: tuple[Capability, ...]


class RegionInfo(Value):
    """VFIO_DEVICE_GET_REGION_INFO."""

    index: int
    flags: uapi.RegionFlag
    size: int
    offset: int
    capabilities: tuple[Capability, ...]


class IrqInfo(Value):
    """VFIO_DEVICE_GET_IRQ_INFO."""

    index: int
    flags: IrqFlag
    count: int


class PrecopyInfo(Value):
    """VFIO_MIG_GET_PRECOPY_INFO."""

    flags: int
    initial: int
    dirty: int


class Stream(Value):
    """A data descriptor of a migration."""

    system: System
    fd: int

    def read(self, size: int) -> bytes:
        """Read once; empty at the end. ENOMSG says that there is no more before the device stops."""
        return self.system.read(self.fd, size)

    def read_all(self, piece: int = 4096) -> bytes:
        """Read until the end, in pieces."""
        data = b""
        while part := self.read(piece):
            data += part
        return data

    def write(self, data: bytes) -> int:
        """Write once."""
        return self.system.write(self.fd, data)

    def write_all(self, data: bytes, piece: int = 4096) -> None:
        """Write everything, in pieces."""
        while data:
            data = data[self.write(data[:piece]) :]

    def precopy_info(self, size: int = 24) -> PrecopyInfo:
        """Ask how much there is to read before the device stops."""
        argument = struct.pack("<IIQQ", size, 0, 0, 0)
        _, answer = self.system.ioctl(self.fd, uapi.MIG_GET_PRECOPY_INFO, argument)
        _, flags, initial, dirty = struct.unpack("<IIQQ", answer)
        return PrecopyInfo(flags, initial, dirty)

    def close(self) -> None:
        """Close the descriptor."""
        self.system.close(self.fd)


class Device(Value):
    """An open device: its descriptor, and the descriptors that keep it open, the first to close first.

    These are the group and its container, or an IOMMUFD.
    """

    system: System
    fd: int
    holders: tuple[int, ...] = ()
    by_group: bool = False

    def close(self) -> None:
        """Close the device and what it was opened by."""
        for fd in (self.fd, *self.holders):
            self.system.close(fd)

    # What it is

    def info(self) -> DeviceInfo:
        """Ask what the device is."""
        answer = self._ask(uapi.DEVICE_GET_INFO, 24, b"")
        _, flags, regions, irqs, offset = struct.unpack_from("<IIIII", answer)
        found = tuple(_capabilities(answer, offset)) if flags & DeviceFlag.CAPS else ()
        return DeviceInfo(DeviceFlag(flags), regions, irqs, found)

    def region(self, index: int) -> RegionInfo:
        """Ask what a region is."""
        answer = self._ask(uapi.DEVICE_GET_REGION_INFO, 32, struct.pack("<II", 0, index))
        _, flags, _, chain, size, offset = struct.unpack_from("<IIIIQQ", answer)
        found = tuple(_capabilities(answer, chain)) if flags & uapi.RegionFlag.CAPS else ()
        return RegionInfo(index, uapi.RegionFlag(flags), size, offset, found)

    def irq(self, index: int) -> IrqInfo:
        """Ask how many interrupts of a kind there are."""
        argument = struct.pack("<IIII", 16, 0, index, 0)
        _, answer = self.system.ioctl(self.fd, uapi.DEVICE_GET_IRQ_INFO, argument)
        _, flags, _, count = struct.unpack("<IIII", answer)
        return IrqInfo(index, IrqFlag(flags), count)

    def irqs(self) -> tuple[IrqInfo, ...]:
        """Return the kinds of interrupts that the device has."""
        found = (self._irq_or_none(index) for index in range(self.info().irqs))
        return tuple(one for one in found if one and one.count)

    def _irq_or_none(self, index: int) -> IrqInfo | None:
        """Ask for a kind; the kernel refuses the errors of a device that isn't PCI Express."""
        try:
            return self.irq(index)
        except OSError as error:
            if error.errno == errno.EINVAL:
                return None
            raise

    def _ask(self, request: int, size: int, start: bytes) -> bytes:
        """Call with `start` after argsz, and again with as much room as the kernel asks for."""
        for _ in range(4):
            argument = (struct.pack("<I", size) + start).ljust(size, b"\0")
            _, answer = self.system.ioctl(self.fd, request, argument)
            (wanted,) = struct.unpack_from("<I", answer)
            if wanted <= size:
                return answer
            size = wanted
        return answer

    # Regions

    def read(self, index: int, offset: int, size: int) -> bytes:
        """Read bytes of a region."""
        return self.system.pread(self.fd, size, index << uapi.REGION_SHIFT | offset)

    def write(self, index: int, offset: int, data: bytes) -> int:
        """Write bytes of a region."""
        return self.system.pwrite(self.fd, data, index << uapi.REGION_SHIFT | offset)

    def load(self, index: int, offset: int, width: int = 4) -> int:
        """Read a little-endian number of a region."""
        return int.from_bytes(self.read(index, offset, width), "little")

    def store(self, index: int, offset: int, value: int, width: int = 4) -> None:
        """Write a little-endian number of a region."""
        self.write(index, offset, value.to_bytes(width, "little"))

    def map(self, index: int, offset: int, size: int, *, write: bool = True) -> int:
        """Map a part of a region; return the address."""
        return self.system.mmap(self.fd, size, index << uapi.REGION_SHIFT | offset, write=write)

    # Interrupts

    def set_irqs(
        self, index: int, flags: IrqSet, data: bytes = b"", *, start: int = 0, count: int = 1
    ) -> None:
        """VFIO_DEVICE_SET_IRQS as it stands."""
        argument = struct.pack("<IIIII", 20 + len(data), flags, index, start, count) + data
        self.system.ioctl(self.fd, uapi.DEVICE_SET_IRQS, argument)

    def set_triggers(self, index: Irq, eventfds: Iterable[int], start: int = 0) -> None:
        """Have interrupts signal eventfds."""
        data = [struct.pack("<i", fd) for fd in eventfds]
        flags = IrqSet.DATA_EVENTFD | IrqSet.ACTION_TRIGGER
        self.set_irqs(index, flags, b"".join(data), start=start, count=len(data))

    def mask(self, index: Irq) -> None:
        """Mask the first interrupt of a kind."""
        self.set_irqs(index, IrqSet.DATA_NONE | IrqSet.ACTION_MASK)

    def unmask(self, index: Irq) -> None:
        """Unmask the first interrupt of a kind."""
        self.set_irqs(index, IrqSet.DATA_NONE | IrqSet.ACTION_UNMASK)

    def set_unmask_trigger(self, index: Irq, eventfd: int) -> None:
        """Have an eventfd unmask the first interrupt of a kind."""
        flags = IrqSet.DATA_EVENTFD | IrqSet.ACTION_UNMASK
        self.set_irqs(index, flags, struct.pack("<i", eventfd))

    def set_mask_trigger(self, index: Irq, eventfd: int) -> None:
        """Have an eventfd mask the first interrupt of a kind."""
        self.set_irqs(index, IrqSet.DATA_EVENTFD | IrqSet.ACTION_MASK, struct.pack("<i", eventfd))

    def disable_irqs(self, index: Irq) -> None:
        """Turn the interrupts of a kind off."""
        self.set_irqs(index, IrqSet.DATA_NONE | IrqSet.ACTION_TRIGGER, count=0)

    def reset(self) -> None:
        """Reset the device."""
        self.system.ioctl(self.fd, uapi.DEVICE_RESET)

    # Features

    def feature(self, flags: int, data: bytes = b"") -> bytes:
        """VFIO_DEVICE_FEATURE as it stands; return the data as the kernel left it."""
        argument = struct.pack("<II", 8 + len(data), flags) + data
        _, answer = self.system.ioctl(self.fd, uapi.DEVICE_FEATURE, argument)
        return answer[8:]

    def supports(self, feature: Feature, flags: int = 0) -> bool:
        """Ask whether the device has a feature, without using it."""
        try:
            self.feature(feature | flags | FeatureFlag.PROBE)
        except OSError:
            return False
        return True

    # Dirty pages

    def start_logging(self, page_size: int, ranges: Sequence[tuple[int, int]]) -> None:
        """Have writes by DMA logged, in ranges of (address, size)."""
        with _memory(self.system, 16 * len(ranges)) as place:
            for at, number in enumerate(number for one in ranges for number in one):
                self.system.store(place + 8 * at, 8, number)
            control = struct.pack("<QIIQ", page_size, len(ranges), 0, place)
            self.feature(Feature.DMA_LOGGING_START | FeatureFlag.SET, control)

    def stop_logging(self) -> None:
        """End the logging."""
        self.feature(Feature.DMA_LOGGING_STOP | FeatureFlag.SET)

    def report_logged(self, iova: int, size: int, page_size: int) -> set[int]:
        """Return the addresses of the pages in a range that were written since they were reported last."""
        pages = size // page_size
        with _memory(self.system, -(-pages // 64) * 8) as place:
            report = struct.pack("<QQQQ", iova, size, page_size, place)
            self.feature(Feature.DMA_LOGGING_REPORT | FeatureFlag.GET, report)
            words = [self.system.load(place + at, 8) for at in range(0, -(-pages // 64) * 8, 8)]
        return {iova + at * page_size for at in range(pages) if words[at // 64] >> at % 64 & 1}

    # Migration

    def migration(self) -> Migration:
        """Return what kinds of migration there are; none where there is no migration."""
        try:
            answer = self.feature(Feature.MIGRATION | FeatureFlag.GET, bytes(8))
        except OSError:
            return Migration(0)
        return Migration(int.from_bytes(answer, "little"))

    def state(self) -> State:
        """Return the state of the migration."""
        answer = self.feature(Feature.MIG_DEVICE_STATE | FeatureFlag.GET, bytes(8))
        return State(struct.unpack_from("<I", answer)[0])

    def set_state(self, state: int) -> Stream | None:
        """Change the state of the migration; return the data descriptor if there is one."""
        data = struct.pack("<Ii", state, -1)
        answer = self.feature(Feature.MIG_DEVICE_STATE | FeatureFlag.SET, data)
        _, fd = struct.unpack("<Ii", answer)
        return Stream(self.system, fd) if fd >= 0 else None

    def data_size(self) -> int:
        """Return how much data the device would have to be migrated now."""
        answer = self.feature(Feature.MIG_DATA_SIZE | FeatureFlag.GET, bytes(8))
        return int.from_bytes(answer, "little")


@contextlib.contextmanager
def _memory(system: System, size: int) -> Iterator[int]:
    """Have zeroed memory for a while; yield its address."""
    whole = -(-max(size, 1) // _PAGE) * _PAGE
    place = system.mmap(-1, whole, 0)
    try:
        yield place
    finally:
        system.munmap(place, whole)


def _capabilities(answer: bytes, offset: int) -> Iterator[Capability]:
    """Walk a chain, each entry up to the start of the next higher one or the end."""
    starts = list(_chain(answer, offset))
    for at, id_, version in starts:
        ends = [other for other, _, _ in starts if other > at]
        yield Capability(id_, version, answer[at + 8 : min(ends, default=len(answer))])


def _chain(answer: bytes, offset: int) -> Iterator[tuple[int, int, int]]:
    for _ in range(_CHAIN_MAX):
        if not offset or offset + 8 > len(answer):
            return
        id_, version, following = struct.unpack_from("<HHI", answer, offset)
        yield offset, id_, version
        offset = following


def sysfs(bdf: str) -> str:
    """Return the directory of a PCI device."""
    return f"/sys/bus/pci/devices/{bdf}"


def driver_of(system: System, bdf: str) -> str | None:
    """Return the driver that a PCI device is bound to."""
    try:
        return PurePosixPath(system.link(f"{sysfs(bdf)}/driver")).name
    except FileNotFoundError:
        return None


def open_cdev(system: System, bdf: str) -> Device:
    """Open a device by its own node and bind it to a new IOMMUFD; it isn't attached to anything."""
    (name,) = (name for name in system.names(f"{sysfs(bdf)}/vfio-dev") if name.startswith("vfio"))
    fd = system.open(f"/dev/vfio/devices/{name}", os.O_RDWR)
    try:
        iommufd = system.open("/dev/iommu", os.O_RDWR)
    except OSError:
        system.close(fd)
        raise
    with _closing_on_error(system, fd, iommufd):
        system.ioctl(fd, uapi.DEVICE_BIND_IOMMUFD, struct.pack("<IIiI", 16, 0, iommufd, 0))
    return Device(system, fd, (iommufd,))


def open_group(system: System, bdf: str) -> Device:
    """Open a device by its group in a new container, with an IOMMU or, where it must, without."""
    group_name = PurePosixPath(system.link(f"{sysfs(bdf)}/iommu_group")).name
    unsafe = f"noiommu-{group_name}" in system.names("/dev/vfio")
    container = system.open("/dev/vfio/vfio", os.O_RDWR)
    with _closing_on_error(system, container):
        path = f"/dev/vfio/noiommu-{group_name}" if unsafe else f"/dev/vfio/{group_name}"
        group = system.open(path, os.O_RDWR)
        with _closing_on_error(system, group):
            kind = uapi.NOIOMMU_IOMMU if unsafe else uapi.TYPE1V2_IOMMU
            system.ioctl(group, uapi.GROUP_SET_CONTAINER, struct.pack("<i", container))
            system.ioctl(container, uapi.SET_IOMMU, kind)
            fd, _ = system.ioctl(group, uapi.GROUP_GET_DEVICE_FD, bdf.encode() + b"\0")
    return Device(system, fd, (group, container), by_group=True)


@contextlib.contextmanager
def _closing_on_error(system: System, *fds: int) -> Iterator[None]:
    try:
        yield
    except OSError:
        for fd in fds:
            system.close(fd)
        raise


def open_device(system: System, bdf: str) -> Device:
    """Open a device by its node where there is one, else by its group."""
    try:
        return open_cdev(system, bdf)
    except (FileNotFoundError, ValueError):
        return open_group(system, bdf)


@contextlib.contextmanager
def opened(system: System, bdf: str) -> Iterator[Device]:
    """Have a device open for a while."""
    device = open_device(system, bdf)
    try:
        yield device
    finally:
        device.close()
