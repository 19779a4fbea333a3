# SPDX-License-Identifier: GPL-2.0-only
"""What is settled once the device is open: where registers lie, and values of the context."""

from __future__ import annotations

from vfiogen.c import layout as c
from vfiogen.c.names import c_name
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.settled import in_order
from vfiogen.plan.lower import Body


def settle_at_open(body: Body) -> None:
    """Append what stores these, each after what it depends on."""
    found = in_order(body.lowering.spec, body.lowering.analysis.reach)
    for one in found:
        typed = _typed(body, one)
        if typed is not None:
            body.add(c.Expr(f"{body.device}->{c_name(one.name.text)} = {body.value(typed)}"))
    if found:
        body.add(c.Blank())


def _typed(body: Body, one: m.RegisterBlock | m.ContextValue) -> t.Typed | None:
    if isinstance(one, m.RegisterBlock):
        return body.lowering.analysis.value(one.base, body.scope.of_base())
    return body.lowering.analysis.value(one.value, body.scope)
