# SPDX-License-Identifier: GPL-2.0-only
"""Streams that are a layout: what one driver puts at each byte, and what the other expects there."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from itertools import takewhile

from vfiogen.c import syntax as s
from vfiogen.compat.meaning import meaning
from vfiogen.compat.verdict import LOADS, MISREAD, REFUSED, Both, Side, decided
from vfiogen.diagnostics import Problems, Span, quote
from vfiogen.model import spec as m
from vfiogen.records import Record


class Piece(Record):
    """A field of a layout at its place in the stream; `constant` are its bytes if they never change."""

    field: m.LayoutField
    offset: int
    source: Hashable
    constant: bytes | None

    @property
    def name(self) -> str:
        """The field's name."""
        return self.field.name.text

    @property
    def shape(self) -> tuple[int, int]:
        """The width of an element in bits, and how many there are."""
        return self.field.bits, self.field.count.value if self.field.count else 1

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.offset + self.field.size

    @property
    def is_compared(self) -> bool:
        """Whether it is compared before anything is loaded."""
        return self.field.const is not None or self.field.match is not None

    @property
    def is_loaded(self) -> bool:
        """Whether it is put into the device."""
        return self.field.load is not None or self.field.register is not None


class Image(Record):
    """A layout as a stream; `known` has the bytes that are always the same.

    `alone` is how many bytes of it may be sent without the rest, and `taken` how many are taken so.
    """

    layout: m.Layout
    pieces: tuple[Piece, ...]
    known: tuple[int | None, ...]
    alone: int | None
    taken: int | None

    def at(self, offset: int) -> Piece | None:
        """Return the piece that begins at an offset."""
        return next((piece for piece in self.pieces if piece.offset == offset), None)


def image_of(side: Side) -> Image | None:
    """Return the stream of a side whose store is a layout."""
    word = side.stream.structure
    layout = side.spec.layout(word.text) if word else None
    if layout is None:
        return None
    pieces = tuple(_pieces(side.spec, layout))
    known: list[int | None] = []
    for piece in pieces:
        known += piece.constant if piece.constant is not None else [None] * piece.field.size
    produced = side.stream.stop_copy
    alone = _head(layout, [produced.length] if produced else [])
    return Image(layout, pieces, tuple(known), alone, _head(layout, side.stream.lengths))


def _head(layout: m.Layout, lengths: Iterable[m.Formula]) -> int | None:
    """Return how long a part of the layout is, if lengths name one by its last field."""
    trees = [length.tree for length in lengths if length.tree]
    for node in (node for tree in trees for node in s.walk(tree)):
        match node:
            case s.Call(function=s.Name(name="end"), arguments=[s.Argument(value=s.Member(name=name))]):
                return layout.end(name)
    return None


def _pieces(spec: m.Spec, layout: m.Layout) -> Iterator[Piece]:
    offset = 0
    for field in layout.fields:
        source = meaning(spec, field.match or field.save or field.register or field.derive)
        yield Piece(field, offset, source, _constant(layout, field, source))
        offset += field.size


def _constant(layout: m.Layout, field: m.LayoutField, source: Hashable) -> bytes | None:
    value = field.const.value if field.const else source
    return None if not isinstance(value, int) or field.match else _bytes(layout, field, value)


