# SPDX-License-Identifier: GPL-2.0-only
"""Migration: the arcs that the core will ask for, and the stream."""

from __future__ import annotations

from vfiogen.check.channels import report_unknown
from vfiogen.check.head import check_head
from vfiogen.check.records import check_records
from vfiogen.check.steps import check_errors, check_steps, check_undo, may_fail
from vfiogen.diagnostics import Problems, Span, listing, nearest, quote, suggestions
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.arcs import FILE_ARCS, STATES, device_arcs, pre_copy_arcs
from vfiogen.model.bounds import literal
from vfiogen.model.typed import walk
from vfiogen.model.types import VOID
from vfiogen.records import replace

FEATURES = ("p2p", "pre-copy")
BYTES = ("u8 *", "void *")
# flush_kernel_vmap_range() takes the size as an int.
LARGEST_AREA = 0x7FFFFFFF


def check_migration(spec: m.Spec, analysis: Analysis, scope: Scope) -> None:
    """Report arcs that are missing or can't run, and streams that can't be saved, loaded or refused.

    `scope` is that outside of commands.
    """
    migration = spec.migration
    if migration is None:
        return
    if all(feature.text in FEATURES for feature in migration.features):
        _check_arcs(migration, analysis.problems)
    _check_optional(migration, analysis.problems)
    for arc in migration.arcs:
        check_steps(arc.steps, analysis, scope)
    check_undo(migration.reset, analysis, scope)
    if not migration.stream.files:
        analysis.number(migration.size, scope)
    _Stream(spec, migration, analysis, scope).check()
    for file in migration.debugfs.files if migration.debugfs else ():
        _check_file(migration, file, analysis, scope)


def _check_file(migration: m.Migration, file: m.DebugFile, analysis: Analysis, scope: Scope) -> None:
    """Report a file of debugfs that shows nothing, two things, or what isn't there."""
    analysis.condition(file.when, scope)
    for shown in file.values:
        typed = analysis.value(shown.value, scope)
        if typed is not None and not (typed.type.numeric or typed.type.kind == "bool"):
            message = f"a file shows numbers, and {quote(shown.name.text)} is {quote(typed.type.name)}"
            analysis.problems.report("type", message, shown.value.span)
    if bool(file.values) == bool(file.dump):
        message = f"{quote(file.name.text)} shows {'two things' if file.dump else 'nothing'}"
        analysis.problems.report("debugfs-file", message, file.name.span, "write either `dump` or `show`")
    elif file.dump and migration.stream.structure is None:
        message = "there is no structure to be dumped: the parent knows the data of this stream"
        analysis.problems.report("debugfs-file", message, file.dump.span, "`show` can show values")


# Arcs


def _check_arcs(migration: m.Migration, problems: Problems) -> None:
    wanted = device_arcs(migration.has("p2p"))
    written = {(arc.source, arc.target) for arc in migration.arcs}
    unclear = any(problems.settled(arc.key.span) for arc in migration.arcs)
    for source, target in wanted:
        if (source, target) not in written and not unclear:
            _missing(migration, f"{source} -> {target}", problems)
    for arc in migration.arcs:
        told = (arc.source, arc.target) in FILE_ARCS and arc.steps
        if not told and (arc.source, arc.target) not in wanted:
            _impossible(migration, arc, wanted, problems)


def _check_optional(migration: m.Migration, problems: Problems) -> None:
    """What every kernel has can't be left out where one lacks it."""
    for word in migration.optional:
        if word.text == "p2p":
            problems.report("pre-copy", "every kernel has p2p", word.span, "only pre-copy can be optional")
        elif not migration.has(word.text):
            message = f"{quote(word.text)} isn't among the features"
            problems.report("pre-copy", message, word.span, f"add {quote(word.text)} to features")


def _missing(migration: m.Migration, arc: str, problems: Problems) -> None:
    features = list(dict.fromkeys(f.text for f in migration.features))
    having = f"with {listing(features, 'and')}" if features else "without any features"
    problems.report(
        "arc-missing",
        f"nothing says what is done on {quote(arc)}",
        migration.span,
        f"{having}, the core asks for this arc; write {quote(f'{arc}: none')} if there is nothing to do",
    )


