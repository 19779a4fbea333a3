# SPDX-License-Identifier: GPL-2.0-only
"""The types of expressions, and their spelling in C."""

from __future__ import annotations

import re

from vfiogen.c.hints import meant_type
from vfiogen.c.names import is_c_identifier
from vfiogen.records import Value

SCALARS = {
    "bool": ("bool", 1),
    "u8": ("u8", 8),
    "u16": ("u16", 16),
    "u32": ("u32", 32),
    "u64": ("u64", 64),
    "size": ("size_t", 64),
    "phys": ("phys_addr_t", 64),
}
# Numbers in a byte order of their own, in structures of the kernel.
ORDERED = {f"{order}{bits}": bits for order in ("le", "be") for bits in (16, 32, 64)}
TYPES_HINT = "types are `bool`, `u8` to `u64`, `size`, `phys`, `struct x`, `struct x *`, `u8 *` and `void *`"
RETURNS_HINT = (
    "a call returns `errno`, `void`, `bool`, `u8` to `u64`, `size`, `phys`, `struct x *`, `u8 *` or `void *`"
)


def type_hints(text: str) -> tuple[str, ...]:
    """Return the hints for a text that isn't a type: what was meant, if that is known, and what there is."""
    if meant := meant_type(text):
        return (f"write `{meant}`",)
    if is_c_identifier(text):
        return f"a structure of the kernel is `struct {text}`, a pointer to it `struct {text} *`", TYPES_HINT
    return (TYPES_HINT,)


_POINTER = re.compile(r"((?:struct|union) [a-z_][a-z0-9_]*|u8|u16|u32|u64|void) ?\*")
_STRUCT = re.compile(r"(?:struct|union) [a-z_][a-z0-9_]*")


class Type(Value):
    """A type. `name` is its spelling in the spec, `c` in C; `bits` counts for integers only.

    `kind` is bool, int, constant (an integer that fits wherever it is used), pointer, struct, text or void;
    in structures of the kernel also ordered (a number in a byte order) and bytes.
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
        """The structure that it is or points to, as it is named in the spec."""
        return self.name.removesuffix("*").strip()

    def declare(self, name: str) -> str:
        """Return a C declaration of `name`, without the semicolon."""
        return f"{self.c}{name}" if self.c.endswith("*") else f"{self.c} {name}"

    def same(self, other: Type) -> bool:
        """Tell whether C takes one for the other, numbers aside: of a kind, and of one structure."""
        alike = self.kind not in ("pointer", "struct") or self.c == other.c
        return self.kind == other.kind and alike


BOOL = Type("bool", "bool", "bool", 1)
CONSTANT = Type("constant", "a constant", "u64", 64)
TEXT = Type("text", "text", "char *")
VOID = Type("void", "void", "void")
SIZE = Type("int", "size", "size_t", 64)
SCATTERED = Type("pointer", "struct scatterlist *", "struct scatterlist *")
USER_DATA = Type("pointer", "user-data", "char __user *")
BYTES = Type("bytes", "bytes", "u8 *")
DMA_ADDRESS = Type("int", "u64", "dma_addr_t", 64)
IOMEM = Type("iomem", "iomem", "void __iomem *")
DATA = Type("pointer", "u8 *", "u8 *")
BLOCK = Type("pointer", "void *", "void *")
KVM = Type("pointer", "struct kvm *", "struct kvm *")
PCI_DEVICE = Type("pointer", "struct pci_dev *", "struct pci_dev *")


def integer(bits: int) -> Type:
    """Return the unsigned type of a width of 8 to 64 bits."""
    return Type("int", f"u{bits}", f"u{bits}", bits)


def address_of(target: Type) -> Type:
    """Return the type of a pointer to something."""
    star = "*" if target.c.endswith("*") else " *"
    return Type("pointer", f"{target.name}{star}", f"{target.c}{star}")


def holding(bits: int) -> Type:
    """Return the narrowest integer of at least so many bits, up to 64."""
    return integer(next(width for width in (8, 16, 32, 64) if min(bits, 64) <= width))


def wider(left: Type, right: Type) -> Type:
    """Return the type that holds both of two numbers; a constant adapts to the other."""
    if left.kind == "constant":
        return right
    return left if right.kind == "constant" or left.bits >= right.bits else right


def read_type(text: str) -> Type | None:
    """Return the type that a text of the spec names, or nothing."""
    if text in SCALARS:
        c, bits = SCALARS[text]
        return Type("bool" if text == "bool" else "int", text, c, bits)
    if text == "void":
        return VOID
    if text == "bytes":
        return BYTES
    if text == "iomem":
        return IOMEM
    if text in ORDERED:
        return Type("ordered", text, f"__{text}", ORDERED[text])
    if found := _POINTER.fullmatch(text):
        return Type("pointer", f"{found[1]} *", f"{found[1]} *")
    if _STRUCT.fullmatch(text):
        return Type("struct", text, text)
    return None
