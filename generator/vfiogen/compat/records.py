# SPDX-License-Identifier: GPL-2.0-only
"""Streams of records: the tags that are sent and taken, how large a record can be, and what fills it."""

from __future__ import annotations

from vfiogen.compat.layouts import compare_structures
from vfiogen.compat.meaning import meaning
from vfiogen.compat.verdict import MISREAD, PARENT, REFUSED, UNSURE, Both, Side, decided
from vfiogen.diagnostics import Problems, listing, quote
from vfiogen.model import spec as m
from vfiogen.records import replace

Kind = m.HeadRecord | m.StreamRecord


def compare_records(old: Side, new: Side, problems: Problems) -> Both:
    """Compare two streams of records by their tags; one that isn't known is refused, or skipped."""
    known = {record.tag.value: record for record in old.stream.kinds}
    found = [Both(PARENT, PARENT), _room(old, new, problems)]
    for record in new.stream.kinds:
        before = known.pop(record.tag.value, None)
        found.append(_same(old, new, (before, record), problems) if before else _added(record, old, problems))
    found += [_removed(record, new, problems) for record in known.values()]
    forward, backward = (both.forward for both in found), (both.backward for both in found)
    return Both(decided(forward), decided(backward))


def _optional(record: Kind) -> bool:
    return isinstance(record, m.HeadRecord) and record.optional


def _added(record: Kind, old: Side, problems: Problems) -> Both:
    if _optional(record):
        return Both(PARENT, PARENT)
    both = Both(PARENT, REFUSED)
    message = f"a record with the tag {record.tag.value} is sent, which the old driver doesn't know"
    known = listing([str(one.tag.value) for one in old.stream.kinds], "and")
    related = ((old.stream.kinds[-1].name.span, f"it knows {known}"),)
    hint = "keep the tag of what means the same"
    if isinstance(record, m.HeadRecord):
        hint = "a record that is `optional` is skipped by whoever doesn't know it"
    problems.report("compat-tag", message, record.tag.span, both.sentence(), hint, related=related)
    return both


def _removed(record: Kind, new: Side, problems: Problems) -> Both:
    if _optional(record):
        return Both(PARENT, PARENT)
    both = Both(REFUSED, PARENT)
    message = f"records with the tag {record.tag.value} aren't taken any more"
    related = ((record.tag.span, "the old driver sends them"),)
    span = new.stream.records[0].name.span
    problems.report("compat-tag", message, span, both.sentence(), related=related)
    return both


def _same(old: Side, new: Side, records: tuple[Kind, Kind], problems: Problems) -> Both:
    """Compare what one tag stands for in both drivers."""
    match records:
        case (m.StreamRecord() as before, m.StreamRecord() as after):
            return _kept(old, new, (before, after), problems)
        case (m.HeadRecord() as before, m.HeadRecord() as after):
            return _fields(old, new, (before, after), problems)
    both = Both(MISREAD, MISREAD)
    one, other = records
    message = f"the tag {other.tag.value} has another meaning"
    related = ((one.name.span, "what it was"),)
    problems.report("compat-tag", message, other.tag.span, both.sentence(), related=related)
    return both


def _fields(old: Side, new: Side, records: tuple[m.HeadRecord, m.HeadRecord], problems: Problems) -> Both:
    """Compare the layouts of a record, as if each were a stream of its own.

    One that isn't known may be skipped, but one of a known tag that differs is refused.
    """
    before, after = records
    hinted = before.reserve is not None and after.reserve is not None
    sides = (_alone(old, before, hinted), _alone(new, after, hinted))
    return compare_structures(sides[0], sides[1], problems)


def _alone(side: Side, head: m.HeadRecord, hinted: bool) -> Side:
    """Return a side whose stream is the fields of a record; `hinted` if both drivers get memory ready."""
    used = (m.Step("check", head.reserve, head.name.span),) if hinted else ()
    stream = replace(side.stream, structure=head.structure, records=(), heads=(), begin=used, end=())
    return Side(side.spec, replace(side.migration, stream=stream))


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
