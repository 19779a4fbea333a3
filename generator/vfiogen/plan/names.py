# SPDX-License-Identifier: GPL-2.0-only
"""The C names of one driver: everything begins with its prefix, macros with it in capitals."""

from __future__ import annotations

from vfiogen.c.names import c_name
from vfiogen.model import spec as m
from vfiogen.records import Value


class Names(Value):
    """Names from a driver's prefix; a part of the core has no structure of its own."""

    prefix: str
    core: bool = False

    @property
    def device(self) -> str:
        """The type of the driver's own device structure."""
        return "struct vfio_pci_core_device" if self.core else f"struct {self.prefix}_device"

    @property
    def variable(self) -> str:
        """The variable that points to the device structure."""
        return "vdev" if self.core else self.prefix

    @property
    def file(self) -> str:
        """The type of the driver's migration file."""
        return f"struct {self.prefix}_migration_file"

    @property
    def device_parameter(self) -> str:
        """The declaration of the parameter that most functions take first."""
        return f"{self.device} *{self.variable}"

    def own(self, name: str) -> str:
        """Return the C name of a thing of the spec, without saying the prefix twice."""
        c = c_name(name)
        return c if c == self.prefix or c.startswith(f"{self.prefix}_") else f"{self.prefix}_{c}"

    def macro(self, *parts: str) -> str:
        """Return a macro's name."""
        return self.own("_".join(parts)).upper()

    def structure(self, layout: str) -> str:
        """Return the type of a layout."""
        return f"struct {self.own(layout)}"

    def register(self, block: m.RegisterBlock, register: m.Register) -> str:
        """Return the macro of a register's offset."""
        return self.macro(block.name.text, register.name.text)

    def bits(self, block: m.RegisterBlock, register: m.Register, bits: m.Bits) -> str:
        """Return the macro of bits of a register."""
        return self.macro(block.name.text, register.name.text, bits.name.text)

    def bar(self, number: int) -> str:
        """Return the member that holds a mapped BAR."""
        return f"bar{number}"

    def window(self, block: m.RegisterBlock) -> str:
        """Return the member that holds where a block of registers lies."""
        return self.bar(block.bar.value) if block.bar else c_name(block.name.text)
