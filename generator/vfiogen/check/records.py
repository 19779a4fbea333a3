# SPDX-License-Identifier: GPL-2.0-only
"""Records: the commands that fill and take them, and what each migration file has of the parent."""

from __future__ import annotations

from vfiogen.check.steps import may_fail, returns_error
from vfiogen.diagnostics import quote, suggestions
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.bounds import literal
from vfiogen.model.types import VOID, read_type

_ROLES = {"match": "compared with what the device has", "load": "loaded", "register": "loaded"}
_UNLOADED = "it is a constant, saved, or derived; `reserve` of the record is what is done with it"
_INSTEAD = {
    "match": "a `const` is compared; what depends on the device goes into the state, for the parent to judge",
    "load": _UNLOADED,
    "register": _UNLOADED,
}
# flush_kernel_vmap_range() takes the size as an int; what stands in front of the data belongs to it.
LARGEST = 0x7FFFF000


def check_records(migration: m.Migration, analysis: Analysis, scope: Scope) -> None:
    """Report records that can't be saved or loaded; `scope` is that outside of commands."""
    filed = scope.with_file()
    capacity = analysis.number(migration.stream.capacity, scope)
    most = literal(capacity) if capacity is not None else None
    if migration.stream.capacity and capacity is not None and not 0 < (most or 0) <= LARGEST:
        message = "what a record can have is a number below 2 GiB"
        analysis.problems.report("stream-store", message, migration.stream.capacity.span)
    for value in migration.stream.files:
        _check_file(value, analysis, scope)
    _check_kinds(migration.stream, analysis)
    for head in migration.stream.heads:
        _check_head(head, analysis, scope)
    for record in migration.stream.records:
        asking = filed.in_stream("follows", "running")
        asked = analysis.action(record.room, asking)
        filled = analysis.action(record.save, _moving(migration, filed, "follows", "running"))
        _check_result(asked, record.room, analysis)
        _check_result(filled, record.save, analysis, most=2 if migration.stream.background else 1)
        taken = analysis.action(record.load, _moving(migration, filed))
        if taken is not None and taken.type is not VOID:
            message = f"{_name(taken)} has a result, which is lost here"
            analysis.problems.report("result-lost", message, record.load.span)
        if record.again is not None and not migration.has("pre-copy"):
            message = "`again` is about pre-copy, which isn't among the features"
            analysis.problems.report("pre-copy", message, record.name.span, "add `pre-copy` to features")
        _check_anew(record, analysis, asking)
        _check_prefix(record, analysis, filed)
    if migration.stream.files and migration.size is not None:
        size = analysis.action(migration.size, filed)
        _check_result(size, migration.size, analysis)


def _check_kinds(stream: m.Stream, analysis: Analysis) -> None:
    """Report records that can't be told apart, and more or fewer than one with the state of the device."""
    problems, seen = analysis.problems, dict[int, m.Word]()
    for record in sorted(stream.kinds, key=lambda one: (one.name.span.line, one.name.span.column)):
        first = seen.setdefault(record.tag.value, record.name)
        if first is not record.name:
            message = f"{quote(record.name.text)} has the tag of {quote(first.text)}"
            related = ((first.span, "the first one"),)
            problems.report("stream-store", message, record.tag.span, related=related)
    if not stream.records:
        message = "no record has the state of the device"
        hint = "add one with `room`, `save` and `load`"
        problems.report("stream-store", message, stream.heads[0].name.span, hint)
    for record in stream.records[1:]:
        message = "one kind of record has the state of the device, and this is another one"
        related = ((stream.records[0].name.span, "the first one"),)
        problems.report("stream-store", message, record.name.span, related=related)


def _check_head(head: m.HeadRecord, analysis: Analysis, scope: Scope) -> None:
    layouts = analysis.spec.layouts
    layout = analysis.spec.layout(head.structure.text)
    if layout is None:
        known = [one.name.text for one in layouts]
        message = f"{quote(head.structure.text)} isn't a layout of structures"
        hints = suggestions(head.structure.text, known)
        analysis.problems.report("unknown-name", message, head.structure.span, *hints)
        return
    for field in layout.fields:
        for role, formula in (("match", field.match), ("load", field.load), ("register", field.register)):
            if formula is not None:
                message = f"a field of a record isn't {_ROLES[role]}"
                analysis.problems.report("field-role", message, formula.span, _INSTEAD[role])
    typed = analysis.number(head.reserve, scope.of_image(layout))
    if head.reserve and typed is not None and any(map(may_fail, t.walk(typed))):
        message = "this is calculated in a way that can fail"
        analysis.problems.report("stream-store", message, head.reserve.span, "a field alone can't")


def _moving(migration: m.Migration, scope: Scope, *names: str) -> Scope:
    """Return the scope of what saves or loads a record: in an area, or in pages."""
    if migration.stream.area:
        return scope.in_stream(*names).with_area()
    return scope.in_stream("pages", *names)


def _name(run: t.Run) -> str:
    return quote(run.command.name.text)


def _check_result(run: t.Run | None, formula: m.Formula, analysis: Analysis, most: int = 1) -> None:
    if run is not None and not (run.type.numeric and 0 < len(run.command.results) <= most):
        message = f"{_name(run)} hasn't one result that is a number of bytes"
        analysis.problems.report("type", message, formula.span, "declare it in `results` of the command")
    _check_error(run, formula, analysis)


def _check_error(run: t.Run | None, formula: m.Formula, analysis: Analysis) -> None:
    """Report a command whose results are there whatever happens: who runs it here asks for an error."""
    if run is not None and run.command.results and not returns_error(run.command):
        message = f"{_name(run)} returns nothing, and this asks it for an error"
        hint = "run it in a command of `steps`: that has an error, or 0"
        analysis.problems.report("type", message, formula.span, hint)


def _check_file(value: m.FileValue, analysis: Analysis, scope: Scope) -> None:
    kind = read_type(value.type.text)
    for formula in (value.save, value.load):
        run = analysis.action(formula, scope)
        if run is not None and kind is not None and not (run.command.results and run.type.same(kind)):
            message = f"{_name(run)} doesn't give a {quote(kind.name)} as its result"
            analysis.problems.report("type", message, formula.span)
        _check_error(run, formula, analysis)
    undo = analysis.action(value.undo, scope.with_file())
    if undo is not None and undo.type is not VOID and value.undo:
        message = f"{_name(undo)} has a result, which is lost here"
        analysis.problems.report("result-lost", message, value.undo.span)


def _check_anew(record: m.StreamRecord, analysis: Analysis, scope: Scope) -> None:
    run = analysis.action(record.anew, scope)
    if run is not None and record.anew and not (run.command.results and run.type.kind == "bool"):
        message = f"{_name(run)} doesn't give a bool as its result"
        analysis.problems.report("type", message, record.anew.span)
    if record.anew:
        _check_error(run, record.anew, analysis)


def _check_prefix(record: m.StreamRecord, analysis: Analysis, scope: Scope) -> None:
    for value in record.values if record.prefix else ():
        field = analysis.field(str(record.prefix), value.path.text)
        if field is None:
            message = f"nothing is known of a field {quote(value.path.text)} of {quote(str(record.prefix))}"
            hint = f"structures names the fields of {quote(str(record.prefix))} that are used"
            analysis.problems.report("unknown-name", message, value.path.span, hint)
        analysis.number(value.value, scope)
