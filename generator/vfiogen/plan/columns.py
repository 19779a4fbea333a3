# SPDX-License-Identifier: GPL-2.0-only
"""What is known of device IDs: a structure, and an element of it for each ID."""

from __future__ import annotations

from vfiogen.c import layout as c
from vfiogen.c.names import c_name
from vfiogen.model import spec as m
from vfiogen.model.columns import column_type, function_of
from vfiogen.plan.lower import Lowering
from vfiogen.plan.view import IdData


def plan_columns(lowering: Lowering, table: tuple[str, ...]) -> IdData | None:
    """Return the structure, the elements and the table of IDs that refers to them."""
    spec = lowering.spec
    if not spec.columns:
        return None
    members = tuple(_member(spec, column) for column in spec.columns)
    values = tuple(line for one in spec.ids for line in _values(spec, one))
    return IdData(members, values, table)


def _member(spec: m.Spec, column: m.Column) -> str:
    kind = column_type(spec, column.name.text)
    name = c_name(column.name.text)
    spelling = kind.c if kind else "u32"
    return c.declare(spelling, f"(*{name})(void)" if column.call else name)


def _values(spec: m.Spec, one: m.DeviceId) -> tuple[str, ...]:
    found = (one.column(column.name.text) for column in spec.columns)
    lines = (f"\t\t.{c_name(x.name.text)} = {_value(x)}," for x in found if x)
    return ("\t{", *lines, "\t},")


def _value(column: m.Column) -> str:
    if column.number is None:
        return function_of(column)
    return f"{column.number.value:#x}" if column.number.hexadecimal else str(column.number.value)
