# SPDX-License-Identifier: GPL-2.0-only
"""The types of expressions, and their spelling in C."""

from __future__ import annotations

import re
from dataclasses import dataclass

SCALARS = {
    "bool": ("bool", 1),
    "u8": ("u8", 8),
    "u16": ("u16", 16),
    "u32": ("u32", 32),
    "u64": ("u64", 64),
    "size": ("size_t", 64),
    "phys": ("phys_addr_t", 64),
}


@dataclass(frozen=True)
class Type:
    """A type. `name` is its spelling in the spec, `c` in C; `bits` counts for integers only.

    `kind` is bool, int, constant (an integer that fits wherever it is used), pointer, struct, text or void.
    """

    kind: str
    name: str
    c: str
    bits: int = 0

    @property
    def numeric(self) -> bool:
        """Whether arithmetic works on it."""
        return self.kind in ("int", "constant")

    @property
    def target(self) -> str:
        """What a pointer points to, as it is named in the spec."""
        return self.name.removesuffix("*").strip()

    def declare(self, name: str) -> str:
        """Return a C declaration of `name`, without the semicolon."""
        return f"{self.c}{name}" if self.c.endswith("*") else f"{self.c} {name}"


BOOL = Type("bool", "bool", "bool", 1)
CONSTANT = Type("constant", "a constant", "u64", 64)
TEXT = Type("text", "text", "char *")
VOID = Type("void", "void", "void")
PCI_DEVICE = Type("pointer", "struct pci_dev *", "struct pci_dev *")


def integer(bits: int) -> Type:
    """Return the unsigned type of a width of 8 to 64 bits."""
    return Type("int", f"u{bits}", f"u{bits}", bits)


def read_type(text: str) -> Type | None:
    """Return the type that a text of the spec names, or nothing."""
    if text in SCALARS:
        c, bits = SCALARS[text]
        return Type("bool" if text == "bool" else "int", text, c, bits)
    if text == "void":
        return VOID
    if re.fullmatch(r"((struct|union) [a-z_][a-z0-9_]*|u8|u16|u32|u64|void) ?\*", text):
        return Type("pointer", text, text.removesuffix("*").strip() + " *")
    if re.fullmatch(r"(struct|union) [a-z_][a-z0-9_]*", text):
        return Type("struct", text, text)
    return None
