# SPDX-License-Identifier: GPL-2.0-only
"""Register blocks: no overlap, and nothing of a saved block forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from vfiogen.c import syntax as s
from vfiogen.c.names import c_name
from vfiogen.diagnostics import Problems
from vfiogen.model import spec as m


def check_registers(spec: m.Spec, problems: Problems, complete: bool) -> None:
    """Report registers and bits that overlap or don't fit, and with `complete` those that are neither
    saved nor declared transient."""
    by_bar: dict[int, list[m.Register]] = {}
    names: dict[str, m.Word] = {}
    for block in spec.registers:
        by_bar.setdefault(block.bar.value, []).extend(block.registers)
        for register in block.registers:
            _check_macro(block, register, names, problems)
            _check_alignment(register, problems)
            _check_bits(register, problems)
    for registers in by_bar.values():
        _check_overlap(registers, problems)
    if complete:
        _check_saved(spec, problems)


def _check_macro(
    block: m.RegisterBlock, register: m.Register, names: dict[str, m.Word], problems: Problems
) -> None:
    for word in (register.name, *(bits.name for bits in register.bits)):
        path = [block.name.text, register.name.text] + ([] if word is register.name else [word.text])
        macro = c_name("_".join(path)).upper()
        first = names.setdefault(macro, word)
        if first is not word:
            message = f"{word} and {first} both become the macro {macro}"
            problems.report("c-name-clash", message, word.span, related=((first.span, "the first one"),))


def _check_alignment(register: m.Register, problems: Problems) -> None:
    width = register.width // 8
    if register.at.value % width:
        message = f"a register of {register.width} bits can't lie at {register.at.value:#x}"
        problems.report("register-alignment", message, register.at.span, f"it lies at multiples of {width}")


def _check_overlap(registers: list[m.Register], problems: Problems) -> None:
    ordered = sorted(registers, key=lambda r: r.at.value)
    for first, second in pairwise(ordered):
        if second.at.value < first.at.value + first.size:
            end = first.at.value + first.size - 1
            message = f"{second.name} overlaps {first.name}, which goes up to {end:#x}"
            problems.report(
                "register-overlap",
                message,
                second.at.span,
                related=((first.at.span, f"{first.name}"),),
            )


def _check_bits(register: m.Register, problems: Problems) -> None:
    taken: dict[int, m.Bits] = {}
    for bits in register.bits:
        if bits.low > bits.high:
            problems.report(
                "bits-range",
                f"{bits.low}..{bits.high} goes downwards",
                bits.span,
                "write the lower bit first",
            )
        if bits.high >= register.width:
            message = f"{bits.name} needs bit {bits.high}, and {register.name} has {register.width} bits"
            problems.report("bits-range", message, bits.span)
        for bit in range(bits.low, bits.high + 1):
            first = taken.setdefault(bit, bits)
            if first is not bits:
                message = f"bit {bit} belongs to {first.name} already"
                problems.report(
                    "register-overlap", message, bits.span, related=((first.span, f"{first.name}"),)
                )
                break


def _check_saved(spec: m.Spec, problems: Problems) -> None:
    saved = set(_saved_registers(spec))
    for block in spec.registers:
        if not any((block.name.text, r.name.text) in saved for r in block.registers):
            continue
        for register in block.registers:
            _check_one_saved(block, register, (block.name.text, register.name.text) in saved, problems)


def _check_one_saved(block: m.RegisterBlock, register: m.Register, saved: bool, problems: Problems) -> None:
    if register.access == "rw" and not saved and register.transient is None:
        problems.report(
            "register-not-saved",
            f"{block.name}.{register.name} can be written, but it is not in the migration data",
            register.name.span,
            "save it in a field of the layout, or say why it needn't be with transient",
        )
    if saved and register.transient is not None:
        message = f"{block.name}.{register.name} is saved and so isn't transient"
        problems.report("register-not-saved", message, register.transient.span, "take one of them away")


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
