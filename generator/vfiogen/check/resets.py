# SPDX-License-Identifier: GPL-2.0-only
"""Steps around a reset, whose errors nobody hears of."""

from __future__ import annotations

from vfiogen.check.steps import check_steps, check_undo
from vfiogen.model import spec as m
from vfiogen.model.analyse import Analysis, Scope


def check_prepare(steps: tuple[m.Step, ...], analysis: Analysis, scope: Scope) -> None:
    """Report steps before a reset that can't be there.

    One of them may wait, and what that has achieved is undone after the reset.
    """
    waits = [step for step in steps if step.verb == "poll"]
    check_undo([step for step in steps if step not in waits], analysis, scope)
    check_steps(waits, analysis, scope)
    for step in waits[1:]:
        message = "only one step before a reset can wait"
        analysis.problems.report("undo-step", message, step.span_of("poll"))
    for step in waits[:1]:
        for other in steps[steps.index(step) + 1 :] if step.undo else ():
            message = "nothing follows what is undone after the reset"
            analysis.problems.report("undo-step", message, other.span, "put it before the poll")