def _impossible(
    migration: m.Migration, arc: m.Arc, wanted: tuple[tuple[str, str], ...], problems: Problems
) -> None:
    names = [f"{source} -> {target}" for source, target in wanted]
    problems.report(
        "arc-impossible",
        f"the core never asks for {quote(arc.key.text)} here",
        arc.key.span,
        _why_impossible(arc, names),
        f"the arcs to write are {listing(names, 'and')}",
    )


def _why_impossible(arc: m.Arc, names: list[str]) -> str:
    pair = (arc.source, arc.target)
    if not set(pair) <= set(STATES):
        meant = " -> ".join(nearest(state, STATES) or "" for state in pair)
        states = listing(STATES[1:], "and")
        return f"did you mean {quote(meant)}?" if meant in names else f"the states are {states}"
    if "ERROR" in pair:
        return "ERROR is no state that user space can ask for, and only a reset leaves it"
    if pair in FILE_ARCS:
        return "the stream says what happens on this one: leave it out, unless the device must be told"
    if pair in pre_copy_arcs(True) or pair in pre_copy_arcs(False):
        return "an arc of PRE_COPY does what its twin among RUNNING, RUNNING_P2P and STOP does"
    if pair in device_arcs(True):
        return "this is an arc of p2p: add `p2p` to features"
    if pair in device_arcs(False):
        return "with `p2p`, the way between RUNNING and STOP leads through RUNNING_P2P"
    return ""


# The stream


