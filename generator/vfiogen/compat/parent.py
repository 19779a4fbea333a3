# SPDX-License-Identifier: GPL-2.0-only
"""Streams of the parent: what can be told of data that only the parent understands."""

from __future__ import annotations

from collections.abc import Hashable

from vfiogen.compat.meaning import meaning
from vfiogen.compat.verdict import PARENT, REFUSED, UNSURE, Both, Side, decided
from vfiogen.diagnostics import Problems, Span, quote
from vfiogen.model import spec as m


def compare_pass_through(old: Side, new: Side, problems: Problems) -> Both:
    """Compare two streams that the parent passes through."""
    one, other = old.stream.pass_through, new.stream.pass_through
    if one is None or other is None:
        return Both(PARENT, PARENT)
    return _produced(old, new, one.read, other.read, problems)


def compare_memory(old: Side, new: Side, problems: Problems) -> Both:
    """Compare two streams in memory of the parent: how long they are, and what produces them."""
    stop = [side.stream.stop_copy for side in (old, new)]
    found = [_lengths(old, new, problems), _pre_copy(old, new, problems)]
    if stop[0] and stop[1]:
        found.append(_produced(old, new, stop[0].do, stop[1].do, problems))
    forward, backward = (both.forward for both in found), (both.backward for both in found)
    return Both(decided(forward), decided(backward))


def compare_area(old: Side, new: Side, problems: Problems) -> Both:
    """Compare two streams in memory that the device fills: where it lies isn't in the stream."""
    return compare_memory(old, new, problems)


# What produces the data


def _produced(
    old: Side, new: Side, before: m.Formula | None, after: m.Formula | None, problems: Problems
) -> Both:
    if meaning(old.spec, before) == meaning(new.spec, after):
        return Both(PARENT, PARENT)
    message = f"the data comes from {_text(after)}, and came from {_text(before)}"
    hint = "if the parent's data is the same, keep the command's name and change what it calls"
    related = ((_span(before, old), "where it came from"),)
    problems.report("compat-meaning", message, _span(after, new), hint, related=related)
    return Both(UNSURE, UNSURE)


def _text(formula: m.Formula | None) -> str:
    return quote(formula.scalar.text) if formula else "no command"


def _span(formula: m.Formula | None, side: Side) -> Span:
    if formula:
        return formula.span
    return side.stream.stop_copy.span if side.stream.stop_copy else side.stream.span


# How long it is


def _lengths(old: Side, new: Side, problems: Problems) -> Both:
    both = Both(_fits(old, new), _fits(new, old))
    if not both.good:
        message = f"a stream of {_listed(new)} is taken, and one of {_listed(old)} was"
        if meaning(old.spec, old.stream.capacity) != meaning(new.spec, new.stream.capacity):
            message = f"`capacity` is {_text(new.stream.capacity)}, and was {_text(old.stream.capacity)}"
        hint = "name every length that streams have had in `load: lengths`"
        related = ((_length_span(old), "the old length"),)
        problems.report("compat-length", message, _length_span(new), both.sentence(), hint, related=related)
    return both


def _fits(saver: Side, loader: Side) -> str:
    """Return what becomes of a stream by its length: a driver takes those that it names, or any with room."""
    if loader.stream.any_length:
        return PARENT if _has_room(saver, loader) else REFUSED
    if not saver.stream.any_length and _values(saver, _accepted(saver)) <= _values(loader, _accepted(loader)):
        return PARENT
    produced = saver.stream.stop_copy
    if produced and meaning(saver.spec, produced.length) in _values(loader, _accepted(loader)):
        return PARENT
    return REFUSED


def _has_room(saver: Side, loader: Side) -> bool:
    """Tell whether a stream of one driver is never longer than what the other can hold."""
    produced = saver.stream.stop_copy.length if saver.stream.stop_copy else None
    room = meaning(loader.spec, loader.stream.capacity)
    bounds = [meaning(saver.spec, bound) for bound in (saver.stream.capacity, produced)]
    numbers = [bound for bound in bounds if isinstance(bound, int)]
    return room in bounds or (isinstance(room, int) and any(bound <= room for bound in numbers))


def _accepted(side: Side) -> tuple[m.Formula, ...]:
    """Return the lengths that are taken: those named, or else the capacity."""
    stream = side.stream
    return stream.lengths or ((stream.capacity,) if stream.capacity else ())


def _values(side: Side, formulas: tuple[m.Formula, ...]) -> set[Hashable]:
    """Return what the lengths stand for; the capacity by its own name is the capacity."""
    found = {meaning(side.spec, formula) for formula in formulas}
    return {meaning(side.spec, side.stream.capacity) if value == "capacity" else value for value in found}


def _listed(side: Side) -> str:
    if side.stream.any_length:
        return "any length"
    return " or ".join(quote(formula.scalar.text) for formula in _accepted(side))


def _length_span(side: Side) -> Span:
    if side.stream.any_length:
        return side.stream.any_length.span
    accepted = _accepted(side)
    return accepted[0].span if accepted else side.stream.span


# What it begins with


def _pre_copy(old: Side, new: Side, problems: Problems) -> Both:
    """With pre-copy, the stream begins with data of the running device."""
    one, other = _early(old), _early(new)
    if one == other:
        return Both(PARENT, PARENT)
    both = Both(UNSURE, UNSURE)
    span, was = _early_span(new), _early_span(old)
    message = f"the stream begins {_begins(new)}, and began {_begins(old)}"
    hint = "the parent must load data that begins either way; if it does, say so to those who use the driver"
    problems.report("compat-pre-copy", message, span, hint, related=((was, "in the old spec"),))
    return both


def _early(side: Side) -> Hashable:
    """Return what is saved in pre-copy and how much of it; nothing without pre-copy."""
    early = side.stream.pre_copy
    if early is None or not side.migration.has("pre-copy"):
        return None
    return meaning(side.spec, early.do), meaning(side.spec, early.length)


def _early_span(side: Side) -> Span:
    return side.stream.pre_copy.span if side.stream.pre_copy else side.stream.span


def _begins(side: Side) -> str:
    early = side.stream.pre_copy
    if early is None or not side.migration.has("pre-copy"):
        return "with the data of stop-copy"
    return f"with {quote(early.length.scalar.text)} bytes of pre-copy from {_text(early.do)}"
