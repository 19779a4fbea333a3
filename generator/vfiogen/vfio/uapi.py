# SPDX-License-Identifier: GPL-2.0-only
"""Numbers and layouts of linux/vfio.h and linux/iommufd.h; little endian, as every supported machine is."""

from __future__ import annotations

from enum import IntEnum, IntFlag

_TYPE = ord(";")
_BASE = 100


def _io(number: int) -> int:
    """Return _IO(';', number)."""
    return _TYPE << 8 | number


# Containers and groups
GET_API_VERSION = _io(_BASE)
CHECK_EXTENSION = _io(_BASE + 1)
SET_IOMMU = _io(_BASE + 2)
GROUP_GET_STATUS = _io(_BASE + 3)
GROUP_SET_CONTAINER = _io(_BASE + 4)
GROUP_GET_DEVICE_FD = _io(_BASE + 6)
IOMMU_MAP_DMA = _io(_BASE + 13)
IOMMU_UNMAP_DMA = _io(_BASE + 14)

TYPE1V2_IOMMU = 3
NOIOMMU_IOMMU = 8
GROUP_VIABLE = 1

# Devices
DEVICE_GET_INFO = _io(_BASE + 7)
DEVICE_GET_REGION_INFO = _io(_BASE + 8)
DEVICE_GET_IRQ_INFO = _io(_BASE + 9)
DEVICE_SET_IRQS = _io(_BASE + 10)
DEVICE_RESET = _io(_BASE + 11)
DEVICE_GET_PCI_HOT_RESET_INFO = _io(_BASE + 12)
DEVICE_IOEVENTFD = _io(_BASE + 16)
DEVICE_FEATURE = _io(_BASE + 17)
DEVICE_BIND_IOMMUFD = _io(_BASE + 18)
DEVICE_ATTACH_IOMMUFD_PT = _io(_BASE + 19)
DEVICE_DETACH_IOMMUFD_PT = _io(_BASE + 20)
MIG_GET_PRECOPY_INFO = _io(_BASE + 21)

# IOMMUFD
IOMMU_DESTROY = _io(0x80)
IOMMU_IOAS_ALLOC = _io(0x81)
IOMMU_IOAS_MAP = _io(0x85)
IOMMU_IOAS_UNMAP = _io(0x86)

CONFIG_REGION = 7
REGION_SHIFT = 40


class MapFlag(IntFlag):
    """IOMMU_IOAS_MAP_*."""

    FIXED_IOVA = 1
    WRITEABLE = 2
    READABLE = 4


class DmaMapFlag(IntFlag):
    """VFIO_DMA_MAP_FLAG_*."""

    READ = 1
    WRITE = 2


class DeviceFlag(IntFlag):
    """VFIO_DEVICE_FLAGS_*."""

    RESET = 1
    PCI = 2
    CAPS = 1 << 7


class RegionFlag(IntFlag):
    """VFIO_REGION_INFO_FLAG_*."""

    READ = 1
    WRITE = 2
    MMAP = 4
    CAPS = 8


class IrqFlag(IntFlag):
    """VFIO_IRQ_INFO_*."""

    EVENTFD = 1
    MASKABLE = 2
    AUTOMASKED = 4
    NORESIZE = 8


class Irq(IntEnum):
    """VFIO_PCI_*_IRQ_INDEX."""

    INTX = 0
    MSI = 1
    MSIX = 2
    ERR = 3
    REQ = 4


class IrqSet(IntFlag):
    """VFIO_IRQ_SET_*."""

    DATA_NONE = 1
    DATA_BOOL = 2
    DATA_EVENTFD = 4
    ACTION_MASK = 8
    ACTION_UNMASK = 16
    ACTION_TRIGGER = 32


class Feature(IntEnum):
    """VFIO_DEVICE_FEATURE_*."""

    PCI_VF_TOKEN = 0
    MIGRATION = 1
    MIG_DEVICE_STATE = 2
    LOW_POWER_ENTRY = 3
    LOW_POWER_ENTRY_WITH_WAKEUP = 4
    LOW_POWER_EXIT = 5
    DMA_LOGGING_START = 6
    DMA_LOGGING_STOP = 7
    DMA_LOGGING_REPORT = 8
    MIG_DATA_SIZE = 9
    BUS_MASTER = 10
    DMA_BUF = 11
    MIG_PRECOPY_INFO_V2 = 12


class FeatureFlag(IntFlag):
    """VFIO_DEVICE_FEATURE_{GET,SET,PROBE}."""

    GET = 1 << 16
    SET = 1 << 17
    PROBE = 1 << 18


class Migration(IntFlag):
    """VFIO_MIGRATION_*."""

    STOP_COPY = 1
    P2P = 2
    PRE_COPY = 4


class State(IntEnum):
    """VFIO_DEVICE_STATE_*."""

    ERROR = 0
    STOP = 1
    RUNNING = 2
    STOP_COPY = 3
    RESUMING = 4
    RUNNING_P2P = 5
    PRE_COPY = 6
    PRE_COPY_P2P = 7


REGION_CAPS = {1: "sparse mmap", 2: "type", 3: "mappable MSI-X table"}
