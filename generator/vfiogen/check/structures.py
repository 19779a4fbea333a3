# SPDX-License-Identifier: GPL-2.0-only
"""Layouts, the types of everything that is declared, and where fields come from and go to."""

from __future__ import annotations

from collections.abc import Iterator

from vfiogen.check.layouts import check_derived, check_older
from vfiogen.diagnostics import Problems, listing, quote
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.bounds import most
from vfiogen.model.types import VOID, read_type, type_hints

ROLES = ("const", "match", "save", "register", "derive")
# A file holds the layout twice, and kmalloc() gives 4 MiB at the most.
LARGEST_LAYOUT = 1 << 20


def check_structures(spec: m.Spec, analysis: Analysis, problems: Problems, complete: bool) -> None:
    """Report unknown types, fields without exactly one role, values that don't fit, and with `complete`
    holes."""
    for kind, word in _declared_types(spec):
        _check_type(kind, word, problems)
    for layout in spec.layouts:
        if complete and not any(problems.settled(field.name.span) for field in layout.fields):
            _check_offsets(layout, problems)
            _check_size(layout, problems)
        for field in layout.fields:
            _check_role(field, problems)
            _check_const(field, problems)
            _check_values(field, analysis, Scope(spec).of_field(field))
            check_derived(layout, field, analysis)
            check_older(layout, field, problems)


# Types


def _declared_types(spec: m.Spec) -> Iterator[tuple[str, m.Word]]:
    yield from (("", kept.type) for kept in spec.context)
    yield from (("parameter", p.type) for command in spec.commands for p in command.params)
    yield from (("", r.type) for command in spec.commands for r in command.results)
    yield from (("", field.type) for x in spec.kernel_structures for field in x.fields)
    if spec.provider:
        yield "", spec.provider.type


def _check_type(kind: str, word: m.Word, problems: Problems) -> None:
    if not word.text:
        return
    found = read_type(word.text)
    if found is None or found is VOID:
        problems.report("type", f"{quote(word.text)} isn't a type", word.span, *type_hints(word.text))
    elif kind == "parameter" and found.kind == "struct":
        hint = f"pass a pointer: `{found.name} *`"
        problems.report("type", "a structure isn't passed as a whole", word.span, hint)


# Layouts


