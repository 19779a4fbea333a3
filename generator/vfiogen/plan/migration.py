# SPDX-License-Identifier: GPL-2.0-only
"""The migration part of a driver: flags, arcs, and the functions around the data.

The arcs are those that vfio_mig_get_next_state() can ask for, given the declared features.
"""

from __future__ import annotations

from vfiogen.c import layout as c
from vfiogen.model import spec as m
from vfiogen.model.arcs import FILE_ARCS, TWINS
from vfiogen.plan.debugfs import plan_debugfs
from vfiogen.plan.lower import Body, Lowering, can_fail
from vfiogen.plan.records import add_size, size_of_file
from vfiogen.plan.transfer import plan_transfer
from vfiogen.plan.view import ArcCase, ArcLabel, Function, MigrationView, function
from vfiogen.records import replace

FLAGS = {"p2p": "VFIO_MIGRATION_P2P", "pre-copy": "VFIO_MIGRATION_PRE_COPY"}


def migration_flags(migration: m.Migration) -> tuple[str, ...]:
    """Return the flags that the device declares."""
    return (
        "VFIO_MIGRATION_STOP_COPY",
        *(flag for name, flag in FLAGS.items() if migration.has(name)),
    )


def plan_migration(lowering: Lowering, migration: m.Migration) -> MigrationView:
    """Return the view of the migration part."""
    transfer = plan_transfer(lowering, migration)
    told = transfer.records is not None and transfer.records.running
    arcs = _Arcs(lowering, migration, told)
    cases = arcs.cases()
    return MigrationView(
        pre_copy=migration.has("pre-copy"),
        flags=migration_flags(migration),
        image=transfer.image,
        capacity=transfer.capacity,
        save=transfer.save,
        load=transfer.load,
        read=transfer.read,
        write=transfer.write,
        on_write=transfer.on_write,
        begin_save=transfer.begin_save,
        begin_load=transfer.begin_load,
        tell_load=transfer.tell_load,
        end_save=transfer.end_save,
        arc_functions=tuple(arcs.functions),
        arcs=cases,
        reset=_reset(lowering, migration),
        data_size=_data_size(lowering, migration),
        area=transfer.area,
        debugfs=plan_debugfs(lowering, migration.debugfs, transfer.filling) if migration.debugfs else None,
        background=migration.stream.background is not None,
        records=transfer.records,
        held=transfer.held,
    )


