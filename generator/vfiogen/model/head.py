# SPDX-License-Identifier: GPL-2.0-only
"""The head of a layout: the part of a stream that is sent before the device stops, or alone."""

from __future__ import annotations

from collections.abc import Iterator

from vfiogen.c import syntax as s
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.typed import walk
from vfiogen.model.walk import formulas


def head_of(analysis: Analysis, migration: m.Migration, layout: m.Layout) -> str | None:
    """Return the last field of the head, as the first length that has one says."""
    ends = (extent.field for _, extent in extents(analysis, migration.stream, layout))
    return next((field for field in ends if field is not None), None)


def extents(analysis: Analysis, stream: m.Stream, layout: m.Layout) -> Iterator[tuple[m.Formula, t.Extent]]:
    """Yield what `size` and `end` say of the layout in the lengths of a stream."""
    for formula in lengths(stream):
        typed = analysis.number(formula, Scope(analysis.spec))
        for node in walk(typed) if typed is not None else ():
            if isinstance(node, t.Extent) and node.structure == layout.name.text:
                yield formula, node


def lengths(stream: m.Stream) -> tuple[m.Formula, ...]:
    """Return the lengths that a stream can have, saved and loaded."""
    produced = [one.length for one in (stream.pre_copy, stream.stop_copy) if one]
    return (*produced, *stream.lengths)


def used_in_load(stream: m.Stream, layout: m.Layout) -> frozenset[str]:
    """Return the fields that the steps of a load name, and those that these are derived from."""
    waiting = [formula.tree for formula in formulas((stream.begin, stream.end)) if formula.tree]
    found: set[str] = set()
    while waiting:
        for node in s.walk(waiting.pop()):
            if not isinstance(node, s.Member) or not isinstance(node.base, s.Name):
                continue
            field = layout.field(node.name) if node.base.name == layout.name.text else None
            if field is None or node.name in found:
                continue
            found.add(node.name)
            waiting += [field.derive.tree] if field.derive and field.derive.tree else []
    return frozenset(name for name in found if not _is_derived(layout, name))


def _is_derived(layout: m.Layout, name: str) -> bool:
    field = layout.field(name)
    return field is not None and field.derive is not None
