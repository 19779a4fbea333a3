# SPDX-License-Identifier: GPL-2.0-only
"""Register blocks: no overlap, and nothing of a saved block forgotten."""

from __future__ import annotations

from collections.abc import Iterator

from vfiogen.c import syntax as s
from vfiogen.diagnostics import Problems, meant_names, quote
from vfiogen.model import spec as m

# VFIO_PCI_OFFSET_SHIFT of linux/vfio_pci_core.h: what lies beyond it in a BAR, user space can't reach either.
LARGEST_BAR = 1 << 40


def check_registers(spec: m.Spec, problems: Problems, complete: bool) -> None:
    """Report registers and bits that overlap or don't fit, and with `complete` those that are neither
    saved nor declared transient."""
    by_place: dict[object, list[m.Register]] = {}
    for block in spec.registers:
        if block.position is not None:
            _check_config_block(block, problems)
            continue
        if block.memory is not None:
            _check_memory_block(block, problems)
            continue
        place = block.bar.value if block.bar else block.name.text
        by_place.setdefault(place, []).extend(block.registers)
        for register in block.registers:
            _check_place(register, problems)
            _check_bits(register, problems)
    for registers in by_place.values():
        _check_overlap(registers, problems)
    if complete:
        _check_saved(spec, problems)


def _check_config_block(block: m.RegisterBlock, problems: Problems) -> None:
    for register in block.registers:
        _check_place(register, problems)
        _check_bits(register, problems)
        if register.access != "ro" or register.width > 32 or register.count:
            message = (
                f"{quote(register.name.text)} is in config space, where registers of up to 32 bits are read"
            )
            hint = "write `access: ro`"
            problems.report("register-access", message, register.name.span, hint)
    _check_overlap(list(block.registers), problems)


def _check_memory_block(block: m.RegisterBlock, problems: Problems) -> None:
    for register in block.registers:
        _check_bits(register, problems)
        if register.access != "ro":
            message = f"{quote(register.name.text)} is in memory of the machine, which is only read"
            problems.report("register-access", message, register.name.span, "take `access` away")
    _check_overlap(list(block.registers), problems)


def _check_place(register: m.Register, problems: Problems) -> None:
    width = register.width // 8
    if register.at.value % width:
        message = f"a register of {register.width} bits can't lie at {register.at.value:#x}"
        problems.report("register-alignment", message, register.at.span, f"it lies at multiples of {width}")
    if register.at.value + register.size > LARGEST_BAR:
        message = f"{quote(register.name.text)} ends beyond 1 TiB, where no access through VFIO gets"
        problems.report("register-range", message, register.at.span)


def _check_overlap(registers: list[m.Register], problems: Problems) -> None:
    furthest: m.Register | None = None
    for register in sorted(registers, key=lambda r: r.at.value):
        if furthest is not None and register.at.value < _end(furthest):
            first, second = sorted((furthest, register), key=lambda r: (r.at.span.line, r.at.span.column))
            extent = f"which goes from {first.at.value:#x} to {_end(first) - 1:#x}"
            message = f"{quote(second.name.text)} overlaps {quote(first.name.text)}, {extent}"
            related = ((first.at.span, "the other one"),)
            problems.report("register-overlap", message, second.at.span, related=related)
        if furthest is None or _end(register) > _end(furthest):
            furthest = register


def _end(register: m.Register) -> int:
    return register.at.value + register.size


def _check_bits(register: m.Register, problems: Problems) -> None:
    sound = [bits for bits in register.bits if _check_range(register, bits, problems)]
    furthest: m.Bits | None = None
    for bits in sorted(sound, key=lambda b: (b.low, b.high)):
        if furthest is not None and bits.low <= furthest.high:
            first, second = sorted((furthest, bits), key=lambda b: (b.span.line, b.span.column))
            message = f"bit {bits.low} belongs to {quote(first.name.text)} already"
            related = ((first.span, "here"),)
            problems.report("register-overlap", message, second.span, related=related)
        if furthest is None or bits.high > furthest.high:
            furthest = bits


def _check_range(register: m.Register, bits: m.Bits, problems: Problems) -> bool:
    name = quote(bits.name.text)
    if bits.low > bits.high:
        message = f"the bits of {name} go downwards"
        hint = f"write `{bits.high}..{bits.low}`" if bits.low < register.width else ""
        problems.report("bits-range", message, bits.span, hint)
    elif bits.high >= register.width:
        message = f"{name} needs bit {bits.high}, and {quote(register.name.text)} has {register.width} bits"
        hint = (
            "bits count from 0; `width` makes the register wider" if bits.high < 64 else "bits count from 0"
        )
        problems.report("bits-range", message, bits.span, hint)
    else:
        return True
    return False


def _check_saved(spec: m.Spec, problems: Problems) -> None:
    saved, misspelt = set(_saved_registers(spec)), meant_names(problems)
    for block in spec.bar_blocks:
        if not any((block.name.text, r.name.text) in saved for r in block.registers):
            continue
        for register in block.registers:
            if register.name.text in misspelt:
                continue
            _check_one_saved(block, register, (block.name.text, register.name.text) in saved, problems)


def _check_one_saved(block: m.RegisterBlock, register: m.Register, saved: bool, problems: Problems) -> None:
    name = quote(f"{block.name}.{register.name}")
    if register.access == "rw" and not saved and register.transient is None:
        problems.report(
            "register-not-saved",
            f"{name} can be written, but isn't in the migration data",
            register.name.span,
            "save it in a field of the layout, or say with transient why it needn't be",
        )
    if saved and register.transient is not None:
        message = f"{name} is in the migration data, and so isn't transient"
        problems.report("register-not-saved", message, register.transient.span, "take one of the two away")


def _saved_registers(spec: m.Spec) -> Iterator[tuple[str, str]]:
    """Yield block and register of everything that a layout saves or loads."""
    for layout in spec.layouts:
        for field in layout.fields:
            for formula in (field.save, field.load, field.register, field.match):
                if formula and formula.tree:
                    yield from _named(formula.tree)


def _named(tree: s.Expression) -> Iterator[tuple[str, str]]:
    for node in s.walk(tree):
        if isinstance(node, s.Member) and isinstance(node.base, s.Name):
            yield node.base.name, node.name
