# SPDX-License-Identifier: GPL-2.0-only
"""What the driver does on each arc of the migration state machine, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vfiogen.doc import words
from vfiogen.doc.stores import Store
from vfiogen.model import spec as m
from vfiogen.model.arcs import FILE_ARCS, device_arcs, pre_copy_arcs
from vfiogen.records import Record, Value


class Action(Value):
    """One thing that is done: a step of the spec (`code`), or a part of the driver's own."""

    text: str
    code: bool = True
    more: tuple[str, ...] = ()
    note: str = ""


class ArcActions(Record):
    """An arc and what is done on it."""

    source: str
    target: str
    actions: tuple[Action, ...]

    @property
    def name(self) -> str:
        """The arc as a spec names it."""
        return f"{self.source} -> {self.target}"


def arcs_of(spec: m.Spec, migration: m.Migration, store: Store) -> tuple[ArcActions, ...]:
    """Return every arc that the core can ask the driver for: the device's own first, then those of files."""
    p2p = migration.has("p2p")
    early = pre_copy_arcs(p2p) if migration.has("pre-copy") else ()
    found = (*device_arcs(p2p), *early, *sorted(FILE_ARCS, key=_FILES.index))
    return tuple(ArcActions(*arc, tuple(_actions(spec, store, *arc))) for arc in found)


_FILES = (("STOP", "STOP_COPY"), ("STOP_COPY", "STOP"), ("STOP", "RESUMING"), ("RESUMING", "STOP"))


def _actions(spec: m.Spec, store: Store, source: str, target: str) -> Iterator[Action]:
    """Yield what is done on an arc. PRE_COPY states do to the device what the states do that they go with."""
    plain = source.replace("PRE_COPY", "RUNNING"), target.replace("PRE_COPY", "RUNNING")
    if target == "STOP_COPY" and source != "STOP":
        yield from (*_steps(spec.arc(plain[0], "STOP")), *_steps(spec.arc("STOP", "STOP_COPY")))
        yield from _save(store.save)
    elif plain[0] != plain[1]:
        yield from _with_file(spec, store, source, target)
    elif "PRE_COPY" in target:
        yield _OPEN
        yield from _save(store.pre_copy)
    else:
        yield _CLOSE


def _with_file(spec: m.Spec, store: Store, source: str, target: str) -> Iterator[Action]:
    own = _steps(spec.arc(*(state.replace("PRE_COPY", "RUNNING") for state in (source, target))))
    match source, target:
        case "STOP", "STOP_COPY":
            yield from (_OPEN, *own, *_save(store.save))
        case "STOP_COPY", "STOP":
            yield from (*own, _CLOSE)
        case "STOP", "RESUMING":
            yield from (_OPEN, *_own(store.expect), *own)
        case "RESUMING", "STOP":
            yield from (*_load(spec, store), *own, _CLOSE)
        case _:
            yield from own


_OPEN = Action("opens the file", code=False)
_CLOSE = Action("closes the file", code=False)


def _own(said: tuple[str, ...]) -> Iterator[Action]:
    return (Action(text, code=False) for text in said)


def _save(said: tuple[str, ...]) -> Iterator[Action]:
    return (Action(text, code="(" in text or " " not in text) for text in said)


def _load(spec: m.Spec, store: Store) -> Iterator[Action]:
    stream = spec.migration.stream if spec.migration else None
    yield from _own(store.compare)
    yield from _steps(stream.begin if stream else ())
    yield from _own(store.load)
    yield from _steps(stream.end if stream else ())


def _steps(steps: Iterable[m.Step]) -> Iterator[Action]:
    for step in steps:
        note = step.note.text if step.note else ""
        yield Action(words.step(step), more=tuple(words.modifiers(step)), note=note)
