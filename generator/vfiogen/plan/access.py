# SPDX-License-Identifier: GPL-2.0-only
"""The driver's own way to the BARs: what is called to read one value, and to write a block."""

from __future__ import annotations

from vfiogen.c import layout as c
from vfiogen.model import typed as t
from vfiogen.plan.lower import PRECEDENCE, TIGHT, Body, Lowering
from vfiogen.plan.view import BarAccessView, Function, function

# What an access knows, by the names of the variables that have it.
KNOWN = {"bar-number": "bar", "offset": "pos"}


def plan_access(lowering: Lowering) -> BarAccessView | None:
    """Return how BARs are read and written, if the spec says so."""
    access = lowering.spec.bar_access
    if access is None:
        return None
    body = Body(lowering, lowering.scope, lowering.names.prefix)
    largest = lowering.analysis.number(access.largest, body.scope)
    limit = body.value(largest, PRECEDENCE["<"]) if largest is not None else "0"
    return BarAccessView(access.shift, limit, _load(lowering), _store(lowering))


def _load(lowering: Lowering) -> Function:
    assert lowering.spec.bar_access is not None
    body = _body(lowering, "count")
    body.substitutes["count"] = ("width", TIGHT)
    typed = lowering.analysis.number(lowering.spec.bar_access.read, body.scope)
    if isinstance(typed, t.Run) and len(typed.command.results) == 1 and typed.type.c == "u64":
        body.run(typed, "data")
    elif typed is not None:
        body.add(c.Expr(f"*data = {body.value(typed)}"))
    body.finish()
    return _function(body, "load", ["u32 width", "u64 *data"])


def _store(lowering: Lowering) -> Function:
    assert lowering.spec.bar_access is not None
    body = _body(lowering, "count", "data")
    body.substitutes |= {"count": ("count", TIGHT), "data": ("data", TIGHT)}
    run = lowering.analysis.action(lowering.spec.bar_access.write, body.scope)
    if run is not None:
        body.run(run)
    body.finish()
    return _function(body, "store", ["void *data", "u32 count"])


def _body(lowering: Lowering, *names: str) -> Body:
    body = Body(lowering, lowering.scope, lowering.names.prefix)
    body.scope = lowering.scope.in_stream(*KNOWN, *names)
    body.substitutes = {name: (variable, TIGHT) for name, variable in KNOWN.items()}
    return body


def _function(body: Body, name: str, more: list[str]) -> Function:
    parameters = [body.names.device_parameter, "unsigned int bar", "u64 pos", *more]
    return function("int", f"{body.names.prefix}_bar_{name}", parameters, body.lines)
