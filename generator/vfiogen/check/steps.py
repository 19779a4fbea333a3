# SPDX-License-Identifier: GPL-2.0-only
"""Steps: verbs, modifiers and expressions that fit together, waits with a bound, undos that can't fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vfiogen.diagnostics import Problems, did_you_mean, listing, quote
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.scope import SETTLED, is_single_call
from vfiogen.model.typed import walk
from vfiogen.model.types import VOID, integer

LONGEST_WAIT = 300_000_000
ARITHMETIC = ("+", "-", "*")


def check_steps(steps: Iterable[m.Step], analysis: Analysis, scope: Scope) -> None:
    """Report steps whose verb, modifiers and expressions don't fit together."""
    for step in steps:
        check_errors((step.error, step.retry), analysis.problems)
        _check_modifiers(step, analysis.problems)
        _check_choices(step, analysis, scope)
        _VERBS.get(step.verb, _check_nothing)(step, analysis, scope)
        check_undo(step.undo, analysis, scope)
        _check_into(step, analysis, scope)
        _check_finish(step, analysis, scope)


def check_undo(steps: Iterable[m.Step], analysis: Analysis, scope: Scope) -> None:
    """Report steps that can't be what takes others back: nobody is there to hear of an error."""
    for step in steps:
        message = _wrong_for_undo(step)
        if message:
            hint = "a step of an undo runs a command, sets, writes or waits, and goes on whatever happens"
            at = (
                step.span_of("undo")
                if step.undo
                else step.span_of("retry", "error", "ignore-error", "poll", "check")
            )
            analysis.problems.report("undo-step", message, at, hint)
        else:
            _VERBS.get(step.verb, _check_nothing)(step, analysis, scope)
            _check_infallible(step, analysis, scope)


def _check_choices(step: m.Step, analysis: Analysis, scope: Scope) -> None:
    """What is left out at run time has no undo, and a list of durations something that chooses from it."""
    condition = analysis.condition(step.when, scope)
    analysis.number(step.by, scope)
    problems = analysis.problems
    if condition is not None and step.undo and not _stays(condition):
        message = "the step may have been left out when it is undone, and the other way round"
        hint = "`when` with an undo looks at what stays as it is, such as `found(kvm)`"
        problems.report("modifier", message, step.span_of("undo"), hint, "or put the two into commands")
    if step.verb != "poll" and (step.limits or step.by):
        message = "only a poll chooses how long it goes on"
        problems.report("modifier", message, step.span_of("by", "for"))
    elif bool(step.limits) != bool(step.by):
        hint = "write `for: [1s, 4s], by: block.register.bits`, say"
        message = "`by` chooses from a list of durations in `for`"
        problems.report("modifier", message, step.span_of("by", "for"), hint)


def _stays(condition: t.Typed) -> bool:
    """Tell whether a condition holds, or doesn't, for as long as the device is open."""
    fixed = (t.Found, t.Located, t.Literal, t.Constant, t.Prefix, t.Operation)
    return all(
        isinstance(part, fixed) or (isinstance(part, t.Builtin) and part.name in SETTLED)
        for part in walk(condition)
    )


def _check_into(step: m.Step, analysis: Analysis, scope: Scope) -> None:
    """The outcome of a poll is kept where true and false have room, and then is no error."""
    if step.into is None:
        return
    place = analysis.place(step.into, scope)
    if step.verb != "poll" or step.error:
        message = "an outcome that is kept is no error" if step.error else "only a poll has an outcome"
        analysis.problems.report("modifier", message, step.into.span)
    elif place is not None and (place.type.kind != "bool" or isinstance(place, t.ReadBits)):
        message = f"whether the condition came true doesn't go into {quote(place.type.name)}"
        analysis.problems.report("type", message, step.into.span, "declare it as `bool`")


def _check_finish(step: m.Step, analysis: Analysis, scope: Scope) -> None:
    """What runs steps must be able to end with success before the last of them."""
    if step.verb == "finish" and not scope.may_finish:
        message = "only a command can be over early, and the load of a structure"
        hint = "put the steps into a command, and run that here"
        analysis.problems.report("step-verb", message, step.span, hint)


def _wrong_for_undo(step: m.Step) -> str:
    if step.verb in ("finish", "repeat"):
        return f"a {step.verb} belongs to a command: run one here that has it"
    if step.into:
        return "nothing polls here, so that nothing has an outcome"
    if step.verb in ("poll", "check"):
        return f"a {step.verb} can only fail, and nobody hears of it here"
    if step.undo:
        return "a step of an undo has no undo of its own"
    if step.when:
        return "a step is always run here"
    modifiers = (("retry", step.retry), ("error", step.error), ("ignore-error", step.ignore_error))
    given = next((name for name, word in modifiers if word), "")
    return f"{given} has no meaning here, since an error is ignored anyway" if given else ""


