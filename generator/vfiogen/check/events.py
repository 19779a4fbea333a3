# SPDX-License-Identifier: GPL-2.0-only
"""Events of the parent: what is asked for, and what is done at each."""

from __future__ import annotations

from vfiogen.check.steps import check_undo
from vfiogen.diagnostics import quote
from vfiogen.model import spec as m
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.types import read_type
from vfiogen.model.walk import names


def check_events(spec: m.Spec, analysis: Analysis) -> None:
    """Report notifiers that nobody tells of, and events at which nothing sensible is done."""
    for notifier in spec.events:
        _check_calls(spec, notifier, analysis)
        for handler in notifier.handlers:
            scope = event_scope(spec, notifier)
            analysis.condition(handler.when, scope)
            check_undo((*handler.steps, *handler.always), analysis, scope)
            if handler.enter and spec.migration is None:
                message = "there is no migration state to enter"
                hint = "this is for drivers with a `migration` section"
                analysis.problems.report("event", message, handler.enter.span, hint)
            elif not handler.enter and not handler.steps and (handler.when or not handler.always):
                message = f"nothing is done at {quote(handler.event.text)}"
                hint = "add `do`, or `enter: ERROR`"
                analysis.problems.report("event", message, handler.event.span, hint)


def _check_calls(spec: m.Spec, notifier: m.Notifier, analysis: Analysis) -> None:
    scope = notifier_scope(spec, notifier)
    for formula in (notifier.register, notifier.unregister):
        call = analysis.call(formula, scope)
        if call is not None and "notifier" not in set(names([formula])):
            message = f"{quote(call.function)} isn't told which notifier"
            hint = "pass `notifier` to it"
            analysis.problems.report("event", message, formula.span, hint)


def notifier_scope(spec: m.Spec, notifier: m.Notifier) -> Scope:
    """Return the scope of the calls that ask for events."""
    word = m.Word("notifier", notifier.name.span)
    parameter = m.Parameter(word, m.Word("struct notifier_block *", notifier.name.span))
    return Scope(spec).of_call((parameter,)).before_open()


def event_scope(spec: m.Spec, notifier: m.Notifier) -> Scope:
    """Return the scope of what is done at an event."""
    kind = read_type(notifier.data.text) if notifier.data else None
    return Scope(spec).in_event(kind)
