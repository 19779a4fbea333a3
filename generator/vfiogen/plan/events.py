# SPDX-License-Identifier: GPL-2.0-only
"""What the driver does at events of its parent."""

from __future__ import annotations

from vfiogen.c import layout as c
from vfiogen.c.names import c_name
from vfiogen.check.events import event_scope, notifier_scope
from vfiogen.model import spec as m
from vfiogen.plan.lower import UNARY, Body, Lowering
from vfiogen.plan.view import Function, function

PARAMETERS = ["struct notifier_block *nb", "unsigned long event", "void *data"]


def plan_events(lowering: Lowering) -> tuple[Function, ...]:
    """Return the function of each notifier."""
    return tuple(_notifier(lowering, one) for one in lowering.spec.events)


def handler_name(lowering: Lowering, notifier: m.Notifier) -> str:
    """Return the name of a notifier's function."""
    return lowering.names.own(f"handle_{notifier.name}")


def _notifier(lowering: Lowering, notifier: m.Notifier) -> Function:
    prefix = lowering.names.prefix
    body = Body(lowering, event_scope(lowering.spec, notifier), prefix)
    member = c_name(notifier.name.text)
    body.local(f"{lowering.names.device} *", prefix, f"container_of(nb, {lowering.names.device}, {member})")
    if notifier.data:
        body.local(f"const {notifier.data} *", "comp", "data")
    body.core = f"{prefix}->core_device.pdev"
    lock = lowering.spec.migration is not None
    if lock:
        body.add(c.Expr(f"{prefix}_lock_state({prefix})"))
    cases = tuple(c.Case((h.event.text,), _handled(body, h)) for h in notifier.handlers)
    body.add(c.Switch("event", cases))
    if lock:
        body.add(c.Expr(f"mutex_unlock(&{prefix}->state_mutex)"))
    body.add(c.Return("NOTIFY_DONE"))
    return function(
        "int",
        handler_name(lowering, notifier),
        PARAMETERS,
        body.lines,
        notifier.note.text if notifier.note else None,
        notifier.name.span,
    )


def _handled(body: Body, handler: m.Handler) -> tuple[c.Stmt, ...]:
    """Return what is done at one event."""
    outer, body.statements = body.statements, []
    body.undo(handler.steps)
    if handler.enter:
        body.add(c.Expr(f"{body.device}_fail({body.device})"))
    inner, body.statements = tuple(body.statements), outer
    condition = body.lowering.analysis.condition(handler.when, body.scope)
    chosen = (c.If(body.value(condition), inner),) if condition is not None and inner else inner
    return (*chosen, *body.apart(lambda: body.undo(handler.always)))


def register_events(body: Body) -> None:
    """Append what asks for events, when everything that they need is there."""
    for notifier in body.lowering.spec.events:
        body.add(c.Expr(f"{_member(body, notifier)}.notifier_call = {handler_name(body.lowering, notifier)}"))
        call = _call(body, notifier, notifier.register)
        body.attempt(call)
        label = f"err_{c_name(notifier.name.text)}"
        body.unwinding.append((label, (c.Expr(_call(body, notifier, notifier.unregister)),)))


def unregister_events(body: Body) -> None:
    """Append what ends the events, before anything that they need goes."""
    for notifier in reversed(body.lowering.spec.events):
        body.add(c.Expr(_call(body, notifier, notifier.unregister)))


def _member(body: Body, notifier: m.Notifier) -> str:
    return f"{body.device}->{c_name(notifier.name.text)}"


def _call(body: Body, notifier: m.Notifier, formula: m.Formula) -> str:
    call = body.lowering.analysis.call(formula, notifier_scope(body.lowering.spec, notifier))
    body.substitutes["notifier"] = (f"&{_member(body, notifier)}", UNARY)
    text = body.kernel_call(call) if call else ""
    del body.substitutes["notifier"]
    return text