def _check_infallible(step: m.Step, analysis: Analysis, scope: Scope) -> None:
    """The step's own command may fail, but not what its arguments or its value are calculated from."""
    silent = Analysis(analysis.spec, Problems())
    if step.verb == "do":
        run = silent.action(step.formula, scope)
        parts = [part for argument in run.arguments for part in walk(argument)] if run else []
    else:
        assign = silent.assignment(step.formula, scope)
        parts = list(walk(assign.value)) if assign else []
    if step.formula and any(may_fail(part) for part in parts):
        message = "this is calculated in a way that can fail, and nobody hears of it here"
        hint = "keep the value in the context when it is known"
        analysis.problems.report("undo-step", message, step.formula.span, hint)


def check_errors(words: Iterable[m.Word | None], problems: Problems) -> None:
    """Report error numbers that the kernel doesn't have."""
    from vfiogen.kernel.errors import ERRORS

    for word in words:
        if word and word.text and word.text not in ERRORS:
            message = f"the kernel has no error {quote(word.text)}"
            problems.report("unknown-name", message, word.span, did_you_mean(word.text, sorted(ERRORS)))


def may_fail(node: t.Typed) -> bool:
    """Tell whether working out a part of an expression can end in an error."""
    if isinstance(node, t.Run):
        return bool(node.command.results) or any(_fails(node.command, body) for body in node.command.bodies)
    if isinstance(node, t.Read):
        return node.index is not None and not isinstance(node.index, t.Literal)
    return isinstance(node, t.Operation) and node.operator in ARITHMETIC and node.type.kind == "int"


def returns_error(command: m.Command) -> bool:
    """Tell whether a command returns 0 or an error on each kernel."""
    return all(_fails(command, body) for body in command.bodies)


def _fails(command: m.Command, body: m.Body) -> bool:
    if body.hook:
        return command.returns is None or command.returns.text == "errno"
    returns = getattr(body.call.tree if body.call else None, "returns", None)
    return returns is None or returns.failure is not None


# Modifiers


def _check_modifiers(step: m.Step, problems: Problems) -> None:
    if step.verb == "do" and step.formula is None:
        return  # no verb, which is reported
    _check_bounds(step, problems)
    if step.retry and step.verb != "do":
        problems.report("modifier", "only a command can be tried again", step.retry.span)
    elif step.retry and (step.error or step.ignore_error):
        other = step.error or step.ignore_error
        assert other is not None
        message = "a retry ends with the command's own error, or with ETIMEDOUT"
        problems.report("modifier", message, other.span, "put the step into a command to treat its error")
    if step.error and step.ignore_error:
        message = "an error that is ignored has no number"
        problems.report("modifier", message, step.error.span)
    if step.error and step.verb not in ("do", "poll", "check"):
        message = f"a {step.verb} doesn't fail by itself"
        problems.report("modifier", message, step.error.span, "error belongs to do, poll and check")
    if step.ignore_error and step.verb != "do":
        hint = "a poll or a check whose outcome is nothing needn't be there"
        hint = hint if step.verb in ("poll", "check") else ""
        problems.report(
            "modifier", "only the error of a command can be ignored", step.ignore_error.span, hint
        )


def _check_bounds(step: m.Step, problems: Problems) -> None:
    waits = step.verb == "poll" or step.retry is not None
    what = "a retry" if step.retry else "a poll"
    if not waits:
        _check_no_bounds(step, problems)
    elif step.limits and step.every is not None:
        if not all(step.limits) or not step.every or step.every > min(step.limits):
            message = f"{what} needs more time than 0, and than `every` has"
            problems.report("poll-bounds", message, step.span_of("for"))
    elif step.every is None or step.limit is None:
        missing = [name for name in ("every", "for") if name not in step.spans]
        if not missing:
            return  # one is no duration, which is reported
        message = f"{what} must have a bound, and has no {listing(missing)}"
        hint = "say how often and how long: `every: 1ms, for: 1s`"
        problems.report("poll-bounds", message, step.span_of("retry", "poll"), hint)
    elif not (step.every and step.limit):
        at = step.span_of("for" if step.every else "every")
        problems.report("poll-bounds", f"{what} needs more time than 0", at)
    elif step.every > step.limit:
        message = f"{what} would look only once: `every` is longer than `for`"
        problems.report("poll-bounds", message, step.span_of("every"))
    _check_longest(step, problems)


def _check_no_bounds(step: m.Step, problems: Problems) -> None:
    if step.every is not None or step.limit is not None:
        message = "`every` and `for` belong to a poll or a retry"
        problems.report("modifier", message, step.span_of("every", "for"))
    if step.verb != "repeat" and (step.steps or "below" in step.spans):
        problems.report("modifier", "`below` and `steps` belong to a repeat", step.span_of("below", "steps"))


