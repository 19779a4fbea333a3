# SPDX-License-Identifier: GPL-2.0-only
"""The standard header of config space: PCI Local Bus Specification 3.0, section 6.1, type 0."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

STANDARD_HEADER: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "PCI_VENDOR_ID": (0x00, 16),
        "PCI_DEVICE_ID": (0x02, 16),
        "PCI_COMMAND": (0x04, 16),
        "PCI_STATUS": (0x06, 16),
        "PCI_REVISION_ID": (0x08, 8),
        "PCI_CLASS_PROG": (0x09, 8),
        "PCI_CLASS_DEVICE": (0x0A, 16),
        "PCI_CACHE_LINE_SIZE": (0x0C, 8),
        "PCI_LATENCY_TIMER": (0x0D, 8),
        "PCI_HEADER_TYPE": (0x0E, 8),
        "PCI_BIST": (0x0F, 8),
        "PCI_BASE_ADDRESS_0": (0x10, 32),
        "PCI_BASE_ADDRESS_1": (0x14, 32),
        "PCI_BASE_ADDRESS_2": (0x18, 32),
        "PCI_BASE_ADDRESS_3": (0x1C, 32),
        "PCI_BASE_ADDRESS_4": (0x20, 32),
        "PCI_BASE_ADDRESS_5": (0x24, 32),
        "PCI_CARDBUS_CIS": (0x28, 32),
        "PCI_SUBSYSTEM_VENDOR_ID": (0x2C, 16),
        "PCI_SUBSYSTEM_ID": (0x2E, 16),
        "PCI_ROM_ADDRESS": (0x30, 32),
        "PCI_CAPABILITY_LIST": (0x34, 8),
        "PCI_INTERRUPT_LINE": (0x3C, 8),
        "PCI_INTERRUPT_PIN": (0x3D, 8),
        "PCI_MIN_GNT": (0x3E, 8),
        "PCI_MAX_LAT": (0x3F, 8),
    }
)
"""Each register by the kernel's name: its offset, and its width in bits."""
