# SPDX-License-Identifier: GPL-2.0-only
"""What is said of a stream by where its data is kept; one function for each kind of store, listed in STORES.

Paragraphs and cells are markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from vfiogen.doc.picture import draw_layout, draw_records, draw_strip
from vfiogen.doc.rst import escaped, literal
from vfiogen.doc.words import expression, listed, sentence, step
from vfiogen.model import spec as m
from vfiogen.model.head import used_in_load
from vfiogen.model.scope import FUNCTIONS
from vfiogen.model.walk import names
from vfiogen.records import Record

Row = tuple[str, ...]


class Store(Record):
    """A stream as the documentation describes it.

    `composed` are paragraphs, `table` the rows below them with a header; `checks` are the safeguards. What is
    done to save in pre-copy and in stop-copy is a command, or words of the driver's own; to get to know what
    must match, to compare and to load, the driver's own words.
    """

    composed: tuple[str, ...]
    checks: tuple[str, ...]
    picture: str
    caption: str
    save: tuple[str, ...] = ()
    pre_copy: tuple[str, ...] = ()
    expect: tuple[str, ...] = ()
    compare: tuple[str, ...] = ()
    load: tuple[str, ...] = ()
    table: tuple[Row, ...] = ()


def describe(spec: m.Spec, migration: m.Migration) -> Store:
    """Return the description of the stream of a spec that has passed the checks."""
    stream = migration.stream
    kind = next(key for key in STORES if getattr(stream, key.replace("-", "_")))
    return STORES[kind](spec, migration)


# A layout


def _describe_structure(spec: m.Spec, migration: m.Migration) -> Store:
    word = migration.stream.structure
    layout = spec.layout(word.text) if word else None
    assert layout is not None
    name = layout.name.text
    what = (
        f"A stream is one structure, {literal(name)} of the spec, of {layout.size} bytes. Its numbers are"
        f" {layout.endian}-endian, and it has no holes. It is filled once the device has stopped, and read"
        " by the user through the file that STOP_COPY opens."
    )
    note = [escaped(sentence(layout.note.text))] if layout.note else []
    return Store(
        composed=(what, *note, *_early(migration), *_availability(spec, layout)),
        table=(("Byte", "Type", "Field", "Saved", "Loaded"), *_rows(layout, migration.stream)),
        checks=tuple(_structure_checks(spec, layout)),
        picture=draw_layout(layout),
        caption=f"The {layout.size} bytes of a stream.",
        save=(f"fills {name}",),
        expect=("reads what must match",) if any(field.match for field in layout.fields) else (),
        compare=("compares the length",),
        load=(f"loads {name}",),
    )


def _rows(layout: m.Layout, stream: m.Stream) -> Iterator[Row]:
    used = used_in_load(stream, layout)
    for field in layout.fields:
        yield _row(layout.end(field.name.text) - field.size, field, field.name.text in used)


def _row(offset: int, field: m.LayoutField, used: bool) -> Row:
    count = f"[{field.count.value}]" if field.count else ""
    note = f"\n{escaped(sentence(field.note.text))}" if field.note else ""
    return (
        str(offset),
        literal(f"{field.type}{count}"),
        literal(field.name.text) + note,
        _saved(field),
        _loaded(field, used),
    )


def _saved(field: m.LayoutField) -> str:
    if field.const:
        value = field.const
        return literal(f"{value.value:#x}" if value.hexadecimal else str(value.value))
    return literal(expression(field.match or field.save or field.register or field.derive))


def _loaded(field: m.LayoutField, used: bool) -> str:
    if field.const or field.match:
        return "must match"
    place = field.load or field.register
    if place:
        return literal(expression(place))
    return "used by the steps of the load" if used else "ignored"


def _availability(spec: m.Spec, layout: m.Layout) -> Iterator[str]:
    """Say which fields the user could reach without migration: those that are registers of BARs."""
    found = {field.name.text: _origin(spec, field) for field in layout.fields}
    for origin in sorted(set(found.values()) - {None, ""}, key=str):
        fields = [name for name, one in found.items() if one == origin]
        yield f"{_literals(fields)} {_are(fields)} made of registers of {origin}."
    others = [name for name, one in found.items() if one == ""]
    if others:
        yield (
            f"{_literals(others)} {_come(others)} from the driver or its parent, not from a register of a BAR"
            " alone."
        )


def _origin(spec: m.Spec, field: m.LayoutField) -> str | None:
    """Return whose registers a field is made of; none for a constant, "" for what is more than registers."""
    found = set(names([f for f in (field.match, field.save, field.register) if f])) - {*FUNCTIONS}
    blocks = [block for block in spec.registers if block.name.text in found]
    if not found:
        return None
    if len(blocks) != len(found):
        return ""
    return listed(dict.fromkeys(_where(spec, block) for block in blocks))


def _where(spec: m.Spec, block: m.RegisterBlock) -> str:
    if block.position:
        return "config space, which vfio-pci filters for the user"
    if not block.bars:
        return "the parent, which the user doesn't reach"
    bars = listed(f"BAR {bar}" for bar in sorted(block.bars))
    if any(_is_changed(spec, bar) for bar in block.bars):
        return f"{bars}, of which the user sees what the driver shows"
    return f"{bars}, which the user reaches through vfio-pci without migration as well"


def _is_changed(spec: m.Spec, bar: int) -> bool:
    return any(region.bar == bar for region in spec.bars)


def _literals(found: Iterable[str]) -> str:
    return listed(map(literal, found))


def _names(fields: Iterable[m.LayoutField]) -> str:
    return _literals(field.name.text for field in fields)


def _are(found: list[str]) -> str:
    return "are" if len(found) > 1 else "is"


def _come(found: list[str]) -> str:
    return "come" if len(found) > 1 else "comes"


def _structure_checks(spec: m.Spec, layout: m.Layout) -> Iterator[str]:
    yield f"A write beyond byte {layout.size} gets -ENOMEM, and nothing of it is kept."
    for fields in layout.compared:
        yield (
            f"{_names(fields)} {_must(fields)} be what this device would save: the write that completes"
            f" the first {layout.end(fields[-1].name.text)} bytes gets -EINVAL otherwise. Nothing is"
            " loaded before that."
        )
    yield from _older(layout)
    yield _refused(spec, layout)
    loaded = [field.name.text for field in layout.fields if _is_loaded(field)]
    if loaded:
        where = ", into registers that the user can write without migration as well"
        yield (
            f"{_literals(loaded)} {_are(loaded)} loaded without a check of"
            f" {'their' if len(loaded) > 1 else 'its'} own{where if _in_registers(spec, layout) else ''}."
        )


def _older(layout: m.Layout) -> Iterator[str]:
    for field in layout.fields:
        for one in field.older:
            lacks = f" that lacks {_literals(word.text for word in one.lacks)}" if one.lacks else ""
            value = literal(f"{one.value.value:#x}")
            yield f"A {literal(field.name.text)} of {value} is taken too: an older stream{lacks}."


def _refused(spec: m.Spec, layout: m.Layout) -> str:
    stream = spec.migration.stream if spec.migration else None
    if stream and stream.lengths:
        lengths = " or ".join(_formula(length) for length in stream.lengths)
        return (
            f"RESUMING -> STOP refuses a stream of other than {lengths} bytes with -EINVAL, before anything"
            f" is loaded. From one of less than {layout.size} bytes nothing is loaded."
        )
    return (
        f"RESUMING -> STOP refuses a stream of less than {layout.size} bytes with -EINVAL, before anything is"
        " loaded."
    )


def _early(migration: m.Migration) -> Iterator[str]:
    """Say which part of a structure is sent before the device has stopped, or without the rest."""
    stream = migration.stream
    if stream.pre_copy and migration.has("pre-copy"):
        length = _formula(stream.pre_copy.length)
        yield f"The first {length} bytes are read while the device is running, and don't change after that."
    if stream.stop_copy:
        yield f"Once it has stopped, a stream has {_formula(stream.stop_copy.length)} bytes."


def _must(found: list[m.LayoutField]) -> str:
    return "must all" if len(found) > 1 else "must"


def _is_loaded(field: m.LayoutField) -> bool:
    return field.load is not None or field.register is not None


def _in_registers(spec: m.Spec, layout: m.Layout) -> bool:
    """Tell whether everything that is loaded goes into registers that the user reaches anyway."""
    blocks = {
        block.name.text for block in spec.bar_blocks if block.bar and not _is_changed(spec, block.bar.value)
    }
    places = [place for field in layout.fields if (place := field.load or field.register)]
    return set(names(places)) <= blocks


# Memory of the parent


def _describe_memory(spec: m.Spec, migration: m.Migration) -> Store:
    stream = migration.stream
    stop, early = stream.stop_copy, stream.pre_copy if migration.has("pre-copy") else None
    composed = [
        f"The data is kept in memory at {_formula(stream.memory)} of {_formula(stream.capacity)} bytes. The"
        " driver moves the bytes to and from the user, and does not look at them.",
    ]
    if early:
        composed.append(
            f"While the device is running, {_produced(early)} produces the first {_formula(early.length)}"
            " bytes. They can be read in PRE_COPY; a read at their end gets -ENOMSG."
        )
    if stop:
        rest = ", of which those that were read in PRE_COPY are not read again" if early else ""
        composed.append(
            f"Once it has stopped, {_produced(stop)} produces the data: {_formula(stop.length)} bytes{rest}."
        )
    strips = [(expression(early.length), "pre-copy")] if early else []
    strips += [(expression(stop.length), "stop-copy")] if stop else []
    return Store(
        composed=tuple(composed),
        checks=tuple(_memory_checks(stream)),
        picture=draw_strip(f"In {expression(stream.memory)}", strips),
        caption="The stream: bytes that the parent understands.",
        save=_command(stop),
        pre_copy=_command(early),
        compare=("compares the length",),
    )


def _produced(produce: m.Produce) -> str:
    return _formula(produce.do) if produce.do else "the parent"


def _command(produce: m.Produce | None) -> tuple[str, ...]:
    return (expression(produce.do),) if produce and produce.do else ()


def _formula(formula: m.Formula | None) -> str:
    return literal(expression(formula))


def _lengths(stream: m.Stream) -> str:
    if stream.any_length:
        why = escaped(sentence(stream.any_length.text))
        return f"A stream may have any length but 0, which RESUMING -> STOP refuses with -EINVAL: {why}"
    lengths = stream.lengths or ((stream.capacity,) if stream.capacity else ())
    return (
        "A stream is refused on RESUMING -> STOP with -EINVAL unless it has"
        f" {' or '.join(_formula(length) for length in lengths)} bytes."
    )


def _judges(stream: m.Stream) -> Iterator[str]:
    judges = [literal(expression(step.formula)) for step in stream.end if step.verb == "do"]
    if judges:
        yield f"What is in the data is judged by {listed(judges)}; an error is that of RESUMING -> STOP."


def _memory_checks(stream: m.Stream) -> Iterator[str]:
    yield f"A write beyond {_formula(stream.capacity)} bytes gets -ENOMEM, and nothing of it is kept."
    if stream.each_write:
        more = f" -{stream.more} asks for more data and is no error; any other" if stream.more else " Any"
        yield (
            f"Each write runs {_formula(stream.each_write)}, which sees all that has arrived.{more} error is"
            " that of the write, and of all that follow."
        )
    yield _lengths(stream)
    yield from _judges(stream)
    produced = [produce.length for produce in (stream.pre_copy, stream.stop_copy) if produce]
    if any(expression(length) not in (expression(stream.capacity), "capacity") for length in produced):
        yield (
            f"When the data is saved, a length beyond {_formula(stream.capacity)} fails with -EIO: no memory"
            " behind the data reaches the user."
        )


# Memory that the device finds by itself


def _describe_area(spec: m.Spec, migration: m.Migration) -> Store:
    stream, area = migration.stream, migration.stream.area
    stop = stream.stop_copy
    assert area is not None
    assert stop is not None
    return Store(
        composed=(
            f"The data lies in memory of the migration file, of up to {_formula(stream.capacity)} bytes."
            f" While a command uses it, it is mapped for DMA of {_formula(area.dma)}, which {_told(area)};"
            " no address is part of the stream. The driver"
            " moves the bytes to and from the user, and does not look at them.",
            f"Once the device has stopped, {_produced(stop)} produces {_formula(stop.length)} bytes.",
        ),
        checks=tuple(_area_checks(stream)),
        picture=draw_strip("In memory that is mapped", [(expression(stop.length), "stop-copy")]),
        caption="The stream: bytes that the firmware understands.",
        save=_command(stop),
        compare=("compares the length",),
    )


_BACKGROUND = (
    "A record is produced after the change of state has returned, and before the next one begins. Until it"
    " is there, a read waits, or returns -EAGAIN with O_NONBLOCK, and poll() says nothing; an error is what"
    " reads return then, but in PRE_COPY: there nothing is added, and the last record is whole."
)


def _told(area: m.Area) -> str:
    """Return how the device learns where the memory is."""
    if area.list:
        return f"is told of the pages by a list of {literal(area.list.structure.text)}"
    return f"is told of the pages by {listed(literal(step(one)) for one in area.attach)}"


def _area_checks(stream: m.Stream) -> Iterator[str]:
    capacity = _formula(stream.capacity)
    yield f"A write beyond {capacity} bytes gets -ENOMEM, and nothing of it is kept."
    yield _lengths(stream)
    yield from _judges(stream)
    yield f"When the data is saved, a length of 0 or beyond {capacity} fails with -EIO."
    yield "Memory that the device has not written is zero: none of the kernel's own reaches the user."


# Data that is passed through


def _describe_passing(spec: m.Spec, migration: m.Migration) -> Store:
    passing = migration.stream.pass_through
    assert passing is not None
    read, write = _formula(passing.read), _formula(passing.write)
    return Store(
        composed=(
            f"The data is the parent's alone. A read of the file runs {read}, a write {write}; the driver"
            " keeps nothing and sees nothing of it.",
        ),
        checks=(
            f"What is in the data is judged by {write}, for each write, and by what RESUMING -> STOP runs.",
            "The parent is told how much the user asked for; what it returns is what the user gets.",
        ),
        picture=draw_strip("With the parent", [(expression(migration.size), "stop-copy")]),
        caption="The stream: bytes that the parent understands.",
    )


# Records


def _describe_records(spec: m.Spec, migration: m.Migration) -> Store:
    stream, record = migration.stream, migration.stream.records[0]
    early = migration.has("pre-copy")
    composed = [
        "A stream is made of records. Each has a header of 16 bytes, little-endian: the length of what"
        " follows,"
        " flags, and a tag that says what it is. Of the flags, bit 0 says that who doesn't know the tag"
        " may skip"
        " the record.",
        f"A record of the tag {record.tag.value}, {literal(record.name.text)}, has what"
        f" {_formula(record.save)}"
        f" puts into memory of the size that {_formula(record.room)} tells. The driver moves the bytes to and"
        " from the user, and does not look at them.",
    ]
    if stream.area:
        composed.append(
            f"While a command uses that memory, it is mapped for DMA of {_formula(stream.area.dma)}, which"
            f" {_told(stream.area)}; no address is part of the stream."
        )
    composed += [_ahead(head) for head in stream.heads]
    composed += [_held(value) for value in stream.files]
    if early:
        again = (
            "; once it has been read, another one follows while the device is running" if record.again else ""
        )
        composed.append(
            "A record with the state of the running device can be read in PRE_COPY, where a read at its"
            " end gets"
            f" -ENOMSG{again}. One with the state of the stopped device follows what has not been read"
            f" by then."
        )
    if record.anew:
        composed.append(
            f"Where {_formula(record.anew)} says that the device has initial data again, a record with that"
            " is produced, and VFIO_PRECOPY_INFO_REINIT tells the user who has opted in to it."
        )
    if stream.background:
        composed.append(_BACKGROUND)
    return Store(
        composed=tuple(composed),
        table=(
            ("Byte", "Type", "Field", "Meaning"),
            ("0", "le64", "length", "bytes behind the header"),
            ("8", "le32", "flags", "bit 0: optional"),
            ("12", "le32", "tag", _tags(stream)),
            *(row for head in stream.heads for row in _head_rows(spec, head)),
        ),
        checks=(*_record_checks(stream, record), *_head_checks(stream)),
        picture=draw_records(_pieces(spec, stream)),
        caption="The records of a stream, each with a header; the last has bytes that the parent understands."
        if stream.heads
        else "A record of the stream: a header, and bytes that the parent understands.",
        save=(expression(record.save),),
        pre_copy=(expression(record.save),) if early else (),
        compare=("looks whether the last record is complete",),
    )


def _tags(stream: m.Stream) -> str:
    return ", ".join(f"{one.tag.value}: {escaped(one.name.text)}" for one in stream.kinds)


def _ahead(head: m.HeadRecord) -> str:
    """Say what a record ahead of the state is for."""
    skipped = ", which may be skipped" if head.optional else ""
    reserve = (
        f" Whoever loads gets {_formula(head.reserve)} bytes ready for the state." if head.reserve else ""
    )
    note = f" {escaped(sentence(head.note.text))}" if head.note else ""
    return (
        f"Ahead of the state goes a record of the tag {head.tag.value}, {literal(head.name.text)}{skipped}:"
        f" the fields of {literal(head.structure.text)}.{reserve}{note}"
    )


def _layout(spec: m.Spec, head: m.HeadRecord) -> m.Layout:
    layout = spec.layout(head.structure.text)
    assert layout is not None
    return layout


def _head_rows(spec: m.Spec, head: m.HeadRecord) -> Iterator[Row]:
    layout = _layout(spec, head)
    for field in layout.fields:
        at, kind = 16 + layout.end(field.name.text) - field.size, field.type.text
        known = kind if kind == "u8" else f"{str(layout.endian)[0]}e{field.bits}"
        count = f"[{field.count.value}]" if field.count else ""
        meaning = f"tag {head.tag.value}: {_saved(field)}"
        yield (str(at), f"{known}{count}", escaped(field.name.text), meaning)


def _pieces(spec: m.Spec, stream: m.Stream) -> Iterator[tuple[str, str]]:
    """Yield the names of records and the lengths of what is in them."""
    for head in stream.heads:
        yield head.name.text, str(_layout(spec, head).size)
    yield stream.records[0].name.text, "length"


def _head_checks(stream: m.Stream) -> Iterator[str]:
    if stream.heads:
        names = _literals(head.name.text for head in stream.heads)
        yield (
            f"{names}: of another length than its fields have, or with another value of a constant, a record"
            " is refused with -EINVAL."
        )
    for head in stream.heads:
        if head.reserve:
            yield (
                f"What {literal(head.name.text)} says of the room is a hint: there is memory for up to"
                f" {_formula(stream.capacity)} bytes, and only once a record of the state comes."
            )


def _held(value: m.FileValue) -> str:
    undo = f" and {_formula(value.undo)} takes back when it is closed" if value.undo else ""
    return (
        f"Each file has {literal(value.name.text)} of the parent, which {_formula(value.save)} gives to"
        f" one that"
        f" saves and {_formula(value.load)} to one that loads{undo}."
    )


def _record_checks(stream: m.Stream, record: m.StreamRecord) -> Iterator[str]:
    yield (
        "A tag that the driver does not know is refused with -EOPNOTSUPP, unless the record is optional: then"
        " its data is skipped."
    )
    yield (
        f"A record of more than {_formula(stream.capacity)} bytes is refused with -ENOMEM, before any"
        f" memory is"
        " had for it; an empty one with -EINVAL."
    )
    yield (
        f"Each complete record is loaded by {_formula(record.load)} as soon as its last byte has arrived; an"
        " error is that of the write, and of everything after it."
    )
    yield (
        "A stream that ends within a record, or has none but skipped ones, is refused on RESUMING ->"
        " STOP with"
        " -EINVAL."
    )
    yield (
        f"When the data is saved, a size of 0 or beyond {_formula(stream.capacity)} fails with -EIO."
        f" Memory that"
        " the parent has not written is zero: none of the kernel's own reaches the user."
    )


STORES: dict[str, Callable[[m.Spec, m.Migration], Store]] = {
    "structure": _describe_structure,
    "memory": _describe_memory,
    "records": _describe_records,
    "area": _describe_area,
    "pass-through": _describe_passing,
}
