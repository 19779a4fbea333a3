# SPDX-License-Identifier: GPL-2.0-only
"""The comparison of two specs, up to the kind of their stores."""

from __future__ import annotations

from collections.abc import Callable

from vfiogen.compat.layouts import compare_structures
from vfiogen.compat.parent import compare_area, compare_memory, compare_pass_through
from vfiogen.compat.records import compare_records
from vfiogen.compat.verdict import MISREAD, NOTHING, REFUSED, UNSURE, Both, Side
from vfiogen.diagnostics import Problems, Span, quote
from vfiogen.model import spec as m
from vfiogen.records import Record

# By the key of `stream` that says where the data is kept.
STORES: dict[str, Callable[[Side, Side, Problems], Both]] = {
    "structure": compare_structures,
    "memory": compare_memory,
    "pass-through": compare_pass_through,
    "records": compare_records,
    "area": compare_area,
}


class Comparison(Record):
    """What becomes of streams both ways, and the changes of the spec that break them."""

    both: Both
    problems: Problems

    @property
    def compatible(self) -> bool:
        """Whether nothing is known to break either way."""
        return self.both.good


def compare(old: m.Spec, new: m.Spec) -> Comparison:
    """Compare the streams of two specs that have passed the checks.

    There are problems if and only if a stream is refused or misread. Each stands in the new spec, with the
    place in the old one beside it.
    """
    problems = Problems()
    return Comparison(_compare(old, new, problems), problems)


def _compare(old: m.Spec, new: m.Spec, problems: Problems) -> Both:
    if old.migration is None or new.migration is None:
        return _without(old, new, problems)
    one, other = Side(old, old.migration), Side(new, new.migration)
    stores = store_of(one.stream), store_of(other.stream)
    if stores[0] == stores[1]:
        return STORES[stores[0]](one, other, problems)
    return _other_store(one, other, problems)


def store_of(stream: m.Stream) -> str:
    """Return the key of the stream that says where its data is kept."""
    return next(key for key in STORES if getattr(stream, key.replace("-", "_")))


def store_span(stream: m.Stream) -> Span:
    """Return where the stream says where its data is kept."""
    part = stream.structure or stream.memory or stream.area or stream.pass_through
    if stream.records:
        return stream.records[0].name.span
    return part.span if part else stream.span


def _without(old: m.Spec, new: m.Spec, problems: Problems) -> Both:
    """Compare two specs of which at least one has no stream."""
    if old.migration is not None:
        related = ((old.migration.stream.span, "the stream of the old spec"),)
        message = "the driver no longer has `migration`: nothing loads the streams of the old one"
        problems.report("compat-store", message, new.driver.name.span, related=related)
        return Both(REFUSED, NOTHING)
    if new.migration is not None:
        message = "the old driver has no `migration`: it loads no stream"
        hint = "a machine that runs on the new driver can't be moved back to the old one"
        related = ((old.driver.name.span, "the old driver"),)
        problems.report("compat-store", message, new.migration.stream.span, hint, related=related)
        return Both(NOTHING, REFUSED)
    return Both(NOTHING, NOTHING)


def _other_store(old: Side, new: Side, problems: Problems) -> Both:
    message = (
        f"the data is kept in {quote(store_of(new.stream))}, and was in {quote(store_of(old.stream))}: "
        "the one is no stream of the other"
    )
    related = ((store_span(old.stream), "the store of the old spec"),)
    both = Both(_foreign(new), _foreign(old))
    problems.report("compat-store", message, store_span(new.stream), both.sentence(), related=related)
    return both


def _foreign(loader: Side) -> str:
    """What a driver makes of data of another kind: a layout is compared with its constants."""
    word = loader.stream.structure
    layout = loader.spec.layout(word.text) if word else None
    if layout is None:
        return UNSURE
    return REFUSED if any(field.const for field in layout.fields) else MISREAD
