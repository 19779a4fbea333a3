# SPDX-License-Identifier: GPL-2.0-only
"""Commands, their bodies and the steps everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from vfiogen.c import syntax as s
from vfiogen.diagnostics import Problems, did_you_mean
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.typed import walk

LONGEST_WAIT = 300_000_000


def check_commands(spec: m.Spec, analysis: Analysis, directory: Path, problems: Problems) -> None:
    """Report commands without one body, sources that aren't there, and steps that can't work."""
    scope = Scope(spec)
    for command in spec.commands:
        for body in command.bodies:
            _check_body(command, body, directory, problems)
            analysis.call(body.call, scope.within(command))
            check_steps(body.steps or (), analysis, scope.within(command))
        _check_command(command, spec, problems)
    _check_cycles(spec, problems)
    check_steps((*spec.init, *spec.open), analysis, scope)
    if spec.provider:
        analysis.call(spec.provider.get, scope)
        analysis.call(spec.provider.put, scope)


def _check_body(command: m.Command, body: m.Body, directory: Path, problems: Problems) -> None:
    given = [n for n, x in (("call", body.call), ("steps", body.steps), ("hook", body.hook)) if x is not None]
    if len(given) != 1:
        found = " and ".join(given) if given else "none"
        message = f"{command.name} must have one body, and has {found}"
        problems.report("command-body", message, body.span, "a body is a call, steps, a hook, or any-of them")
    if body.hook and not (directory / body.hook.text).is_file():
        problems.report(
            "hook-missing",
            f"there is no {body.hook} beside the spec",
            body.hook.span,
            did_you_mean(body.hook.text, _sources(directory)),
            "vfiogen new --hooks writes a first version",
        )


def _sources(directory: Path) -> list[str]:
    try:
        return [path.name for path in directory.glob("*.c")]
    except OSError:
        return []


def _check_command(command: m.Command, spec: m.Spec, problems: Problems) -> None:
    for body in command.bodies[:-1]:
        if body.needs is None:
            message = f"the bodies of {command.name} after this one are never used"
            problems.report("any-of", message, body.span, "give it a need, or put it last")
    last = command.bodies[-1]
    if len(command.bodies) > 1 and last.needs is not None and command.needs is None:
        message = f"{command.name} has no body where {last.needs} is missing"
        problems.report(
            "any-of",
            message,
            last.needs.span,
            "add a last body without a need, or gate the command itself",
        )
    if command.returns and not any(body.hook for body in command.bodies):
        problems.report(
            "command-body",
            "only a hook says what it returns",
            command.returns.span,
            "a call has -> for it",
        )
    for used in command.uses:
        if spec.command(used.text) is None:
            names = [c.name.text for c in spec.commands]
            problems.report(
                "unknown-name",
                f"no command is called {used}",
                used.span,
                did_you_mean(used.text, names),
            )


def _check_cycles(spec: m.Spec, problems: Problems) -> None:
    calls = {c.name.text: set(_mentions(c)) for c in spec.commands}
    for command in spec.commands:
        if command.name.text in _reachable(calls, command.name.text):
            message = f"{command.name} runs itself, directly or through others"
            problems.report("command-cycle", message, command.name.span)


def _reachable(calls: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(calls.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += calls.get(name, ())
    return seen


def _mentions(command: m.Command) -> Iterator[str]:
    for body in command.bodies:
        for formula in step_formulas(body.steps or ()):
            if formula.tree:
                yield from (node.name for node in s.walk(formula.tree) if isinstance(node, s.Name))


def step_formulas(steps: Iterable[m.Step]) -> Iterator[m.Formula]:
    """Yield the formulas of steps and of what undoes them."""
    for step in steps:
        if step.formula:
            yield step.formula
        yield from step_formulas(step.undo)


def check_steps(steps: Iterable[m.Step], analysis: Analysis, scope: Scope) -> None:
    """Report steps whose verb, modifiers and expressions don't fit together."""
    for step in steps:
        _check_modifiers(step, analysis.problems)
        _STEPS.get(step.verb, _check_nothing)(step, analysis, scope)
        check_steps(step.undo, analysis, scope)


def _check_modifiers(step: m.Step, problems: Problems) -> None:
    waits = step.verb == "poll" or step.retry is not None
    if waits and (not step.every or not step.limit):
        problems.report(
            "poll-bounds", "a wait must have a bound", step.span, "say every: 1ms and for: 1s, say"
        )
    if waits and step.every and step.limit and step.every > step.limit:
        problems.report("poll-bounds", "it would look only once: every is longer than for", step.span)
    if not waits and (step.every is not None or step.limit is not None):
        problems.report("modifier", "every and for belong to a poll or a retry", step.span)
    if step.retry and step.verb != "do":
        problems.report("modifier", "only a command can be tried again", step.retry.span)
    if max(step.wait, step.limit or 0) > LONGEST_WAIT:
        problems.report("poll-bounds", "nothing waits longer than 300s", step.span)


def _check_nothing(step: m.Step, analysis: Analysis, scope: Scope) -> None:
    """A wait has no expression."""


def _check_do(step: m.Step, analysis: Analysis, scope: Scope) -> None:
    run = analysis.action(step.formula, scope)
    if run is not None and run.command.results and step.formula is not None:
        message = f"{run.command.name} has a result, which is lost here"
        analysis.problems.report(
            "result-lost", message, step.formula.span, "store it with set: place = command"
        )


def _check_set(step: m.Step, analysis: Analysis, scope: Scope) -> None:
    assign = analysis.assignment(step.formula, scope)
    if assign is not None and isinstance(assign.place, t.Read | t.ReadBits) and step.formula is not None:
        analysis.problems.report("step-verb", "a register is written with write", step.formula.span)


def _check_write(step: m.Step, analysis: Analysis, scope: Scope) -> None:
    assign = analysis.assignment(step.formula, scope)
    if assign is not None and not isinstance(assign.place, t.Read | t.ReadBits) and step.formula is not None:
        analysis.problems.report(
            "step-verb", "write is for registers", step.formula.span, "memory is stored to with set"
        )


def _check_poll(step: m.Step, analysis: Analysis, scope: Scope) -> None:
    typed = analysis.condition(step.formula, scope)
    if typed is None or step.formula is None:
        return
    registers = {(r.block.name.text, r.register.name.text) for r in walk(typed) if isinstance(r, t.Read)}
    if len(registers) != 1:
        count = f"{len(registers)} registers" if registers else "no register"
        analysis.problems.report(
            "poll-condition",
            f"a poll looks at one register, and this at {count}",
            step.formula.span,
            "write one poll after the other",
        )


def _check_check(step: m.Step, analysis: Analysis, scope: Scope) -> None:
    analysis.condition(step.formula, scope)


_STEPS = {
    "do": _check_do,
    "set": _check_set,
    "write": _check_write,
    "poll": _check_poll,
    "check": _check_check,
}
