# SPDX-License-Identifier: GPL-2.0-only
"""What is known of device IDs, and the type that it has for all of them."""

from __future__ import annotations

from vfiogen.c import syntax as s
from vfiogen.model import spec as m
from vfiogen.model import types
from vfiogen.model.types import Type


def column_type(spec: m.Spec, name: str) -> Type | None:
    """Return the type of a column: what its calls return, or the narrowest that holds all of its numbers."""
    found = [one.column(name) for one in spec.ids]
    calls = [column.call.tree for column in found if column and column.call]
    if calls:
        tree = calls[0]
        return types.read_type(tree.returns.type) if isinstance(tree, s.KernelCall) else None
    numbers = [column.number.value for column in found if column and column.number]
    return types.integer(max(32, types.holding(max(numbers).bit_length()).bits)) if numbers else None


def function_of(column: m.Column) -> str:
    """Return the function of the kernel that a column calls."""
    tree = column.call.tree if column.call else None
    function = tree.call.function if isinstance(tree, s.KernelCall) else None
    return function.name if isinstance(function, s.Name) else ""
