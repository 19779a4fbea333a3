# SPDX-License-Identifier: GPL-2.0-only
"""Macros and access functions of the registers that the C uses."""

from __future__ import annotations

from vfiogen.c import layout as c
from vfiogen.model import spec as m
from vfiogen.plan.lower import Lowering
from vfiogen.plan.view import Access, Defines, Registers

VALUE_COLUMN = 40
READS = {8: "readb", 16: "readw", 32: "readl", 64: "readq"}
WRITES = {8: "writeb", 16: "writew", 32: "writel", 64: "writeq"}


def define(name: str, value: str) -> str:
    """Return a #define whose value stands in a fixed column, so that a new one moves no other."""
    head = f"#define {name}"
    tabs = max(1, (VALUE_COLUMN - len(head) + c.TAB - 1) // c.TAB)
    return head + "\t" * tabs + value


def plan_defines(lowering: Lowering, text: str) -> tuple[Defines, ...]:
    """Return the macros of the registers, bits and BAR sizes that `text`, the rest of the C, mentions."""
    groups = (_block_defines(lowering, block, text) for block in lowering.spec.registers)
    return tuple(group for group in groups if group.lines)


def _block_defines(lowering: Lowering, block: m.RegisterBlock, text: str) -> Defines:
    lines: list[str] = []
    for register in block.registers:
        lines += _register_defines(lowering, block, register, text)
    size = lowering.names.macro(f"bar{block.bar.value}", "size")
    if size in text:
        lines.append(define(size, _end(block)))
    note = f": {block.note.text}" if block.note else ""
    return Defines(tuple(lines), c.comment(f"Registers in BAR {block.bar.value}{note}"), block.name.span)


def _register_defines(
    lowering: Lowering, block: m.RegisterBlock, register: m.Register, text: str
) -> list[str]:
    names = lowering.names
    bits = [b for b in register.bits if names.bits(block, register, b) in text]
    name = names.register(block, register)
    if name not in text:
        return []
    return [
        define(name, f"{register.at.value:#04x}"),
        *(_bits_define(lowering, block, register, b) for b in bits),
    ]


def _bits_define(lowering: Lowering, block: m.RegisterBlock, register: m.Register, bits: m.Bits) -> str:
    suffix = "_ULL" if register.width == 64 else ""
    value = (
        f"BIT{suffix}({bits.low})" if bits.low == bits.high else f"GENMASK{suffix}({bits.high}, {bits.low})"
    )
    # One more space than the register, as headers of the kernel show what belongs to what.
    return define(lowering.names.bits(block, register, bits), value).replace("#define ", "#define   ", 1)


def _end(block: m.RegisterBlock) -> str:
    return f"{max(r.at.value + r.size for r in block.registers):#04x}"


def bar_sizes(lowering: Lowering) -> dict[int, str]:
    """Return, for each BAR with registers, the macro of how many bytes it must have."""
    return {b.bar.value: lowering.names.macro(f"bar{b.bar.value}", "size") for b in lowering.spec.registers}


def plan_registers(lowering: Lowering, text: str) -> Registers | None:
    """Return the access functions that `text`, the rest of the C, calls."""
    if not lowering.spec.registers:
        return None
    prefix = lowering.names.prefix
    reads = (Access(f"{prefix}_read{w}", f"u{w}", f, f"U{w}_MAX") for w, f in READS.items())
    writes = (Access(f"{prefix}_write{w}", f"u{w}", f, "") for w, f in WRITES.items())
    return Registers(
        tuple(access for access in reads if access.name in text),
        tuple(access for access in writes if access.name in text),
    )