def _bytes(layout: m.Layout, field: m.LayoutField, value: int) -> bytes:
    masked = value & ((1 << field.bits) - 1)
    element = masked.to_bytes(field.bits // 8, "little" if layout.endian == "little" else "big")
    return element * (field.count.value if field.count else 1)


# What becomes of a stream


def compare_structures(old: Side, new: Side, problems: Problems) -> Both:
    """Compare two streams that are layouts; report what breaks them."""
    one, other = image_of(old), image_of(new)
    if one is None or other is None:
        return Both(LOADS, LOADS)
    both = Both(outcome(one, other), outcome(other, one))
    if not both.good:
        _Explanation(one, other, both, problems).report()
    return both


def outcome(saved: Image, loader: Image) -> str:
    """Return what becomes of a stream in a driver.

    It compares first: the length, constants and matches; nothing is loaded from a stream that it refuses.
    """
    if len(saved.known) != len(loader.known):
        return REFUSED
    if saved.alone is not None and saved.alone != loader.taken:
        return REFUSED
    order = saved.layout.endian == loader.layout.endian
    lacking = set(_lacking(saved, loader))
    wanted = [piece for piece in loader.pieces if piece.name not in lacking]
    taken = (_taken(saved, saved.at(piece.offset), piece, order) for piece in wanted)
    lost = (_lost(loader, piece) for piece in saved.pieces)
    return decided([*taken, *lost])


def _lacking(saved: Image, loader: Image) -> Iterator[str]:
    """Yield the fields that a driver doesn't look at, and the constants that it takes, in an older stream."""
    for piece in loader.pieces:
        for one in piece.field.older:
            old = _bytes(loader.layout, piece.field, one.value.value)
            if saved.known[piece.offset : piece.end] == tuple(old):
                yield piece.name
                yield from (word.text for word in one.lacks)


def _taken(saved: Image, piece: Piece | None, wanted: Piece, order: bool) -> str:
    """Return what a driver makes of the bytes where it has a piece; `order` tells if both have one order."""
    same = piece is not None and _same(piece, wanted) and (order or wanted.field.bits == 8)
    if wanted.field.const is not None:
        equal = saved.known[wanted.offset : wanted.end] == tuple(wanted.constant or b"")
        return LOADS if equal else REFUSED
    if wanted.is_compared:
        return LOADS if same else REFUSED
    if wanted.is_loaded:
        equal = wanted.constant is not None and piece is not None and piece.constant == wanted.constant
        return LOADS if same or equal else MISREAD
    return LOADS


def _lost(loader: Image, piece: Piece) -> str:
    """A piece that its own driver loads must not be ignored by the other."""
    other = loader.at(piece.offset)
    ignored = other is None or not (other.is_loaded or other.is_compared)
    return MISREAD if piece.is_loaded and ignored else LOADS


def _same(one: Piece, other: Piece) -> bool:
    """Tell whether two pieces have the same form and stand for the same."""
    return one.shape == other.shape and one.source == other.source


# What breaks it


class _Explanation:
    """Finds the changes that explain why a stream isn't loaded; what only follows from one isn't told."""

    def __init__(self, old: Image, new: Image, both: Both, problems: Problems) -> None:
        self._old = old
        self._new = new
        self._both = both
        self._problems = problems

    def report(self) -> None:
        if self._constants():
            return
        self._heads()
        self._order()
        pairs = self._pairs()
        kept = self._kept([(one.name, other.name) for one, other in pairs])
        for one, other in pairs:
            if (one.name, other.name) in kept:
                self._content(one, other)
            else:
                self._moved(one, other)
        self._added([piece for piece in self._new.pieces if all(piece is not other for _, other in pairs)])
        self._removed([piece for piece in self._old.pieces if all(piece is not one for one, _ in pairs)])

    # -- what may be sent alone -----------------------------------------------------------------------

    def _heads(self) -> None:
        for saved, loader in ((self._old, self._new), (self._new, self._old)):
            if saved.alone is not None and saved.alone != loader.taken:
                message = f"{saved.alone} bytes may be sent alone, and the other driver refuses them"
                related = ((self._old.layout.name.span, "the old layout"),)
                hint = "name its end in `load: lengths`"
                self._report("compat-length", message, self._new.layout.name.span, related, hint)
                return

    # -- constants ------------------------------------------------------------------------------------

    def _constants(self) -> bool:
        """Report constants that differ in one place: whatever else differs, the streams are told apart."""
        found = False
        for piece in self._new.pieces:
            other = self._old.at(piece.offset)
            if other and self._differ(other, piece):
                self._constant(other, piece)
                found = True
        return found

    def _differ(self, one: Piece, other: Piece) -> bool:
        """Tell whether two pieces are constants of one place with different values."""
        values = one.field.const, other.field.const
        if values[0] is None or values[1] is None or one.shape != other.shape:
            return False
        return values[0].value != values[1].value and one.constant != other.constant

    def _constant(self, old: Piece, new: Piece) -> None:
        assert old.field.const is not None
        assert new.field.const is not None
        message = f"{quote(new.name)} is {_value(new)}, and was {_value(old)}"
        related = ((old.field.const.span, "the old value"),)
        hint = (
            "a new value is how a changed layout is told apart"
            if self._both.forward == self._both.backward == REFUSED
            else ""
        )
        self._report("compat-constant", message, new.field.const.span, related, hint)

    # -- fields ---------------------------------------------------------------------------------------

    def _order(self) -> None:
        old, new = self._old.layout, self._new.layout
        if old.endian != new.endian and any(piece.field.bits > 8 for piece in self._new.pieces):
            message = f"{quote(new.name.text)} is {new.endian}-endian, and was {old.endian}-endian"
            related = ((old.name.span, "the old layout"),)
            self._report("compat-byte-order", message, new.name.span, related, self._way())

    def _pairs(self) -> list[tuple[Piece, Piece]]:
        """Return the fields that both have, in the new order: of one name, or of one place and content."""
        by_name = {piece.name: piece for piece in self._old.pieces}
        names = {piece.name for piece in self._new.pieces}
        pairs = []
        for piece in self._new.pieces:
            other = by_name.get(piece.name)
            if other is None:
                there = self._old.at(piece.offset)
                other = there if there and there.name not in names and _alike(there, piece) else None
            if other is not None:
                pairs.append((other, piece))
        return pairs

    def _kept(self, names: list[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return the pairs that are in the same order in both; the others have moved."""
        from difflib import SequenceMatcher

        by_old = dict(names)
        old = [(piece.name, by_old[piece.name]) for piece in self._old.pieces if piece.name in by_old]
        blocks = SequenceMatcher(None, old, names, autojunk=False).get_matching_blocks()
        return {pair for block in blocks for pair in old[block.a : block.a + block.size]}

    def _moved(self, old: Piece, new: Piece) -> None:
        message = f"{quote(new.name)} has moved: it lies at byte {new.offset}, and lay at byte {old.offset}"
        self._field(message, old.field.name.span, new.field.name.span)

    def _content(self, old: Piece, new: Piece) -> None:
        """Report a field that has stayed where it was among the others, and isn't the same."""
        if old.shape != new.shape:
            message = f"{quote(new.name)} is {_form(new)}, and was {_form(old)}{self._shift(old, new)}"
            self._field(message, old.field.type.span, new.field.type.span)
        elif not _alike(old, new) and (_harms(old, new) or _harms(new, old)):
            message = f"{quote(new.name)} holds {_content(new)}, and held {_content(old)}"
            related = ((_source_span(old), "what it held"),)
            self._report("compat-meaning", message, _source_span(new), related, self._way())

    def _shift(self, old: Piece, new: Piece) -> str:
        by = new.field.size - old.field.size
        if not by or new is self._new.pieces[-1]:
            return ""
        return f"; what follows lies {abs(by)} bytes further {'on' if by > 0 else 'ahead'}"

    def _added(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            message = f"{quote(piece.name)}, {_form(piece)} at byte {piece.offset}, is new in the stream"
            self._field(message, self._old.layout.name.span, piece.field.name.span, "the old layout")

    def _removed(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            message = (
                f"{quote(piece.name)}, {_form(piece)} at byte {piece.offset}, is no longer in the stream"
            )
            self._field(message, piece.field.name.span, self._new.layout.name.span)

    def _field(self, message: str, old: Span, new: Span, said: str = "in the old layout") -> None:
        self._report("compat-field", message, new, ((old, said),), self._way())

    def _report(
        self, code: str, message: str, span: Span, related: tuple[tuple[Span, str], ...], hint: str
    ) -> None:
        self._problems.report(code, message, span, self._both.sentence(), hint, related=related)

    def _way(self) -> str:
        """Say how such a change is made."""
        version = version_of(self._new.layout)
        if version is None or version.const is None:
            return (
                "begin the layout with a const, such as a magic number or a version: it tells layouts apart"
            )
        value = version.const.value + 1
        written = f"{value:#x}" if version.const.hexadecimal else str(value)
        return f"give {quote(version.name.text)} a new value with the layout, such as `{written}`"


def version_of(layout: m.Layout) -> m.LayoutField | None:
    """Return the constant at the beginning of a layout that best tells it from another: a version, if any."""
    leading = takewhile(lambda field: field.const or field.match, layout.fields)
    constants = [field for field in leading if field.const]
    named = [field for field in constants if "version" in field.name.text]
    return next(reversed(named or constants), None)


def _alike(one: Piece, other: Piece) -> bool:
    """Tell whether two pieces hold the same and are used alike."""
    roles = [(piece.is_compared, piece.is_loaded, piece.constant) for piece in (one, other)]
    return _same(one, other) and roles[0] == roles[1]


def _harms(saved: Piece, wanted: Piece) -> bool:
    """Tell whether a driver that wants one piece can't use another in its place."""
    if wanted.field.const is not None:
        return saved.field.const is None or saved.field.const.value != wanted.field.const.value
    ignored = not (wanted.is_loaded or wanted.is_compared)
    return saved.is_loaded if ignored else not _same(saved, wanted)


def _form(piece: Piece) -> str:
    count = f"[{piece.field.count.value}]" if piece.field.count else ""
    return f"{piece.field.type}{count}"


def _value(piece: Piece) -> str:
    assert piece.field.const is not None
    value = piece.field.const
    return quote(f"{value.value:#x}" if value.hexadecimal else str(value.value))


def _content(piece: Piece) -> str:
    """Say what a piece holds."""
    field = piece.field
    if field.const:
        return f"the constant {_value(piece)}"
    formula = field.match or field.save or field.register
    return quote(formula.scalar.text) if formula else "nothing"


def _source_span(piece: Piece) -> Span:
    field = piece.field
    part = field.const or field.match or field.save or field.register
    return part.span if part else field.name.span
