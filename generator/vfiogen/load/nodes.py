# SPDX-License-Identifier: GPL-2.0-only
"""The nodes of a spec: scalars, lists and maps with their positions."""

from __future__ import annotations

from collections.abc import Iterator

from vfiogen.diagnostics import Span
from vfiogen.records import Record

Plain = str | int | bool | list["Plain"] | dict[str, "Plain"] | None

_BLANKS = " \t\n"


class Scalar(Record):
    """A scalar: `text` as written (quotes and folds resolved), `value` as the strict rules read it.

    `quoted` is true for every style but the plain one. A value that is missing has an empty span.
    """

    span: Span
    text: str
    value: str | int | bool | None
    quoted: bool = False

    def span_of(self, start: int, end: int) -> Span:
        """Return the span of `text[start:end]`, or of the whole scalar where it can't be mapped.

        Plain, quoted, folded and literal text can be mapped, over lines too.
        Text with escapes can't.
        """
        offsets = self._offsets()
        if not offsets or not 0 <= start <= end <= len(offsets):
            return self.span
        first = offsets[start] if start < len(offsets) else offsets[-1] + 1
        last = offsets[end - 1] + 1 if end > start else first
        return self.span.source.span(first, last)

    def _offsets(self) -> list[int]:
        """Return where each character of the text stands in the source; nothing if that is unknown.

        Folding changes nothing but blanks, so the other characters are matched one by one.
        """
        start, body = self._body()
        visible = [start + i for i, char in enumerate(body) if char not in _BLANKS]
        if [char for char in body if char not in _BLANKS] != [
            char for char in self.text if char not in _BLANKS
        ]:
            return []
        return _spread(self.text, start, visible)

    def _body(self) -> tuple[int, str]:
        """Return what stands between the quotes, or below a block's header, and its offset."""
        source = self.span.source
        start = source.offset(self.span.line, self.span.column)
        raw = source.text[start : source.offset(self.span.end_line, self.span.end_column)]
        if not self.quoted:
            return start, raw
        if raw[:1] in ("|", ">"):
            header, _, body = raw.partition("\n")
            return start + len(header) + 1, body
        return start + 1, raw[1:-1]


def _spread(text: str, start: int, visible: list[int]) -> list[int]:
    """Return an offset for each character of `text`: the next of `visible`, for a blank one on."""
    rest = iter(visible)
    offsets: list[int] = []
    for char in text:
        start = start if char in _BLANKS else next(rest)
        offsets.append(start)
        start += 1
    return offsets


class Sequence(Record):
    """A list."""

    span: Span
    items: tuple[Node, ...]


class Entry(Record):
    """One key of a mapping with its value."""

    key: Scalar
    value: Node


class Mapping(Record):
    """A map, in the order of the file; keys are unique by their text."""

    span: Span
    entries: tuple[Entry, ...]

    def entry(self, key: str) -> Entry | None:
        """Return the entry with the key `key`, or nothing."""
        for entry in self.entries:
            if entry.key.text == key:
                return entry
        return None

    def get(self, key: str) -> Node | None:
        """Return the value of `key`, or nothing."""
        entry = self.entry(key)
        return entry.value if entry else None

    def key(self, key: str) -> Scalar | None:
        """Return the scalar that is the key `key`, or nothing."""
        entry = self.entry(key)
        return entry.key if entry else None

    def __iter__(self) -> Iterator[tuple[Scalar, Node]]:
        return ((e.key, e.value) for e in self.entries)


Node = Scalar | Sequence | Mapping


def plain(node: Node) -> Plain:
    """Return a node as plain data for the JSON Schema; keys are their text."""
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {entry.key.text: plain(entry.value) for entry in node.entries}


def node_at(node: Node, path: list[str | int]) -> Node:
    """Return the node that a path of keys and indices (as jsonschema reports it) leads to.

    Raises LookupError for a path that leads nowhere.
    """
    for step in path:
        match node:
            case Mapping():
                found = node.get(str(step))
            case Sequence():
                found = node.items[int(step)]
            case Scalar():
                found = None
        if found is None:
            raise LookupError(path)
        node = found
    return node