class _Stream:
    def __init__(self, spec: m.Spec, migration: m.Migration, analysis: Analysis, scope: Scope) -> None:
        self._spec = spec
        self._migration = migration
        self._stream = migration.stream
        self._analysis = analysis
        self._problems = analysis.problems
        self._plain = scope
        self._saving = scope.in_stream("capacity")
        self._loading = scope.in_stream("loaded", "capacity")
        self._passing = scope.in_stream("data", "count")

    def check(self) -> None:
        stream = self._stream
        found = [
            (name, part.name.span if isinstance(part, m.StreamRecord | m.HeadRecord) else part.span)
            for name, part in (
                ("structure", stream.structure),
                ("memory", stream.memory),
                ("area", stream.area),
                ("pass-through", stream.pass_through),
                ("records", stream.kinds[0] if stream.kinds else None),
            )
            if part is not None
        ]
        for name, span in () if stream.area and stream.records and len(found) == 2 else found[1:]:
            self._store(f"a stream has one store, and this has {quote(found[0][0])} and {quote(name)}", span)
        if not found:
            kinds = "`structure`, a layout of the spec, `memory` of the parent, an `area`, `records`"
            hint = f"add {kinds}, or `pass-through`"
            self._store("nothing says where the data is kept", stream.span, hint)
        elif len(found) == 1 or (stream.area and stream.records and len(found) == 2):
            self._check_store()
        loading = self._loading.with_area() if stream.area else self._loading
        loading = loading.of_image(self._spec.layout(stream.structure.text) if stream.structure else None)
        if stream.background and not stream.records:
            message = "only records are saved in the background"
            self._store(message, stream.background.span, "other data is there at once")
        if stream.saved and stream.structure is None:
            message = "`end` belongs to a structure that is saved"
            self._store(message, stream.saved[0].span, "the command that produces the data can do it")
        check_steps((*stream.begin, *stream.end), self._analysis, loading)

    def _check_store(self) -> None:
        stream = self._stream
        if stream.structure is not None:
            self._check_structure(stream.structure)
        elif stream.memory is not None:
            self._check_memory(stream.memory)
        elif stream.kinds:
            self._check_records()
        elif stream.area is not None:
            self._check_area(stream.area)
        elif stream.pass_through is not None:
            self._check_passing(stream.pass_through)

    def _store(self, message: str, span: Span, hint: str = "") -> None:
        self._problems.report("stream-store", message, span, hint)

    # -- a layout -------------------------------------------------------------------------------------

    def _check_structure(self, word: m.Word) -> None:
        layout = self._spec.layout(word.text)
        if layout is None:
            known = [x.name.text for x in self._spec.layouts]
            hints = suggestions(word.text, known) if known else ("`structures` has no layout",)
            message = f"no layout is called {quote(word.text)}"
            self._problems.report("unknown-name", message, word.span, *hints)
        else:
            _check_matched(layout, self._problems)
            check_head(self._migration, layout, self._analysis)
            self._check_points_of(layout)
        instead = "the fields of the structure say what is saved and loaded"
        self._check_unused(instead, ("capacity", "each-write"))

    def _check_points_of(self, layout: m.Layout) -> None:
        """Check what is done before and after a layout is saved."""
        for produce in (self._stream.pre_copy, self._stream.stop_copy):
            self._check_command(produce.do if produce else None, self._plain)
        check_steps(
            self._stream.saved, self._analysis, replace(self._plain.of_image(layout), may_finish=False)
        )

    def _refuse_pre_copy(self, message: str) -> None:
        for feature in self._migration.features:
            if feature.text == "pre-copy":
                self._problems.report("pre-copy", message, feature.span, "take `pre-copy` out of features")

    # -- memory that the device finds -----------------------------------------------------------------

    def _check_finding(self, area: m.Area) -> None:
        """Check how the device finds the memory."""
        self._check_device(area)
        if area.list:
            self._check_list(area.list)
        if (area.list is None) == (not area.attach):
            message = "the device finds the memory by a `list` or by what `attach` tells it"
            self._store(message, area.span, "say one of them")
        if area.fields and not area.attach:
            message = f"nothing sets {quote(area.fields[0].name.text)}"
            self._store(message, area.fields[0].name.span, "a step of `attach` does")
        check_steps(area.attach, self._analysis, self._plain.in_attach())

    def _check_area(self, area: m.Area) -> None:
        self._check_finding(area)
        if area.attach:
            message = "what is made known to the device by `attach` are records"
            self._store(message, area.span, "write them in `records`")
        self._refuse_pre_copy("the memory is filled only once the device has stopped")
        self._check_capacity("how large the memory can be")
        self._check_size()
        stream = self._stream
        if stream.stop_copy is None:
            self._store("nothing says how the data is saved", stream.span, "add `save: stop-copy` to stream")
        else:
            self._check_command(stream.stop_copy.do, self._saving.with_area())
            self._check_produced(stream.stop_copy.length)
        if stream.each_write:
            message = "`each-write` belongs to a stream in memory of the parent"
            self._store(message, stream.each_write.span, "the device is told of the memory at the end")
        for length in stream.lengths:
            self._analysis.number(length, self._loading)

    def _check_list(self, entries: m.AreaList) -> None:
        structure = entries.structure.text
        for word in (entries.address, entries.length):
            field = self._analysis.field(structure, word.text)
            if field is None:
                report_unknown(self._spec, structure, word, self._problems)
            elif not field.type.numeric:
                message = f"{quote(word.text)} is {quote(field.type.name)}, and an entry holds numbers"
                self._problems.report("type", message, word.span)

    def _check_produced(self, formula: m.Formula) -> None:
        """What is known beforehand must fit."""
        length = self._analysis.number(formula, self._saving)
        capacity = self._analysis.number(self._stream.capacity, self._plain)
        exact, most = (literal(typed) if typed else None for typed in (length, capacity))
        if exact == 0 or (exact is not None and most is not None and exact > most):
            why = "nothing is saved" if exact == 0 else f"the area has room for {most}"
            self._problems.report("value-range", why, formula.span)

    def _check_device(self, area: m.Area) -> None:
        """DMA of the device itself goes through the user's address space."""
        device = self._analysis.value(area.dma, self._plain)
        if device is not None and device.type.name != "struct pci_dev *":
            message = f"memory is mapped for a PCI device, and this is {quote(device.type.name)}"
            self._problems.report("type", message, area.dma.span, "write `parent`")
        elif isinstance(device, t.Builtin) and device.name == "device":
            message = "the addresses of the device itself are those of the user"
            self._store(message, area.dma.span, "map it for the parent, whose firmware moves the data")

    def _check_capacity(self, what: str) -> None:
        stream = self._stream
        if stream.capacity is None:
            self._store(f"nothing says {what}", stream.span, "add `capacity` to stream")
            return
        capacity = self._analysis.number(stream.capacity, self._plain)
        self._check_stable("capacity", capacity, stream.capacity)
        if capacity is not None and literal(capacity) == 0:
            self._store("memory of no size holds nothing", stream.capacity.span)
        if stream.area and capacity is not None and (literal(capacity) or 0) > LARGEST_AREA:
            self._store("an area has less than 2 GiB", stream.capacity.span)

    # -- data of the parent alone ---------------------------------------------------------------------

    def _check_passing(self, passing: m.PassThrough) -> None:
        for formula in (passing.read, passing.write):
            self._analysis.transfer(formula, self._passing)
        self._check_unused("the parent says where the data ends")
        self._refuse_pre_copy("data that is passed through is there only once the device has stopped")
        self._check_size()

    def _check_size(self) -> None:
        if self._migration.size is None:
            hint = "add `size` to migration"
            self._store("nothing says how much data there will be", self._stream.span, hint)

    # -- records --------------------------------------------------------------------------------------

    def _check_records(self) -> None:
        if self._stream.area:
            self._check_finding(self._stream.area)
        self._check_unused("a record says how it is saved and loaded", ("save", "each-write", "lengths"))
        self._check_capacity("how large a record can be")
        self._check_size()
        check_records(self._migration, self._analysis, self._plain)

    # -- parts that belong to one store ---------------------------------------------------------------

    def _check_unused(self, instead: str, only: tuple[str, ...] = ()) -> None:
        """What belongs to memory has no meaning beside another store; `only` names those that are meant."""
        stream = self._stream
        produced = stream.pre_copy or stream.stop_copy
        parts = (
            ("capacity", stream.capacity),
            ("save", produced),
            ("each-write", stream.each_write),
            ("lengths", stream.lengths[0] if stream.lengths else None),
        )
        for name, part in parts:
            if part is not None and (not only or name in only):
                message = f"{quote(name)} belongs to a stream in memory"
                self._store(message, part.span, instead)

    # -- memory of the parent -------------------------------------------------------------------------

    def _check_memory(self, formula: m.Formula) -> None:
        memory = self._analysis.value(formula, self._plain)
        if memory is not None and memory.type.name not in BYTES:
            message = f"memory is a pointer to bytes, and this is {quote(memory.type.name)}"
            self._problems.report("type", message, formula.span, f"declare it as {listing(BYTES)}")
        self._check_stable("memory", memory, formula)
        self._check_capacity("how large the memory is")
        self._check_size()
        self._check_points()
        self._check_load()

    def _check_stable(self, name: str, typed: t.Typed | None, formula: m.Formula) -> None:
        """Both are worked out again at every access, so they must be plain values."""
        if typed is None:
            return
        for node in walk(typed):
            if isinstance(node, t.Read | t.Run) or may_fail(node):
                hint = "keep it in the context, or take a field of the handle"
                self._store(
                    f"{name} must be a plain value: it is worked out at every access", formula.span, hint
                )
                return

    def _check_points(self) -> None:
        stream, migration = self._stream, self._migration
        if stream.stop_copy is None:
            self._store("nothing says how the data is saved", stream.span, "add `save: stop-copy` to stream")
        if migration.has("pre-copy") and stream.pre_copy is None:
            message = "nothing says what is saved in pre-copy"
            self._problems.report("pre-copy", message, stream.span, "add `save: pre-copy` to stream")
        known = all(feature.text in FEATURES for feature in migration.features)
        if stream.pre_copy and known and not migration.has("pre-copy"):
            message = "this is never run: pre-copy isn't among the features"
            self._problems.report("pre-copy", message, stream.pre_copy.span, "add `pre-copy` to features")
        for produce in (stream.pre_copy, stream.stop_copy):
            if produce:
                self._check_command(produce.do, self._saving)
                self._analysis.number(produce.length, self._saving)

    def _check_load(self) -> None:
        stream = self._stream
        check_errors([stream.more], self._problems)
        run = self._check_command(stream.each_write, self._loading)
        if run is not None and stream.more and not may_fail(run):
            message = f"{quote(run.command.name.text)} can't fail: it returns nothing"
            self._problems.report("modifier", message, stream.more.span)
        for length in stream.lengths:
            self._analysis.number(length, self._loading)

    def _check_command(self, formula: m.Formula | None, scope: Scope) -> t.Run | None:
        run = self._analysis.action(formula, scope)
        if run is not None and run.type is not VOID and formula is not None:
            message = f"{quote(run.command.name.text)} has a result, which is lost here"
            hint = "let a command of steps store it, with `set: place = command`, and run that one here"
            self._problems.report("result-lost", message, formula.span, hint)
        return run


def _check_matched(layout: m.Layout, problems: Problems) -> None:
    first = layout.fields[0] if layout.fields else None
    if first is not None and not (first.const or first.match):
        message = f"{quote(layout.name.text)} begins with {quote(first.name.text)}: any data would be taken"
        hint = "begin with a const field, such as a magic number, or a match field"
        problems.report("stream-unmatched", message, first.name.span, hint)
