# SPDX-License-Identifier: GPL-2.0-only
"""What a device can reach by DMA: memory of the process, mapped into an address space."""

from __future__ import annotations

import struct
from typing import Protocol

from vfiogen.vfio import uapi
from vfiogen.vfio.device import Device
from vfiogen.vfio.system import System
from vfiogen.vfio.uapi import DmaMapFlag, MapFlag


class AddressSpace(Protocol):
    """Addresses that a device uses, each for memory of the process. Refusals raise OSError."""

    def map(self, address: int, size: int, iova: int) -> None:
        """Make memory appear at an address of the device, for reading and writing."""

    def unmap(self, iova: int, size: int) -> None:
        """Take it away."""


class _IommufdSpace:
    def __init__(self, system: System, fd: int, number: int) -> None:
        self._system, self._fd, self._number = system, fd, number

    def map(self, address: int, size: int, iova: int) -> None:
        flags = MapFlag.FIXED_IOVA | MapFlag.WRITEABLE | MapFlag.READABLE
        argument = struct.pack("<IIIIQQQ", 40, flags, self._number, 0, address, size, iova)
        self._system.ioctl(self._fd, uapi.IOMMU_IOAS_MAP, argument)

    def unmap(self, iova: int, size: int) -> None:
        argument = struct.pack("<IIQQ", 24, self._number, iova, size)
        self._system.ioctl(self._fd, uapi.IOMMU_IOAS_UNMAP, argument)


class _ContainerSpace:
    def __init__(self, system: System, fd: int) -> None:
        self._system, self._fd = system, fd

    def map(self, address: int, size: int, iova: int) -> None:
        flags = DmaMapFlag.READ | DmaMapFlag.WRITE
        self._system.ioctl(
            self._fd, uapi.IOMMU_MAP_DMA, struct.pack("<IIQQQ", 32, flags, address, iova, size)
        )

    def unmap(self, iova: int, size: int) -> None:
        self._system.ioctl(self._fd, uapi.IOMMU_UNMAP_DMA, struct.pack("<IIQQ", 24, 0, iova, size))


def attach(device: Device) -> AddressSpace:
    """Give a device an address space: its container's, or a new one of IOMMUFD's."""
    if device.by_group:
        return _ContainerSpace(device.system, device.holders[-1])
    iommufd = device.holders[0]
    _, answer = device.system.ioctl(iommufd, uapi.IOMMU_IOAS_ALLOC, struct.pack("<III", 12, 0, 0))
    number: int = struct.unpack("<III", answer)[2]
    device.system.ioctl(device.fd, uapi.DEVICE_ATTACH_IOMMUFD_PT, struct.pack("<III", 12, 0, number))
    return _IommufdSpace(device.system, iommufd, number)
