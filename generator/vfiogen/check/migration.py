# SPDX-License-Identifier: GPL-2.0-only
"""Migration: the arcs that the core will ask for, and the stream."""

from __future__ import annotations

from vfiogen.check.commands import check_steps
from vfiogen.diagnostics import Problems, did_you_mean, listing
from vfiogen.model import spec as m
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.arcs import FILE_ARCS, device_arcs, pre_copy_arcs


def check_migration(spec: m.Spec, analysis: Analysis, problems: Problems) -> None:
    """Report arcs that are missing or can't run, and streams that can't be saved, loaded or refused."""
    migration = spec.migration
    if migration is None:
        return
    scope = Scope(spec)
    _check_arcs(migration, problems)
    for arc in migration.arcs:
        check_steps(arc.steps, analysis, scope)
    check_steps(migration.reset, analysis, scope)
    _check_size(migration, analysis, scope)
    _check_stream(spec, migration, analysis)


def _check_arcs(migration: m.Migration, problems: Problems) -> None:
    wanted = device_arcs(migration.has("p2p"))
    written = {(arc.source, arc.target) for arc in migration.arcs}
    for source, target in wanted:
        if (source, target) not in written:
            _missing(migration, f"{source} -> {target}", problems)
    for arc in migration.arcs:
        if (arc.source, arc.target) not in wanted:
            _impossible(migration, arc, wanted, problems)


def _missing(migration: m.Migration, arc: str, problems: Problems) -> None:
    features = listing((f.text for f in migration.features), "and") if migration.features else "no feature"
    problems.report(
        "arc-missing",
        f"nothing says what {arc} does",
        migration.span,
        f"with {features} the core asks for it; write {arc}: none if there is nothing to do",
    )


def _impossible(
    migration: m.Migration, arc: m.Arc, wanted: tuple[tuple[str, str], ...], problems: Problems
) -> None:
    pair = (arc.source, arc.target)
    names = [f"{source} -> {target}" for source, target in wanted]
    hint = did_you_mean(arc.key.text, names)
    if pair in FILE_ARCS:
        hint = "the stream's save and load say what happens here"
    elif pair in pre_copy_arcs(True) or pair in pre_copy_arcs(False):
        hint = "pre-copy does what its twin among RUNNING, RUNNING_P2P and STOP does"
    elif pair in device_arcs(True):
        hint = "that is an arc of p2p: add it to features"
    elif pair in device_arcs(False):
        hint = "with p2p the way from RUNNING to STOP goes through RUNNING_P2P"
    problems.report(
        "arc-impossible",
        f"{arc.key} is never run here",
        arc.key.span,
        hint,
        f"the arcs are {listing(names, 'and')}",
    )


def _check_size(migration: m.Migration, analysis: Analysis, scope: Scope) -> None:
    typed = analysis.value(migration.size, scope)
    if typed is not None and migration.size and not typed.type.numeric:
        analysis.problems.report(
            "type", f"a size is a number, and this is {typed.type.name}", migration.size.span
        )
    if migration.size is None and migration.stream.memory is not None:
        analysis.problems.report(
            "stream-store",
            "the size of a stream in memory must be said",
            migration.stream.span,
            "add size to migration",
        )


def _check_stream(spec: m.Spec, migration: m.Migration, analysis: Analysis) -> None:
    stream = migration.stream
    if (stream.structure is None) == (stream.memory is None):
        found = "both" if stream.structure else "neither"
        message = f"a stream has one store, structure or memory, and this has {found}"
        analysis.problems.report("stream-store", message, stream.span)
    elif stream.structure is not None:
        _check_structure(spec, migration, stream.structure, analysis)
    else:
        _check_memory(migration, analysis, Scope(spec).in_stream())
    check_steps(stream.end, analysis, Scope(spec).in_stream())


def _check_structure(spec: m.Spec, migration: m.Migration, word: m.Word, analysis: Analysis) -> None:
    stream, problems = migration.stream, analysis.problems
    layout = spec.layout(word.text)
    if layout is None:
        names = [x.name.text for x in spec.layouts]
        problems.report(
            "unknown-name",
            f"no layout is called {word}",
            word.span,
            did_you_mean(word.text, names),
            f"the layouts are {listing(names, 'and')}" if names else "structures has no layout",
        )
    else:
        analysis.used.add(("layout", word.text))
        _check_matched(layout, problems)
    if stream.stop_copy or stream.pre_copy or stream.each_write or stream.capacity:
        message = "a structure is filled and compared by its fields"
        problems.report(
            "stream-store",
            message,
            stream.span,
            "save, each-write and capacity belong to a stream in memory",
        )
    if migration.has("pre-copy"):
        message = "a structure has nothing to send before the device stops"
        problems.report("pre-copy", message, stream.span, "take pre-copy out of features")


def _check_matched(layout: m.Layout, problems: Problems) -> None:
    first = layout.fields[0] if layout.fields else None
    if first is not None and not (first.const or first.match):
        problems.report(
            "stream-unmatched",
            f"{layout.name} begins with {first.name}, which tells it from no other data",
            first.name.span,
            "begin with a const field, such as magic, or a match field",
        )


def _check_memory(migration: m.Migration, analysis: Analysis, scope: Scope) -> None:
    stream, problems = migration.stream, analysis.problems
    memory = analysis.value(stream.memory, scope)
    if memory is not None and stream.memory and memory.type.kind != "pointer":
        problems.report("type", f"memory is a pointer, and this is {memory.type.name}", stream.memory.span)
    if stream.capacity is None:
        problems.report(
            "stream-store",
            "the size of the memory must be said",
            stream.span,
            "add capacity to stream",
        )
    analysis.value(stream.capacity, scope)
    _check_points(migration, problems)
    for produce in (stream.pre_copy, stream.stop_copy):
        if produce:
            analysis.action(produce.do, scope)
            analysis.value(produce.length, scope)
    analysis.action(stream.each_write, scope)
    for length in stream.lengths:
        analysis.value(length, scope)


def _check_points(migration: m.Migration, problems: Problems) -> None:
    stream = migration.stream
    if stream.stop_copy is None:
        problems.report(
            "stream-store", "nothing says how the data is saved", stream.span, "add save: stop-copy"
        )
    if migration.has("pre-copy") and stream.pre_copy is None:
        problems.report(
            "pre-copy", "nothing says what is saved in pre-copy", stream.span, "add save: pre-copy"
        )
    if stream.pre_copy and not migration.has("pre-copy"):
        message = "this is never run: pre-copy isn't among the features"
        problems.report("pre-copy", message, stream.pre_copy.span, "add pre-copy to features")
