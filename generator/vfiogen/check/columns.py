# SPDX-License-Identifier: GPL-2.0-only
"""What is known of device IDs: of each the same, and of one type."""

from __future__ import annotations

from vfiogen.c import syntax as s
from vfiogen.diagnostics import Problems, quote
from vfiogen.model import spec as m
from vfiogen.model.analyse import Analysis, Scope


def check_columns(spec: m.Spec, analysis: Analysis) -> None:
    """Report columns that an ID lacks, calls that need arguments or can fail, and types that differ."""
    for column in spec.columns:
        for one in spec.ids:
            found = one.column(column.name.text)
            if found is None:
                _lacking(one, column, analysis.problems)
            else:
                _check_call(found, analysis, Scope(spec).before_open())
                _check_kind(found, column, analysis.problems)
    for devices in spec.devices:
        for one in devices.lists if spec.columns else ():
            message = "nothing can be known of the IDs of a list"
            hint = "name the IDs in `ids`"
            analysis.problems.report("id-column", message, one.id.span, hint)


def _lacking(one: m.DeviceId, column: m.Column, problems: Problems) -> None:
    message = f"nothing says {quote(column.name.text)} of {quote(one.id.text)}"
    hint = f"write `{{ title: {one.title}, {column.name}: ... }}`"
    related = ((column.name.span, "another ID has it"),)
    problems.report("id-column", message, one.id.span, hint, related=related)


def _check_call(column: m.Column, analysis: Analysis, scope: Scope) -> None:
    call = analysis.call(column.call, scope)
    if call is None or column.call is None:
        return
    if call.arguments or call.failure or call.type.kind not in ("pointer", "int", "bool"):
        message = "a call that belongs to an ID takes nothing and can't fail"
        hint = "write `function() -> struct x *`"
        analysis.problems.report("id-column", message, column.call.span, hint)


def _check_kind(column: m.Column, first: m.Column, problems: Problems) -> None:
    if _kind(column) != _kind(first):
        message = f"{quote(column.name.text)} is of another kind than before"
        related = ((first.name.span, "the first one"),)
        problems.report("id-column", message, column.name.span, related=related)


def _kind(column: m.Column) -> str:
    tree = column.call.tree if column.call else None
    return tree.returns.type if isinstance(tree, s.KernelCall) else "a number"
