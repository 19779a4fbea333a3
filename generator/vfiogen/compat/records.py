# SPDX-License-Identifier: GPL-2.0-only
"""Streams of records: the tags that are sent and taken, how large a record can be, and what fills it."""

from __future__ import annotations

from vfiogen.compat.meaning import meaning
from vfiogen.compat.verdict import PARENT, REFUSED, UNSURE, Both, Side, decided
from vfiogen.diagnostics import Problems, quote
from vfiogen.model import spec as m


def compare_records(old: Side, new: Side, problems: Problems) -> Both:
    """Compare two streams of records by their tags, which aren't optional."""
    known = {record.tag.value: record for record in old.stream.records}
    found = [Both(PARENT, PARENT), _room(old, new, problems)]
    for record in new.stream.records:
        before = known.pop(record.tag.value, None)
        found.append(_kept(old, new, (before, record), problems) if before else _added(record, old, problems))
    found += [_removed(record, new, problems) for record in known.values()]
    forward, backward = (both.forward for both in found), (both.backward for both in found)
    return Both(decided(forward), decided(backward))


def _added(record: m.StreamRecord, old: Side, problems: Problems) -> Both:
    both = Both(PARENT, REFUSED)
    message = f"a record with the tag {record.tag.value} is sent, which the old driver doesn't know"
    related = tuple((one.name.span, f"it knows {one.tag.value}") for one in old.stream.records)
    hint = "keep the tag of what means the same"
    problems.report("compat-tag", message, record.tag.span, both.sentence(), hint, related=related)
    return both


def _removed(record: m.StreamRecord, new: Side, problems: Problems) -> Both:
    both = Both(REFUSED, PARENT)
    message = f"records with the tag {record.tag.value} aren't taken any more"
    related = ((record.tag.span, "the old driver sends them"),)
    span = new.stream.records[0].name.span
    problems.report("compat-tag", message, span, both.sentence(), related=related)
    return both


def _kept(old: Side, new: Side, records: tuple[m.StreamRecord, m.StreamRecord], problems: Problems) -> Both:
    before, after = records
    if meaning(old.spec, before.save) == meaning(new.spec, after.save):
        return Both(PARENT, PARENT)
    message = f"the data comes from {_text(after.save)}, and came from {_text(before.save)}"
    hint = "if the parent's data is the same, keep the command's name and change what it calls"
    related = ((before.save.span, "where it came from"),)
    problems.report("compat-meaning", message, after.save.span, hint, related=related)
    return Both(UNSURE, UNSURE)


def _text(formula: m.Formula) -> str:
    return quote(formula.scalar.text)


def _room(old: Side, new: Side, problems: Problems) -> Both:
    """A record is as large as the device makes it, up to what its own driver can hold."""
    before, after = old.stream.capacity, new.stream.capacity
    most = [meaning(side.spec, side.stream.capacity) for side in (old, new)]
    if most[0] == most[1] or before is None or after is None:
        return Both(PARENT, PARENT)
    numbers = [one if isinstance(one, int) else 0 for one in most]
    both = Both(
        REFUSED if numbers[1] < numbers[0] else PARENT, REFUSED if numbers[0] < numbers[1] else PARENT
    )
    message = f"a record has up to {_text(after)} bytes, and had {_text(before)}"
    related = ((before.span, "the old limit"),)
    problems.report("compat-length", message, after.span, both.sentence(), related=related)
    return both
