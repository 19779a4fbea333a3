# SPDX-License-Identifier: GPL-2.0-only
"""What is the spec's own in a stream of records: its commands, and what each file has of the parent."""

from __future__ import annotations

from vfiogen.c import layout as c
from vfiogen.c.names import c_name
from vfiogen.model import spec as m
from vfiogen.model.analyse import Scope
from vfiogen.model.bounds import literal
from vfiogen.model.types import read_type
from vfiogen.model.walk import names
from vfiogen.plan.lower import TIGHT, UNARY, Body, Lowering, c_type, can_fail, order_of, to_order
from vfiogen.plan.registers import define
from vfiogen.plan.view import Defines, FileView, Function, RecordsView, function


def plan_tags(lowering: Lowering) -> tuple[Defines, ...]:
    """Return the macros of the header of records."""
    stream = lowering.spec.migration.stream if lowering.spec.migration else None
    if stream is None or not stream.records:
        return ()
    record, macro = stream.records[0], lowering.names.macro
    lines = (
        *(define(tag_macro(lowering, one), str(one.tag.value)) for one in stream.kinds),
        define(macro("record", "optional"), "BIT(0)"),
        define(macro("record", "most"), _most(lowering, stream)),
    )
    said = c.comment("The tags and flags of records, and the largest that is taken.")
    return (Defines(lines, said, record.name.span),)


def tag_macro(lowering: Lowering, record: m.StreamRecord | m.HeadRecord) -> str:
    """Return the macro of a record's tag."""
    return lowering.names.macro("record", record.name.text)


def _most(lowering: Lowering, stream: m.Stream) -> str:
    typed = lowering.analysis.number(stream.capacity, lowering.scope)
    value = literal(typed) if typed is not None else None
    return f"{value:#x}" if value is not None else "0"


def plan_records(lowering: Lowering, migration: m.Migration) -> RecordsView:
    """Return the calls of the one kind of record that there is."""
    stream, record = migration.stream, migration.stream.records[0]
    device = lowering.names.prefix
    file = device if stream.area else f"migf->{device}"
    more = goes_on(lowering, record)
    told = [set(names([formula])) for formula in (record.room, record.save)]
    asked, filled = (_kind(lowering, formula) for formula in (record.room, record.save))
    return RecordsView(
        tag=tag_macro(lowering, record),
        most=lowering.names.macro("record", "most"),
        room=_call(lowering, record.room, device, "&room"),
        save=_save(lowering, stream, device),
        load=_outcome(lowering, record.load) + _call(lowering, record.load, file),
        kinds=(asked, filled),
        prefix=record.prefix.text if record.prefix else None,
        values=tuple(_assignment(lowering, record, value) for value in record.values),
        again=record.again // 1000 if record.again is not None else None,
        asked=_call(lowering, record.room, f"migf->{device}", "&room", running="true"),
        follows=any("follows" in one for one in told),
        running=any("running" in one for one in told),
        anew=_anew(lowering, migration),
        next=more,
    )


def _save(lowering: Lowering, stream: m.Stream, device: str) -> str:
    """Return the call that saves a record to memory of its function's own, or of the file's."""
    record = stream.records[0]
    body = _body(lowering, device)
    if stream.background:
        body.substitutes |= {"pages": ("migf->draft.sgt.sgl", TIGHT), "area": ("&migf->draft.area", UNARY)}
    run = lowering.analysis.action(record.save, body.scope)
    results = ["&length", *(["&next"] if goes_on(lowering, record) else [])]
    return body.invocation(run, *results) if run else "0"


def begins_anew(lowering: Lowering, migration: m.Migration) -> bool:
    """Tell whether a device may have to be saved from the beginning, and the kernel can say so."""
    return lowering.has("precopy-info-v2") and migration.stream.records[0].anew is not None


def _anew(lowering: Lowering, migration: m.Migration) -> str | None:
    """Return the call that asks whether it has to."""
    record = migration.stream.records[0]
    if record.anew is None or not begins_anew(lowering, migration):
        return None
    return _call(lowering, record.anew, f"migf->{lowering.names.prefix}", "&migf->anew")


def goes_on(lowering: Lowering, record: m.StreamRecord) -> bool:
    """Tell whether what saves a record says how much room the rest needs."""
    run = lowering.analysis.action(record.save, _scope(lowering))
    return run is not None and len(run.command.results) > 1


def saved_type(lowering: Lowering, record: m.StreamRecord) -> str:
    """Return the C type of how much a record has, and its rest."""
    return _kind(lowering, record.save)


def asked_type(lowering: Lowering, record: m.StreamRecord) -> str:
    """Return the C type of how much room a record needs."""
    return _kind(lowering, record.room)


def _kind(lowering: Lowering, formula: m.Formula) -> str:
    run = lowering.analysis.action(formula, _scope(lowering))
    return c_type(run.command.results[0]) if run else "u32"


def _scope(lowering: Lowering) -> Scope:
    scope = lowering.scope.with_file().in_stream("pages", "follows", "running")
    stream = lowering.spec.migration.stream if lowering.spec.migration else None
    return scope.with_area() if stream and stream.area else scope


def _body(lowering: Lowering, device: str, running: str | None = None) -> Body:
    body = Body(lowering, _scope(lowering), device, core=f"{device}->core_device.pdev")
    early = lowering.spec.migration is not None and lowering.spec.migration.has("pre-copy")
    body.substitutes |= {
        "pages": ("sgt.sgl", TIGHT),
        "area": ("&area", UNARY),
        "follows": ("migf->follows" if early else "false", TIGHT),
        "running": (running or ("pre_copy" if early else "false"), TIGHT),
    }
    return body


