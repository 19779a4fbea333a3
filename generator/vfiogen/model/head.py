# SPDX-License-Identifier: GPL-2.0-only
"""The head of a layout: the part of a stream that is sent before the device stops, or alone."""

from __future__ import annotations

from collections.abc import Iterator

from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.typed import walk


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
