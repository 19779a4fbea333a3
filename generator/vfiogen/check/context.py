# SPDX-License-Identifier: GPL-2.0-only
"""The context: values that are there from init on."""

from __future__ import annotations

from vfiogen.diagnostics import quote
from vfiogen.model import spec as m
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.settled import at_open, circle, source
from vfiogen.model.types import IOMEM, read_type
from vfiogen.model.walk import formulas


def check_context(spec: m.Spec, analysis: Analysis, scope: Scope) -> None:
    """Report values that don't fit what they are kept in, or that depend on later ones."""
    _check_at_open(spec, analysis)
    later = {kept.name.text for kept in spec.context if kept.value}
    for kept in spec.context:
        if kept.value is None or kept.at == "open":
            continue
        _check_fit(kept, analysis, scope)
        for name in sorted(analysis.reach.reached(kept.value) & later):
            own = name == kept.name.text
            order = f"is set before {quote(name)}, and takes its value"
            message = f"{quote(kept.name.text)} {'takes its own value' if own else order}"
            hint = "" if own else f"put {quote(name)} first"
            analysis.problems.report("context-order", message, kept.value.span, hint)
        later.discard(kept.name.text)


def _check_fit(kept: m.ContextValue, analysis: Analysis, scope: Scope) -> None:
    kind = read_type(kept.type.text)
    if kind is not None and kept.value is not None:
        analysis.fitting(kept.value, kind, scope)


def _check_at_open(spec: m.Spec, analysis: Analysis) -> None:
    """Report what opening the device can't settle: registers without a place, and circles."""
    scope = Scope(spec)
    for block in spec.registers:
        typed = analysis.value(block.base, scope.of_base())
        if typed is not None and typed.type is not IOMEM and block.base is not None:
            message = "registers are based on a BAR, or on memory that the parent has mapped"
            hint = "write `bar(2)`, or a field of the handle that is declared as `iomem`"
            analysis.problems.report("register-base", message, block.base.span, hint)
    for kept in spec.context:
        if kept.at == "open":
            _check_fit(kept, analysis, scope)
    _check_probe(spec, analysis)
    for one in circle(spec, analysis.reach):
        formula = source(one)
        message = f"{quote(one.name.text)} can't be settled before what it depends on, which is itself"
        analysis.problems.report("context-order", message, formula.span if formula else one.name.span)


def _check_probe(spec: m.Spec, analysis: Analysis) -> None:
    """What opening settles isn't known before."""
    known = {one.name.text for one in at_open(spec)}
    for formula in formulas(spec.probe):
        for name in sorted(analysis.reach.reached(formula) & known):
            message = f"{quote(name)} is settled when the device is opened"
            analysis.problems.report("register-early", message, formula.span, "do this in `lifecycle: open`")
