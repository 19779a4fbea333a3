# SPDX-License-Identifier: GPL-2.0-only
"""Macros and access functions of the registers that the C uses."""

from __future__ import annotations

from vfiogen.c import layout as c
from vfiogen.model import spec as m
from vfiogen.plan.emulation import size_of
from vfiogen.plan.lower import READS, WRITES, Lowering
from vfiogen.plan.view import Access, Defines, Registers

VALUE_COLUMN = 40
CONFIG_READS = {8: "byte", 16: "word", 32: "dword"}
# What can be done with a register of the device's own, once it can be reached.
_ACCESS = (
    "begin_access",
    *(f"{verb}{width}" for verb in ("read", "write") for width in READS),
    *(f"read_config{width}" for width in CONFIG_READS),
)


def define(name: str, value: str) -> str:
    """Return a #define whose value stands in a fixed column, so that a new one moves no other."""
    head = f"#define {name}"
    tabs = max(1, (VALUE_COLUMN - len(head) + c.TAB - 1) // c.TAB)
    return head + "\t" * tabs + value


def plan_defines(lowering: Lowering, words: frozenset[str]) -> tuple[Defines, ...]:
    """Return the macros of the registers, bits and BAR sizes that the rest of the C mentions."""
    groups = [_block_defines(lowering, block, words) for block in lowering.spec.registers]
    groups.append(_ported_sizes(lowering))
    return tuple(group for group in groups if group.lines)


def _block_defines(lowering: Lowering, block: m.RegisterBlock, words: frozenset[str]) -> Defines:
    lines: list[str] = []
    for register in block.registers:
        if lowering.names.register(block, register) in words:
            lines += _register_defines(lowering, block, register, words)
    if not block.is_early:
        lines += _size_define(lowering, block, words)
    note = f": {block.note.text}" if block.note else ""
    return Defines(tuple(lines), c.comment(f"{_place(block)}{note}"), block.name.span)


def _place(block: m.RegisterBlock) -> str:
    if block.memory is not None:
        return f"In memory, from where {block.name} begins"
    return f"Registers {_place_of_registers(block)}"


def _place_of_registers(block: m.RegisterBlock) -> str:
    if block.position is not None:
        return f"in config space, from where {block.name} begins"
    return f"in BAR {block.bar.value}" if block.bar else f"of {block.name}"


def _ported_sizes(lowering: Lowering) -> Defines:
    """Return how large the BARs are that are made of ranges."""
    ported = [region for region in lowering.spec.regions if region.ranges]
    lines = (
        define(lowering.names.macro(f"bar{region.bar}", "size"), str(size_of(lowering, region)))
        for region in ported
    )
    return Defines(tuple(lines), None, ported[0].name.span if ported else None)


def _register_defines(
    lowering: Lowering, block: m.RegisterBlock, register: m.Register, words: frozenset[str]
) -> list[str]:
    name = lowering.names.register(block, register)
    lines = _noted(define(name, f"{register.at.value:#04x}"), register.note)
    for bits in register.bits:
        if lowering.names.bits(block, register, bits) in words:
            lines += _noted(_bits_define(lowering, block, register, bits), bits.note)
    return lines


def _noted(line: str, note: m.Word | None) -> list[str]:
    """Put a note behind a macro where there is room, else above it."""
    if note is None:
        return [line]
    comment = c.comment(note.text)
    if "\n" not in comment and c.text_width(f"{line}\t{comment}") <= c.WIDTH:
        return [f"{line}\t{comment}"]
    return [*comment.split("\n"), line]


def _bits_define(lowering: Lowering, block: m.RegisterBlock, register: m.Register, bits: m.Bits) -> str:
    suffix = "_ULL" if register.width == 64 else ""
    one, several = f"BIT{suffix}({bits.low})", f"GENMASK{suffix}({bits.high}, {bits.low})"
    name = lowering.names.bits(block, register, bits)
    # Two more spaces than the register, as headers of the kernel show what belongs to what.
    return define(name, one if bits.low == bits.high else several).replace("#define ", "#define   ", 1)


def _size_define(lowering: Lowering, block: m.RegisterBlock, words: frozenset[str]) -> list[str]:
    """Return how many bytes a BAR must have, with the last of its blocks."""
    lines = []
    for bar, name in bar_sizes(lowering).items():
        same = [b for b in lowering.spec.registers if bar in b.bars]
        if block is same[-1] and name in words:
            lines.append(define(name, f"{max(b.bars[bar] + b.end for b in same):#04x}"))
    return lines


def bar_sizes(lowering: Lowering) -> dict[int, str]:
    """Return, for each BAR with registers, the macro of how many bytes it must have."""
    bars = sorted({bar for block in lowering.spec.registers for bar in block.bars})
    return {bar: lowering.names.macro(f"bar{bar}", "size") for bar in bars}


def plan_registers(lowering: Lowering, words: frozenset[str]) -> Registers | None:
    """Return the access functions that the rest of the C calls."""
    prefix = lowering.names.prefix
    if not any(f"{prefix}_{name}" in words for name in _ACCESS):
        return None
    reads = (Access(f"{prefix}_read{w}", f"u{w}", f, f"U{w}_MAX") for w, f in READS.items())
    writes = (Access(f"{prefix}_write{w}", f"u{w}", f, "") for w, f in WRITES.items())
    config = (
        Access(f"{prefix}_read_config{w}", f"u{w}", f"pci_read_config_{kind}", "")
        for w, kind in CONFIG_READS.items()
    )
    used_reads = tuple(access for access in reads if access.name in words)
    used_writes = tuple(access for access in writes if access.name in words)
    return Registers(
        used_reads,
        used_writes,
        tuple(access for access in config if access.name in words),
        bool(used_reads or used_writes or f"{prefix}_begin_access" in words),
    )
