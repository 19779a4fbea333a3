# SPDX-License-Identifier: GPL-2.0-only
"""What a VFIO user would see of a bound device. Nothing of the device is changed by asking.

Opening a device may reset it and closing it does, as with any user; that is all that happens.
"""

from __future__ import annotations

from collections.abc import Iterator

from vfiogen.vfio.device import Device, RegionInfo, driver_of, opened
from vfiogen.vfio.system import System
from vfiogen.vfio.uapi import (
    CONFIG_REGION,
    REGION_CAPS,
    DeviceFlag,
    Feature,
    FeatureFlag,
    Irq,
    IrqFlag,
    Migration,
    RegionFlag,
)

_WAYS = (("get", FeatureFlag.GET), ("set", FeatureFlag.SET))
_REGIONS = (*(f"BAR {bar}" for bar in range(6)), "ROM", "config space", "VGA")


def describe(system: System, bdf: str) -> Iterator[str]:
    """Open a device and yield lines that describe it. Raises OSError where it can't be opened."""
    yield f"{bdf}: {driver_of(system, bdf) or 'no driver'}"
    with opened(system, bdf) as device:
        yield from _describe_ids(device)
        yield from _describe_regions(device)
        yield from _describe_irqs(device)
        yield from _describe_features(device)
        yield from _describe_migration(device)


def _describe_ids(device: Device) -> Iterator[str]:
    vendor, product = (device.load(CONFIG_REGION, at, 2) for at in (0, 2))
    flags = device.info().flags
    yield f"  device {vendor:04x}:{product:04x}, {'can' if flags & DeviceFlag.RESET else 'cannot'} be reset"


def _describe_regions(device: Device) -> Iterator[str]:
    for index in range(device.info().regions):
        try:
            region = device.region(index)
        except OSError:
            continue
        if region.size:
            yield f"  region {index}, {_region_name(index)}: {_region_text(region)}"


def _region_name(index: int) -> str:
    return _REGIONS[index] if index < len(_REGIONS) else "of the device"


def _region_text(region: RegionInfo) -> str:
    flags = _names(region.flags & ~RegionFlag.CAPS, RegionFlag)
    capabilities = [REGION_CAPS.get(one.id, f"capability {one.id}") for one in region.capabilities]
    return ", ".join([f"{region.size:#x} bytes", flags, *capabilities])


def _describe_irqs(device: Device) -> Iterator[str]:
    for irq in device.irqs():
        name = Irq(irq.index).name if irq.index in set(Irq) else f"kind {irq.index}"
        yield f"  interrupts {name}: {irq.count}, {_names(irq.flags, IrqFlag)}"


def _describe_features(device: Device) -> Iterator[str]:
    for feature in Feature:
        ways = [name for name, flag in _WAYS if device.supports(feature, flag)]
        if ways:
            yield f"  feature {feature.name.lower()}: {', '.join(ways)}"


def _describe_migration(device: Device) -> Iterator[str]:
    kinds = device.migration()
    if kinds:
        yield f"  migration: {_names(kinds, Migration)}"
        yield f"  state {device.state().name}, {device.data_size()} bytes to move"
    else:
        yield "  no migration"


def _names(value: int, flags: type[RegionFlag] | type[IrqFlag] | type[Migration]) -> str:
    return " ".join((flag.name or "").lower().replace("_", "-") for flag in flags if value & flag) or "none"