def _check_longest(step: m.Step, problems: Problems) -> None:
    if step.verb == "wait" and not step.wait:
        problems.report("poll-bounds", "a wait needs more time than 0", step.span_of("wait"))
    if max(step.wait, step.limit or 0, *step.limits) > LONGEST_WAIT:
        problems.report("poll-bounds", "a driver waits for 300s at the most", step.span_of("wait", "for"))


# Verbs


def _check_nothing(step: m.Step, analysis: Analysis, scope: Scope) -> None:
    """A wait has no expression."""


def _check_do(step: m.Step, analysis: Analysis, scope: Scope) -> None:
    run = analysis.action(step.formula, scope)
    if run is None or step.formula is None:
        return
    name = quote(run.command.name.text)
    if run.type is not VOID:
        message = f"{name} has a result, which is lost here"
        hint = "store it, with `set: place = command`, or compare it, with `check`"
        analysis.problems.report("result-lost", message, step.formula.span, hint)
    elif not may_fail(run):
        for word in (step.retry, step.error, step.ignore_error):
            if word:
                message = f"{name} can't fail: it returns nothing"
                analysis.problems.report("modifier", message, word.span)


def _check_set(step: m.Step, analysis: Analysis, scope: Scope) -> None:
    assign = analysis.assignment(step.formula, scope)
    if assign is not None and isinstance(assign.place, t.Read | t.ReadBits) and step.formula is not None:
        message = "set stores in memory, and this is a register"
        analysis.problems.report("step-verb", message, step.formula.span, "use `write`")


def _check_write(step: m.Step, analysis: Analysis, scope: Scope) -> None:
    assign = analysis.assignment(step.formula, scope)
    if assign is not None and not isinstance(assign.place, t.Read | t.ReadBits) and step.formula is not None:
        message = "write is for registers, and this is memory"
        analysis.problems.report("step-verb", message, step.formula.span, "use `set`")


def _check_poll(step: m.Step, analysis: Analysis, scope: Scope) -> None:
    typed = analysis.condition(step.formula, scope)
    if typed is None or step.formula is None:
        return
    message, hint = _wrong_for_poll(typed)
    if message:
        analysis.problems.report("poll-condition", message, step.formula.span, hint)


def _wrong_for_poll(typed: t.Typed) -> tuple[str, str]:
    """Return what a poll can't look at. It reads one register, and works the rest out without an error."""
    runs = [node for node in walk(typed) if isinstance(node, t.Run)]
    reads = [node for node in walk(typed) if isinstance(node, t.Read)]
    if runs and not reads:
        return _wrong_for_polled(runs)
    places = {(r.block.name.text, r.register.name.text, _index(r)) for r in reads}
    if len(places) != 1:
        found = f"{len(places)} registers" if places else "none"
        return (
            f"a poll looks at one register, and this at {found}",
            "poll for one after the other"
            if places
            else "use `check`: without a register there is nothing to wait for",
        )
    if any(isinstance(node, t.Run) for node in walk(typed)):
        return "a poll runs no command", "set a value before, and compare the register with that"
    if any(may_fail(node) and not isinstance(node, t.Read) for node in walk(typed)):
        return "a poll doesn't calculate: a result could overflow", "move it to the other side as a number"
    return "", ""


def _wrong_for_polled(runs: list[t.Run]) -> tuple[str, str]:
    """Return why a command can't be polled: what it returns is all that there is to look at."""
    run = runs[0]
    if len(runs) > 1:
        return "a poll runs one command, and this several", "poll for one after the other"
    if run.command.results or not is_single_call(run.command) or may_fail(run):
        return (
            f"{quote(run.command.name.text)} can't be polled: it is more than a call that can't fail",
            "a command that fails is tried again by `retry`; of any other, poll the register behind it",
        )
    return "", ""


def _index(read: t.Read) -> object:
    """Return what tells two elements of a register apart; only numbers can be the same one."""
    return read.index.value if isinstance(read.index, t.Literal) else read.index


def _check_check(step: m.Step, analysis: Analysis, scope: Scope) -> None:
    analysis.condition(step.formula, scope)


def _check_repeat(step: m.Step, analysis: Analysis, scope: Scope) -> None:
    """The count has 32 bits; the steps are undone as if they stood there once, so none has an undo."""
    if step.formula is None and "below" not in step.spans:
        message = "nothing says how often the steps are repeated"
        analysis.problems.report("step-verb", message, step.span, "add `below`, the number of times")
    analysis.fitting(step.formula, integer(32), scope)
    if step.counter is None:
        return
    for inner in step.steps:
        if inner.undo:
            message = "a step that is repeated can't be undone"
            analysis.problems.report("undo-step", message, inner.span_of("undo"))
    check_steps(step.steps, analysis, scope.counting(step.counter))


_VERBS: dict[str, Callable[[m.Step, Analysis, Scope], None]] = {
    "do": _check_do,
    "set": _check_set,
    "write": _check_write,
    "poll": _check_poll,
    "check": _check_check,
    "finish": _check_check,
    "repeat": _check_repeat,
}