def _call(
    lowering: Lowering, formula: m.Formula, device: str, *results: str, running: str | None = None
) -> str:
    body = _body(lowering, device, running)
    run = lowering.analysis.action(formula, body.scope)
    return body.invocation(run, *results) if run else "0"


def _outcome(lowering: Lowering, formula: m.Formula) -> str:
    """Return what keeps the error of a command, if it can have one."""
    run = lowering.analysis.action(formula, _scope(lowering))
    return "ret = " if run is None or can_fail(run.command) else ""


def _assignment(lowering: Lowering, record: m.StreamRecord, value: m.FieldValue) -> str:
    body = _body(lowering, f"migf->{lowering.names.prefix}")
    field = lowering.analysis.field(str(record.prefix), value.path.text)
    typed = lowering.analysis.number(value.value, body.scope)
    text = body.value(typed) if typed else "0"
    return f"prefix->{value.path} = {to_order(order_of(field), text)}"


def plan_file(lowering: Lowering, stream: m.Stream) -> FileView | None:
    """Return how a file gets what it has of the parent, and loses it."""
    if not stream.files:
        return None
    value, prefix = stream.files[0], lowering.names.prefix
    place = f"&migf->{c_name(value.name.text)}"
    return FileView(
        save=_call(lowering, value.save, prefix, place),
        load=_call(lowering, value.load, prefix, place),
        drop=_drop(lowering, value),
    )


def _drop(lowering: Lowering, value: m.FileValue) -> Function | None:
    if value.undo is None:
        return None
    body = _body(lowering, f"migf->{lowering.names.prefix}")
    run = lowering.analysis.action(value.undo, body.scope)
    body.add(c.Expr(body.invocation(run)) if run else c.Blank())
    lines = (list(body.declarations.values()), body.statements)
    parameters = [f"{lowering.names.file} *migf"]
    return function("void", f"{lowering.names.prefix}_drop_file", parameters, lines, origin=value.name.span)


def add_size(body: Body, migration: m.Migration, data: str) -> None:
    """Append what tells the size of a stream with that much data in its state's records."""
    lowering, stream = body.lowering, migration.stream
    header = f"sizeof(struct {lowering.names.own('record')})"
    ahead = [f"sizeof({lowering.names.structure(head.structure.text)})" for head in stream.heads]
    more = goes_on(lowering, stream.records[0])
    data = _named(body, data) if more else data
    size = " + ".join([*(f"{header} + {one}" for one in ahead), *([] if more else [header]), data])
    body.add(c.Expr(f"*length = {size}"))
    if more:
        body.add(c.Comment("Every record but the last holds a page at least."))
        body.add(c.Expr(f"*length += {header} * DIV_ROUND_UP({data}, PAGE_SIZE)"))
    if migration.has("pre-copy"):
        _add_unread(body, stream)


def _named(body: Body, value: str) -> str:
    """Return a variable with a value that is used twice."""
    if value.isidentifier():
        return value
    name = body.fresh("u64", "total")
    body.add(c.Expr(f"{name} = {value}"))
    return name


def _add_unread(body: Body, stream: m.Stream) -> None:
    """Append what counts the data of the running device, which is read before what comes last."""
    file = body.local(f"{body.lowering.names.file} *", "migf")
    early = f"{file}->pre_copy"
    if stream.background:
        early += f" || ({file}->pending && !{file}->draft.first)"
    unread = c.If(early, (c.Expr(f"*length += {file}->length - {file}->pos"),))
    lock, unlock = (c.Expr(f"mutex_{verb}(&{file}->lock)") for verb in ("lock", "unlock"))
    body.add(c.Expr(f"{file} = {body.device}->saving"), c.If(file, (lock, unread, unlock)), c.Blank())


def size_of_file(body: Body, migration: m.Migration) -> None:
    """Append what asks for the size with what the open file has, or with the same for the time being."""
    lowering, device, value = body.lowering, body.device, migration.stream.files[0]
    name, kind = c_name(value.name.text), read_type(value.type.text)
    body.local(f"{lowering.names.device} *", device, f"{device}_from_vfio(core_vdev)")
    body.local(kind.c if kind else "u32", name)
    body.substitutes["file"] = ("", TIGHT)
    body.scope = body.scope.with_file()
    unlock = c.Expr(f"mutex_unlock(&{device}->state_mutex)")
    body.add(c.Expr(f"{device}_lock_state({device})"))
    body.unwinding.append(("err_unlock", (unlock,)))
    given = body.apart(lambda: body.attempt(_invoked(body, value.save, f"&{name}")))
    kept = c.Expr(f"{name} = {device}->saving->{name}")
    body.add(c.If(f"{device}->saving", (kept,), given), c.Blank())
    run = lowering.analysis.action(migration.size, body.scope)
    asked = run.command.results[0] if run else None
    result = body.local(c_type(asked), c_name(asked.name.text)) if asked else "0"
    body.add(c.Expr(f"{body.ret()} = {_invoked(body, migration.size, f'&{result}')}"))
    if value.undo:
        body.add(c.If(f"!{device}->saving", (c.Expr(_invoked(body, value.undo)),)))
    body.add(c.If("ret", body.leave("ret")), c.Blank())
    add_size(body, migration, result)
    body.finish(unlock, c.Return("0"))


def _invoked(body: Body, formula: m.Formula | None, *results: str) -> str:
    run = body.lowering.analysis.action(formula, body.scope)
    return body.invocation(run, *results) if run else "0"