class _Arcs:
    """The cases of the state machine, and the functions that they need.

    `told` says whether the device is told that pre-copy is given up.
    """

    def __init__(self, lowering: Lowering, migration: m.Migration, told: bool) -> None:
        self.lowering = lowering
        self.migration = migration
        self.told = told
        self.device = lowering.names.prefix
        self.functions: list[Function] = []
        self.named: dict[m.Arc, str] = {}
        self.lost = f"{self.device}_fail({self.device})"

    def cases(self) -> tuple[ArcCase, ...]:
        """Return the cases: the device's own arcs, then those that open, go on with and close files."""
        own = [self._own(arc) for arc in self.migration.arcs if (arc.source, arc.target) not in FILE_ARCS]
        merged: dict[tuple[tuple[str, ...], str | None], ArcCase] = {}
        for case in (*own, *self._file_cases()):
            key = (case.lines, case.comment)
            known = merged.get(key)
            labels = (known.labels if known else ()) + case.labels
            merged[key] = ArcCase(labels, case.lines, case.comment, case.origin)
        return tuple(merged.values())

    def _own(self, arc: m.Arc) -> ArcCase:
        labels = [ArcLabel(arc.source, arc.target)]
        twin = TWINS.get((arc.source, arc.target))
        if twin and self.migration.has("pre-copy"):
            labels.append(ArcLabel(*twin))
        known = len(self.functions)
        lines = self._lines(arc)
        # A function of its own holds the notes of its steps.
        note = arc.steps[0].note if arc.steps and len(self.functions) == known else None
        comment = c.comment(note.text, 2) if note else None
        return ArcCase(tuple(labels), lines, comment, arc.key.span)

    def _lines(self, arc: m.Arc) -> tuple[str, ...]:
        if not arc.steps:
            return ("\t\treturn NULL;",)
        step = arc.steps[0]
        if len(arc.steps) > 1 or step.verb != "do" or step.retry or step.error or step.ignore_error:
            name = self._function(arc)
            return (f"\t\treturn ERR_PTR({name}({self.device}));",)
        body = Body(self.lowering, self.lowering.scope, self.device)
        run = self.lowering.analysis.action(step.formula, self.lowering.scope)
        if run is None:
            return ()
        call = body.invocation(run)
        if body.declarations or body.statements:
            return (f"\t\treturn ERR_PTR({self._function(arc)}({self.device}));",)
        if can_fail(run.command):
            return (c.wrap(f"return ERR_PTR({call});", 2),)
        return (f"\t\t{call};", "\t\treturn NULL;")

    def _function(self, arc: m.Arc) -> str:
        name = f"{self.device}_{arc.source.lower()}_to_{arc.target.lower()}"
        body = Body(self.lowering, self.lowering.scope, self.device, lost=self.lost)
        for step in arc.steps:
            body.step(step)
        body.finish()
        self._add(name, body, arc)
        self.named[arc] = name
        return name

    def _add(self, name: str, body: Body, arc: m.Arc | None) -> None:
        parameter = [self.lowering.names.device_parameter]
        self.functions.append(
            function("int", name, parameter, body.lines, origin=arc.key.span if arc else None)
        )

    def _file_cases(self) -> list[ArcCase]:
        d, pre_copy = self.device, self.migration.has("pre-copy")
        later = ", false" if pre_copy else ""
        cases = [
            _case([("STOP", "STOP_COPY")], f"return {d}_start_saving({d}{later});"),
            _case([("STOP", "RESUMING")], f"return {d}_start_loading({d});"),
            _case([("RESUMING", "STOP")], f"return ERR_PTR({d}_finish_loading({d}));"),
        ]
        over = []
        if self.lowering.spec.arc("STOP_COPY", "STOP"):
            cases.append(_case([("STOP_COPY", "STOP")], f"return ERR_PTR({d}_finish_saving({d}));"))
        else:
            over.append(("STOP_COPY", "STOP"))
        if pre_copy:
            begin = [("RUNNING", "PRE_COPY"), *self._if_p2p("RUNNING_P2P", "PRE_COPY_P2P")]
            cases.append(_case(begin, f"return {d}_start_saving({d}, true);"))
            cases.append(self._stop_and_save())
            given_up = [("PRE_COPY", "RUNNING"), *self._if_p2p("PRE_COPY_P2P", "RUNNING_P2P")]
            if self.told:
                cases.append(_case(given_up, f"return ERR_PTR({d}_give_up_saving({d}));"))
            else:
                over += given_up
        return [*cases, *([_case(over, f"{d}_put_files({d});", "return NULL;")] if over else [])]

    def _if_p2p(self, source: str, target: str) -> list[tuple[str, str]]:
        return [(source, target)] if self.migration.has("p2p") else []

    def _stop_and_save(self) -> ArcCase:
        """PRE_COPY(_P2P) to STOP_COPY stops the device as RUNNING(_P2P) to STOP does, then saves."""
        suffix = "_P2P" if self.migration.has("p2p") else ""
        stop = self._arc(f"RUNNING{suffix}", "STOP")
        start = self._arc("STOP", f"RUNNING{suffix}")
        arc = [(f"PRE_COPY{suffix}", "STOP_COPY")]
        name = f"{self.device}_continue_saving"
        if stop is not None and stop.steps:
            name = self._stopping_function(stop, start)
        elif self.migration.stream.background:
            return _case(arc, f"{name}({self.device});", "return NULL;")
        return _case(arc, f"return ERR_PTR({name}({self.device}));")

    def _stopping_function(self, stop: m.Arc, start: m.Arc | None) -> str:
        name = f"{self.device}_stop_and_save"
        body = Body(self.lowering, self.lowering.scope, self.device, lost=self.lost)
        if start is not None and start.steps:
            self._run(body, stop)
            inner = Body(self.lowering, self.lowering.scope, self.device, lost=self.lost)
            self._undo(inner, start)
            body.declarations |= inner.declarations
            body.unwinding.append(("err_start", tuple(inner.statements)))
        else:
            for step in stop.steps:
                body.step(step)
        go_on = f"{self.device}_continue_saving({self.device})"
        if self.migration.stream.background:
            body.unwinding.clear()
            body.add(c.Expr(go_on))
        else:
            body.attempt(go_on)
        body.finish()
        self._add(name, body, stop)
        return name

    def _run(self, body: Body, arc: m.Arc) -> None:
        """Append what an arc does: a call of its function, if it has one; the opposite arc is its undo."""
        name = self.named.get(arc)
        if name:
            body.attempt(f"{name}({self.device})")
            return
        for step in arc.steps:
            body.step(replace(step, undo=()))

    def _undo(self, body: Body, arc: m.Arc) -> None:
        """Append what an arc does, whatever comes of it."""
        name = self.named.get(arc)
        if name:
            body.add(c.If(f"{name}({self.device})", (c.Expr(self.lost),)))
        else:
            body.undo(arc.steps)

    def _arc(self, source: str, target: str) -> m.Arc | None:
        return next((a for a in self.migration.arcs if (a.source, a.target) == (source, target)), None)


def _case(arcs: list[tuple[str, str]], *lines: str) -> ArcCase:
    return ArcCase(tuple(ArcLabel(*arc) for arc in arcs), tuple(f"\t\t{line}" for line in lines))


def _reset(lowering: Lowering, migration: m.Migration) -> tuple[str, ...]:
    body = Body(lowering, lowering.scope, lowering.names.prefix)
    body.core = f"{body.device}->core_device.pdev"
    body.undo(migration.reset)
    if not body.statements:
        return ()
    if body.declarations:
        body.statements = [c.Block(tuple(body.declarations.values()), tuple(body.statements))]
    return tuple(line.removeprefix("\t") for line in c.print_body((), body.statements, 1).split("\n"))


def _data_size(lowering: Lowering, migration: m.Migration) -> Function:
    device = lowering.names.prefix
    body = Body(lowering, lowering.scope, device)
    if migration.size is None:
        word = migration.stream.structure
        structure = lowering.names.structure(word.text) if word else "u8"
        body.add(c.Expr(f"*length = sizeof({structure})"))
        body.finish()
    elif migration.stream.files:
        size_of_file(body, migration)
    else:
        _locked_size(body, migration, migration.size)
    parameters = ["struct vfio_device *core_vdev", "unsigned long *length"]
    return function("int", f"{device}_get_data_size", parameters, body.lines)


def _locked_size(body: Body, migration: m.Migration, size: m.Formula) -> None:
    device, lowering = body.device, body.lowering
    typed = lowering.analysis.value(size, lowering.scope)
    if typed is None:
        return
    body.local(f"{lowering.names.device} *", device, f"{device}_from_vfio(core_vdev)")
    unlock = c.Expr(f"mutex_unlock(&{device}->state_mutex)")
    body.add(c.Expr(f"{device}_lock_state({device})"))
    body.unwinding.append(("err_unlock", (unlock,)))
    value = body.value(typed)
    if migration.stream.records:
        add_size(body, migration, value)
    else:
        body.add(c.Expr(f"*length = {value}"))
    body.finish(unlock, c.Return("0"))
