# SPDX-License-Identifier: GPL-2.0-only
"""Layouts and the values that are kept for each device."""

from __future__ import annotations

from vfiogen.diagnostics import Problems
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.types import read_type

ROLES = ("const", "match", "save", "register")


def check_structures(spec: m.Spec, analysis: Analysis, problems: Problems) -> None:
    """Report holes, fields without exactly one role, values that don't fit, and unknown types."""
    for layout in spec.layouts:
        _check_offsets(layout, problems)
        for field in layout.fields:
            _check_role(field, problems)
            _check_const(field, problems)
            _check_values(field, analysis, Scope(spec))
    _check_types(spec, problems)


def _check_offsets(layout: m.Layout, problems: Problems) -> None:
    """The C structure isn't packed, so every field must lie where the compiler puts it anyway."""
    offset = 0
    for field in layout.fields:
        width = field.bits // 8
        if offset % width:
            _hole(
                field.name,
                f"{field.name} would lie at byte {offset}, and {field.type} lies at multiples of {width}",
                problems,
            )
            offset += width - offset % width
        offset += field.size
    widest = max((field.bits // 8 for field in layout.fields), default=1)
    if offset % widest:
        _hole(
            layout.name,
            f"{layout.name} ends at byte {offset}, and its widest field has {widest}",
            problems,
        )


def _hole(word: m.Word, message: str, problems: Problems) -> None:
    problems.report(
        "structure-hole",
        message,
        word.span,
        "add a field such as reserved: { type: u32, const: 0 }",
    )


def _check_role(field: m.LayoutField, problems: Problems) -> None:
    given = [role for role in ROLES if getattr(field, role) is not None]
    if len(given) != 1:
        found = "has " + " and ".join(given) if given else "has no role"
        problems.report(
            "field-role",
            f"{field.name} {found}",
            field.name.span,
            "a field is a const, a match, a register, or saved with save (and loaded with load)",
        )
    if field.load and not field.save:
        problems.report("field-role", f"{field.name} is loaded but never saved", field.load.span, "add save")


def _check_const(field: m.LayoutField, problems: Problems) -> None:
    if field.const and field.const.value >> field.bits:
        message = f"{field.const.value:#x} doesn't fit into {field.type}"
        problems.report("value-range", message, field.const.span, f"the most is {(1 << field.bits) - 1:#x}")
    if field.count and (field.const or field.match):
        problems.report("field-role", f"{field.name} is an array, which can't be compared", field.count.span)


def _check_values(field: m.LayoutField, analysis: Analysis, scope: Scope) -> None:
    for formula in (field.match, field.save):
        typed = analysis.value(formula, scope)
        if typed is not None and formula is not None and not typed.type.numeric and typed.type.kind != "bool":
            analysis.problems.report(
                "type", f"a field holds a number, and this is {typed.type.name}", formula.span
            )
    for formula in (field.load, field.register):
        place = analysis.place(formula, scope)
        if isinstance(place, t.Read) and formula is not None:
            _check_register(field, place.register, formula, analysis.problems)


def _check_register(
    field: m.LayoutField, register: m.Register, formula: m.Formula, problems: Problems
) -> None:
    if register.width != field.bits:
        message = f"{field.name} has {field.bits} bits and the register {register.width}"
        problems.report("width", message, formula.span, related=((register.name.span, "the register"),))
    ours = field.count.value if field.count else 1
    theirs = register.count.value if register.count else 1
    if ours != theirs:
        message = f"{field.name} has {ours} elements and the register {theirs}"
        problems.report("width", message, formula.span, related=((register.name.span, "the register"),))
    if field.register is formula and register.access != "rw":
        message = f"{register.name} can't be both read and written"
        problems.report("register-access", message, formula.span, "use save and load with two registers")


def _check_types(spec: m.Spec, problems: Problems) -> None:
    words = [kept.type for kept in spec.context]
    words += [p.type for c in spec.commands for p in (*c.params, *c.results)]
    words += [field.type for x in spec.kernel_structures for field in x.fields]
    words += [spec.provider.type] if spec.provider else []
    for word in words:
        if word.text and read_type(word.text) is None:
            problems.report(
                "type",
                f"{word} isn't a type",
                word.span,
                "types are bool, u8 to u64, size, phys, struct x and struct x *",
            )