def _check_offsets(layout: m.Layout, problems: Problems) -> None:
    """The C structure isn't packed, so every field must lie where the compiler puts it anyway."""
    offset = 0
    for field in layout.fields:
        width = field.bits // 8
        gap = -offset % width
        if gap:
            message = (
                f"{quote(field.name.text)} would lie at byte {offset}, and a {field.type} lies at multiples"
                f" of {width}"
            )
            _hole(field.name, message, gap, problems)
        offset += gap + field.size
    widest = max((field.bits // 8 for field in layout.fields), default=1)
    gap = -offset % widest
    if gap:
        message = f"{quote(layout.name.text)} ends at byte {offset}, which is no multiple of its widest field"
        _hole(layout.name, message, gap, problems)


def _hole(word: m.Word, message: str, gap: int, problems: Problems) -> None:
    kind = f"type: u{gap * 8}, const: 0" if gap in (1, 2, 4) else f"type: u8, count: {gap}, save: 0"
    where = "at the end" if "ends at" in message else "before it"
    hint = f"order the fields by width, or add one {where}: `reserved: {{ {kind} }}`"
    problems.report("structure-hole", message, word.span, hint)


def _check_size(layout: m.Layout, problems: Problems) -> None:
    if layout.size > LARGEST_LAYOUT:
        message = f"{quote(layout.name.text)} has {layout.size} bytes, and a layout has at most 1 MiB"
        hint = "the driver keeps it in one piece of the kernel's memory"
        problems.report("layout-size", message, layout.name.span, hint)


def _check_role(field: m.LayoutField, problems: Problems) -> None:
    given = [role for role in ROLES if getattr(field, role) is not None]
    hint = "a field is a const, a match, a register, derived, or saved with save (and loaded with load)"
    if len(given) > 1:
        message = f"{quote(field.name.text)} is {listing(given, 'and')} at once"
        problems.report("field-role", message, field.name.span, hint)
    elif not given and field.load is None:
        message = f"nothing says what {quote(field.name.text)} holds"
        problems.report("field-role", message, field.name.span, hint)
    if field.load and not field.save:
        message = f"{quote(field.name.text)} is loaded, and nothing says what is saved"
        problems.report("field-role", message, field.load.span, "`save` says it; `register` does both")


def _check_const(field: m.LayoutField, problems: Problems) -> None:
    if field.const and field.const.value >> field.bits:
        message = f"{quote(f'{field.const.value:#x}')} doesn't fit into {field.type}"
        problems.report("value-range", message, field.const.span, f"the most is {(1 << field.bits) - 1:#x}")
    if field.count and (field.const or field.match):
        message = f"{quote(field.name.text)} is an array, which can't be compared"
        hint = "only single fields can be a const or a match"
        problems.report("field-role", message, field.count.span, hint)


# Values


def _check_values(field: m.LayoutField, analysis: Analysis, scope: Scope) -> None:
    for formula in (field.match, field.save):
        typed = analysis.value(formula, scope)
        if typed is not None and formula is not None:
            _check_source(field, typed, formula, analysis.problems)
    load, register = analysis.place(field.load, scope), analysis.register(field.register, scope)
    for formula, place in ((field.load, load), (field.register, register)):
        if place is not None and formula is not None:
            _check_place(field, place, formula, analysis.problems)


def _check_source(field: m.LayoutField, typed: t.Typed, formula: m.Formula, problems: Problems) -> None:
    if not typed.type.numeric and typed.type.kind != "bool":
        message = f"a field holds a number, and this is {quote(typed.type.name)}"
        problems.report("type", message, formula.span)
        return
    if field.count:
        _check_array(field, typed, formula, problems)
    largest = most(typed)
    if largest is not None and largest >> field.bits:
        message = f"this has up to {largest.bit_length()} bits, and {quote(field.name.text)} has {field.bits}"
        problems.report("width", message, formula.span)


def _check_array(field: m.LayoutField, typed: t.Typed, formula: m.Formula, problems: Problems) -> None:
    if isinstance(typed, t.Literal) and not typed.value:
        return  # padding
    count = typed.register.count if isinstance(typed, t.Read) and typed.index is None else None
    if count is None:
        message = f"{quote(field.name.text)} is an array, and this is a single value"
        problems.report(
            "width", message, formula.span, "an array is saved from registers with a count, or is 0"
        )
    elif field.count and count.value != field.count.value:
        _counts_differ(field, count, formula, problems)


def _counts_differ(field: m.LayoutField, count: m.Integer, formula: m.Formula, problems: Problems) -> None:
    ours = field.count.value if field.count else 1
    message = f"{quote(field.name.text)} has {ours} elements, and the registers are {count.value}"
    problems.report("width", message, formula.span, related=((count.span, "the registers"),))


def _check_place(field: m.LayoutField, place: t.Typed, formula: m.Formula, problems: Problems) -> None:
    if isinstance(place, t.Read):
        _check_register(field, place, formula, problems)
    elif isinstance(place, t.ReadBits):
        hint = "save and load the register itself; `save: block.register & 0x80` keeps some of its bits"
        problems.report("type", "a field is loaded into a whole register, not into bits", formula.span, hint)
    elif formula is field.register:
        hint = "a value of the context is saved with save, and loaded with load"
        problems.report("type", "this isn't a register", formula.span, hint)
    else:
        _check_kept(field, place, formula, problems)


def _check_kept(field: m.LayoutField, place: t.Typed, formula: m.Formula, problems: Problems) -> None:
    if field.count:
        message = f"{quote(field.name.text)} is an array, and goes into registers with a count"
        problems.report("width", message, formula.span)
    elif place.type.kind not in ("int", "bool"):
        message = f"a field holds a number, and this place a {quote(place.type.name)}"
        problems.report("type", message, formula.span)
    elif place.type.kind == "int" and place.type.bits < field.bits:
        message = f"{quote(field.name.text)} has {field.bits} bits, and this place {place.type.bits}"
        problems.report("width", message, formula.span)


def _check_register(field: m.LayoutField, place: t.Read, formula: m.Formula, problems: Problems) -> None:
    register = place.register
    if register.width != field.bits:
        message = f"{quote(field.name.text)} has {field.bits} bits, and the register {register.width}"
        problems.report("width", message, formula.span, related=((register.name.span, "the register"),))
    if place.index is not None and field.count:
        message = f"{quote(field.name.text)} is an array, and this is one register"
        problems.report("width", message, formula.span)
    elif place.index is None and field.count and register.count is None:
        message = f"{quote(field.name.text)} has {field.count.value} elements, and this is one register"
        problems.report("width", message, formula.span, related=((register.name.span, "the register"),))
    elif register.count and field.count and register.count.value != field.count.value:
        _counts_differ(field, register.count, formula, problems)
    if field.register is formula and register.access != "rw":
        name = quote(register.name.text)
        message = f"{name} can't be both read and written: it is declared `{register.access}`"
        hint = "use save and load, with two registers"
        related = ((register.name.span, "declared here"),)
        problems.report("register-access", message, formula.span, hint, related=related)
