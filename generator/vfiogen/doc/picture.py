# SPDX-License-Identifier: GPL-2.0-only
"""The bytes of a stream as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vfiogen.doc.svg import NAME_WIDTH, Box, Label, draw, draw_box, draw_label, text_width
from vfiogen.model import spec as m
from vfiogen.records import Value

BYTES = 8  # in a row
_BYTE, _ROW, _LEFT, _TOP = 72, 34, 64, 40


class Segment(Value):
    """A part of a field from a byte of the stream on: in one row, or all of `rows` in a row."""

    field: m.LayoutField
    start: int
    size: int
    rows: int = 1


def segments(layout: m.Layout) -> Iterator[Segment]:
    """Yield the fields cut at the ends of rows; whole rows of one field after another are one segment."""
    offset = 0
    for field in layout.fields:
        left = field.size
        while left:
            whole = left // BYTES if offset % BYTES == 0 else 0
            size = whole * BYTES if whole else min(left, BYTES - offset % BYTES)
            yield Segment(field, offset, size, 2 if whole > 1 else 1)
            offset += size
            left -= size


def draw_layout(layout: m.Layout) -> str:
    """Return the picture of a layout: a row for each 8 bytes, long arrays shortened."""
    parts, y = [], _TOP
    found = list(segments(layout))
    labelled: set[str] = set()
    for at, one in enumerate(found):
        box = _segment_box(one, y, one.field.name.text not in labelled)
        labelled.add(one.field.name.text)
        parts.append(draw_box(box))
        if one.start % BYTES == 0:
            parts.append(draw_label(Label(_LEFT - 10, y + box.height // 2 + 4, str(one.start), "end")))
        if (one.start + one.size) % BYTES == 0 or at == len(found) - 1:
            y += box.height
    parts += [draw_label(Label(_LEFT + _BYTE * at + _BYTE // 2, _TOP - 12, f"+{at}")) for at in range(BYTES)]
    parts += _legend(layout, y + 18)
    return draw((_LEFT + BYTES * _BYTE + 16, y + 56), f"The bytes of {layout.name.text}", parts)


def _segment_box(one: Segment, y: int, named: bool) -> Box:
    x = _LEFT + _BYTE * (one.start % BYTES)
    width = _BYTE * min(one.size, BYTES)
    name = fit(one.field.name.text, width) if named else "…"
    lines = (name, f"{one.size} bytes") if one.rows > 1 else (name,)
    return Box(x, y, width, _ROW + 16 * (one.rows - 1), lines, _kind(one.field))


def fit(name: str, width: int) -> str:
    """Return a name that fits into a width, with its end cut off if it must be."""
    room = int((width - 6) / NAME_WIDTH)
    return name if len(name) <= room else name[: max(room - 1, 1)] + "…"


def _kind(field: m.LayoutField) -> str:
    """Return the class of a field's colours, which the legend explains."""
    if field.const or field.match:
        return "input"
    return "output" if field.load or field.register else ""


_SAID = {"input": "compared", "output": "loaded", "": "ignored when loading"}


def _legend(layout: m.Layout, y: int) -> list[str]:
    kinds = [kind for kind in _SAID if any(_kind(field) == kind for field in layout.fields)]
    boxes = [
        Box(_LEFT + 150 * at, y, 140, 26, (_SAID[kind],), kind, "small") for at, kind in enumerate(kinds)
    ]
    return [draw_box(box) for box in boxes]


def draw_strip(where: str, parts: Iterable[tuple[str, str]]) -> str:
    """Return the picture of data that is only known by its parts: how long each is, and when it is produced.

    The parts begin together: what is produced last takes the place of what was there before.
    """
    found = list(parts)
    width = int(max([320.0, *(NAME_WIDTH * len(length) + 40 for length, _ in found)]))
    left = 110
    out = [draw_label(Label(left, 24, where, "start"))]
    for at, (length, when) in enumerate(found):
        y = 40 + 52 * at
        whole = at == len(found) - 1
        box = Box(
            left, y, width if whole else max(width // 2, int(NAME_WIDTH * len(length)) + 20), 40, (length,)
        )
        out += [draw_box(box), draw_label(Label(left - 12, y + 24, when, "end"))]
    size = (left + max(width, text_width(where)) + 16, 48 + 52 * len(found))
    return draw(size, f"The parts of the stream. {where}", out)


def draw_records(parts: Iterable[tuple[str, str]]) -> str:
    """Return the picture of records in their order: what each is called, and how many bytes are in it."""
    found = list(parts)
    left, header = 110, 84
    width = int(max([160.0, *(NAME_WIDTH * len(length) + 40 for _, length in found)]))
    out = [
        draw_label(Label(left + header // 2, 24, "header")),
        draw_label(Label(left + header + width // 2, 24, "data")),
    ]
    for at, (name, length) in enumerate(found):
        y = 40 + 52 * at
        boxes = (Box(left, y, header, 40, ("16",)), Box(left + header, y, width, 40, (length,)))
        out += [*map(draw_box, boxes), draw_label(Label(left - 12, y + 24, name, "end"))]
    return draw((left + header + width + 16, 48 + 52 * len(found)), "The records of the stream", out)
