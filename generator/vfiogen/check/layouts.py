# SPDX-License-Identifier: GPL-2.0-only
"""What fields of a layout say of each other: derived values, and older streams that lack some."""

from __future__ import annotations

from vfiogen.check.steps import may_fail
from vfiogen.diagnostics import Problems, quote, suggestions
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.bounds import most
from vfiogen.model.typed import walk


def check_derived(layout: m.Layout, field: m.LayoutField, analysis: Analysis) -> None:
    """Report a derived field that doesn't follow from other fields alone, or doesn't hold what follows."""
    if field.derive is None:
        return
    others = [one for one in layout.fields if not one.derive]
    known = Scope(analysis.spec).of_image(m.Layout(layout.name, layout.endian, tuple(others), None))
    typed = analysis.number(field.derive, known)
    if typed is None:
        return
    problems, largest = analysis.problems, most(typed)
    if any(isinstance(part, t.Read | t.Run | t.Kept | t.Builtin) for part in walk(typed)):
        hint = f"it follows from other fields, as in `{layout.name}.{others[0].name if others else 'x'} >> 4`"
        problems.report("field-role", "a derived field takes nothing from elsewhere", field.derive.span, hint)
    if any(may_fail(part) for part in walk(typed)):
        message = "this is calculated in a way that can fail"
        problems.report("field-role", message, field.derive.span, "only a number that is small can be added")
    if field.count:
        message = f"{quote(field.name.text)} is an array, and this is a single value"
        problems.report("width", message, field.derive.span)
    if largest is not None and largest >> field.bits:
        message = f"this has up to {largest.bit_length()} bits, and {quote(field.name.text)} has {field.bits}"
        problems.report("width", message, field.derive.span)


def check_older(layout: m.Layout, field: m.LayoutField, problems: Problems) -> None:
    """Report older values that aren't values of this constant, and fields that can't be lacking."""
    if field.older and field.const is None:
        message = f"{quote(field.name.text)} is no constant, so there is no older value of it"
        problems.report("stream-older", message, field.older[0].value.span)
        return
    for one in field.older:
        _check_value(field, one, problems)
        for word in one.lacks:
            _check_lacking(layout, field, word, problems)


def _check_value(field: m.LayoutField, one: m.Older, problems: Problems) -> None:
    if one.value.value >> field.bits:
        message = f"{quote(f'{one.value.value:#x}')} doesn't fit into {field.type}"
        problems.report("value-range", message, one.value.span)
    if field.const and one.value.value == field.const.value:
        problems.report("stream-older", "this is the value of today", one.value.span)


def _check_lacking(layout: m.Layout, field: m.LayoutField, word: m.Word, problems: Problems) -> None:
    other = layout.field(word.text)
    if other is None:
        known = [one.name.text for one in layout.fields]
        message = f"{quote(layout.name.text)} has no field {quote(word.text)}"
        problems.report("unknown-name", message, word.span, *suggestions(word.text, known))
    elif other.load or other.register:
        message = f"{quote(word.text)} is loaded, and an older stream doesn't have it"
        hint = "derive it from other fields, or refuse the older stream"
        problems.report("stream-older", message, word.span, hint)
    elif layout.end(word.text) <= layout.end(field.name.text):
        message = f"{quote(word.text)} stands before {quote(field.name.text)}, which says that it is lacking"
        problems.report("stream-older", message, word.span)
