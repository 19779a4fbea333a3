# SPDX-License-Identifier: GPL-2.0-only
"""What debugfs shows of a device: each file is one function, which holds the state lock while it looks."""

from __future__ import annotations

from vfiogen.c import layout as c
from vfiogen.c.text import c_string
from vfiogen.model import spec as m
from vfiogen.model.types import Type
from vfiogen.plan.lower import Body, Lowering
from vfiogen.plan.view import DebugfsFile, DebugfsView, function

# A device is stopped in these, so that what is read of it belongs together.
STOPPED = ("VFIO_DEVICE_STATE_STOP", "VFIO_DEVICE_STATE_STOP_COPY")
PARAMETERS = ["struct seq_file *seq", "void *unused"]


def plan_debugfs(lowering: Lowering, debugfs: m.Debugfs, filling: tuple[str, ...]) -> DebugfsView:
    """Return the view of the files; `filling` are the functions that fill the stream's structure."""
    files = tuple(_file(lowering, one, filling) for one in debugfs.files)
    return DebugfsView(debugfs.directory.text, files, debugfs.dumps("stream"))


def _file(lowering: Lowering, file: m.DebugFile, filling: tuple[str, ...]) -> DebugfsFile:
    prefix = lowering.names.prefix
    body = Body(lowering, lowering.scope, prefix)
    body.local(f"{lowering.names.device} *", prefix, "seq->private")
    if file.dump is None:
        _show(body, file)
    elif file.dump.text == "device":
        _dump_device(body, file, filling)
    else:
        _dump_stream(body, file)
    attribute = f"{prefix}_debug_{file.name}"
    show = function("int", f"{attribute}_show", PARAMETERS, body.lines, origin=file.name.span)
    return DebugfsFile(file.name.text, attribute, show)


def _show(body: Body, file: m.DebugFile) -> None:
    unlock = _lock(body)
    _check_open(body)
    _check_when(body, file)
    for shown in file.values:
        typed = body.lowering.analysis.value(shown.value, body.scope)
        if typed is not None:
            conversion, value = _printed(typed.type, body.value(typed))
            text = c_string(f"{shown.name}: {conversion}\n")
            body.add(c.Expr(f"seq_printf(seq, {text}, {value})"))
    body.finish(unlock, c.Return("0"))


def _printed(kind: Type, value: str) -> tuple[str, str]:
    """Return the conversion of a number, and the value as it fits."""
    if kind.kind == "bool":
        return "%d", value
    if kind.name == "size":
        return "%#zx", value
    if kind.kind == "int" and kind.bits < 64:
        return "%#x", value
    return "%#llx", value if kind.kind == "int" and kind.c == "u64" else f"(u64)({value})"


def _dump_device(body: Body, file: m.DebugFile, filling: tuple[str, ...]) -> None:
    structure = _structure(body)
    body.local(f"{structure} *", "state")
    unlock = _lock(body)
    _check_open(body)
    body.add(c.Comment("The state of a device that runs is in use by the user's driver."))
    body.add(c.If(" && ".join(f"{body.device}->mig_state != {one}" for one in STOPPED), body.leave("-EBUSY")))
    body.add(c.Blank())
    _check_when(body, file)
    by_type = body.lowering.has("kzalloc-obj")
    made = "kzalloc_obj(*state)" if by_type else "kzalloc(sizeof(*state), GFP_KERNEL)"
    body.add(c.Expr(f"state = {made}"), c.If("!state", body.leave("-ENOMEM")), c.Blank())
    free = c.Expr("kfree(state)")
    body.unwinding.append(("err_free", (free,)))
    for name in filling:
        body.attempt(f"{name}({body.device}, state)")
    body.finish(unlock, _dump("state", "sizeof(*state)"), free, c.Return("0"))


def _dump_stream(body: Body, file: m.DebugFile) -> None:
    unlock = _lock(body)
    length = f"{body.device}->last_length"
    body.add(c.If(f"!{length}", body.leave("-ENODATA")), c.Blank())
    _check_when(body, file)
    body.finish(_dump(f"&{body.device}->last_data", length), unlock, c.Return("0"))


def _structure(body: Body) -> str:
    migration = body.lowering.spec.migration
    word = migration.stream.structure if migration else None
    return body.names.structure(word.text) if word else "u8"


def _lock(body: Body) -> c.Stmt:
    """Append what keeps the device as it is, and return what lets it go on."""
    unlock = c.Expr(f"mutex_unlock(&{body.device}->state_mutex)")
    body.add(c.Expr(f"{body.device}_lock_state({body.device})"))
    body.unwinding.append(("err_unlock", (unlock,)))
    return unlock


def _check_open(body: Body) -> None:
    body.add(c.If(f"!{body.device}->opened", body.leave("-ENODEV")), c.Blank())


def _check_when(body: Body, file: m.DebugFile) -> None:
    condition = body.lowering.analysis.condition(file.when, body.scope)
    if condition is not None:
        body.add(c.If(body.negated(condition), body.leave("-ENODATA")), c.Blank())


def _dump(address: str, length: str) -> c.Stmt:
    return c.Expr(f'seq_hex_dump(seq, "", DUMP_PREFIX_OFFSET, 16, 1, {address}, {length}, false)')
