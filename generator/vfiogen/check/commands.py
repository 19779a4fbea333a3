# SPDX-License-Identifier: GPL-2.0-only
"""Commands: each has a body that can be carried out, and what it promises it returns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from vfiogen.c import syntax as s
from vfiogen.check.channels import check_post
from vfiogen.check.steps import check_steps
from vfiogen.diagnostics import Problems, did_you_mean, listing, quote
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.scope import words
from vfiogen.model.typed import walk
from vfiogen.model.types import VOID, Type, read_type
from vfiogen.model.walk import formulas, names

# How deep commands may run each other, and how much C the single calls among them may unfold to.
DEEPEST = 32
LARGEST = 1000
# How many commands of a cycle are named.
LONGEST_WAY = 8


def check_commands(spec: m.Spec, analysis: Analysis, directory: Path, problems: Problems) -> None:
    """Report commands without one body, sources that aren't there, results that nobody sets."""
    checks = _Commands(spec, analysis, directory, problems)
    for command in spec.commands:
        checks.check(command)
    _check_cycles(spec, analysis, problems)


class _Commands:
    def __init__(self, spec: m.Spec, analysis: Analysis, directory: Path, problems: Problems) -> None:
        self._spec = spec
        self._analysis = analysis
        self._directory = directory
        self._problems = problems
        self._hooked = {used.text for command in spec.commands for used in command.uses}

    def check(self, command: m.Command) -> None:
        scope = Scope(self._spec).within(command)
        calls = []
        for body in command.bodies:
            self._check_body(command, body)
            check_steps(body.steps or (), self._analysis, scope)
            if body.post:
                check_post(self._spec, command, body.post, self._analysis, scope)
            calls.append(self._analysis.call(body.call, scope))
            self._check_results(command, body, calls[-1])
        self._check_alternatives(command, calls)
        self._check_hooks(command)
        self._check_exclusive(command)

    # -- bodies ---------------------------------------------------------------------------------------

    def _check_body(self, command: m.Command, body: m.Body) -> None:
        bodies = (("call", body.call), ("post", body.post), ("steps", body.steps), ("hook", body.hook))
        given = [name for name, value in bodies if value is not None]
        if len(given) != 1:
            found = f"has {listing(given, 'and')}" if given else "has none"
            message = f"{quote(command.name.text)} needs one body, and {found}"
            hint = "a body is a `call`, a `post`, `steps` or a `hook`; `any-of` takes several"
            self._problems.report("command-body", message, body.span, hint)
        if body.hook:
            self._check_source(body.hook)

    def _check_exclusive(self, command: m.Command) -> None:
        if command.exclusive and any(body.steps is None for body in command.bodies):
            message = "only a command of steps can be exclusive"
            hint = "make the call a step of another command, and that one exclusive"
            self._problems.report("command-body", message, command.exclusive.span, hint)

    def _check_source(self, hook: m.Word) -> None:
        if hook.text in self._spec.driver.own_files:
            message = f"{quote(hook.text)} is a file of the driver's own"
            self._problems.report("reserved-name", message, hook.span, "choose another name")
        elif hook.text and not _is_file(self._directory / hook.text):
            message = f"there is no file {quote(hook.text)} beside the spec"
            guess = did_you_mean(hook.text, _sources(self._directory))
            hint = f"`vfiogen new {self._argument()} --hooks` writes a first version"
            self._problems.report("hook-missing", message, hook.span, guess, hint)

    def _argument(self) -> str:
        """Return what the command line calls the spec by."""
        import shlex

        path = PurePosixPath(self._spec.source.path)
        in_project = path.parts[-3:] == ("specs", path.stem, path.name)
        return path.stem if in_project else shlex.quote(str(path))

    def _check_hooks(self, command: m.Command) -> None:
        hooked = any(body.hook for body in command.bodies)
        if command.returns and not hooked:
            message = "only a hook says what it returns"
            hint = "a call says it behind `->`, and steps return an error"
            self._problems.report("command-body", message, command.returns.span, hint)
        if command.before_init and not (hooked and command.returns and command.returns.text == "bool"):
            message = (
                f"{quote(command.name.text)} can't be asked before init: it is no hook that returns a bool"
            )
            hint = "a single call of the kernel can be a condition as it is"
            self._problems.report("command-body", message, command.before_init.span, hint)
        for used in command.uses:
            if not hooked:
                message = "only a hook says which commands it runs"
                self._problems.report(
                    "command-body", message, used.span, "what steps run, they name themselves"
                )
            elif self._spec.command(used.text) is None and used.text not in words(self._spec):
                known = [c.name.text for c in self._spec.commands]
                message = f"no command is called {quote(used.text)}"
                self._problems.report("unknown-name", message, used.span, did_you_mean(used.text, known))

    # -- alternatives ---------------------------------------------------------------------------------

    def _check_alternatives(self, command: m.Command, calls: list[t.KernelFunction | None]) -> None:
        name = quote(command.name.text)
        for body in command.bodies[:-1]:
            if body.needs is None:
                message = f"the bodies of {name} after this one are never used"
                self._problems.report("any-of", message, body.span, "give it a need, or put it last")
        needs = [body.needs for body in command.bodies if body.needs is not None]
        if len(needs) == len(command.bodies) > 1 and command.needs is None:
            missing = listing((word.text for word in needs), "and")
            message = f"{name} has no body where {missing} are missing"
            hint = "add a last body without a need, or gate the command itself"
            self._problems.report("any-of", message, needs[-1].span, hint)
        self._check_agreement(command, calls)

    def _check_agreement(self, command: m.Command, calls: list[t.KernelFunction | None]) -> None:
        """The bodies of a command return the same, since whoever runs it doesn't know which is used."""
        if command.results:
            return
        kinds = [call.type if call else VOID for call in calls]
        for body, call, kind in zip(command.bodies, calls, kinds, strict=True):
            known = call is not None or body.call is None
            if known and not _alike(kind, kinds[0]):
                first = f"the first body of {quote(command.name.text)} {_returned(kinds[0])}"
                message = f"this returns {_returned(kind)}, and {first}"
                self._problems.report("any-of", message, body.span, "all bodies return the same")

    # -- results --------------------------------------------------------------------------------------

    def _check_results(self, command: m.Command, body: m.Body, call: t.KernelFunction | None) -> None:
        if call is not None:
            self._check_returned(command, call, body)
        elif body.call is None and body.steps is not None:
            written = set(_set_places(body.steps))
            for result in command.results:
                if result.name.text not in written:
                    self._unset(command, result, "a step stores it: `set: {0} = ...`")

    def _check_returned(self, command: m.Command, call: t.KernelFunction, body: m.Body) -> None:
        given = set(_outs(call))
        returned = call.type is not VOID
        for at, result in enumerate(command.results):
            if result.name.text not in given and not (returned and at == 0):
                self._unset(command, result, "the call returns it, `-> u32`, or takes its address, `out {0}`")
        if returned and command.results:
            self._check_first(command.results[0], call, body)
        elif returned and self._has_errors(command, call):
            message = (
                f"{quote(command.name.text)} can fail before the call, and a value has no room for an error"
            )
            hint = f"let it have a result: `results: {{ value: {call.type.name} }}`"
            self._problems.report("command-body", message, body.span, hint)

    def _check_first(self, result: m.Parameter, call: t.KernelFunction, body: m.Body) -> None:
        kind = read_type(result.type.text)
        fits = kind is not None and (_alike(kind, call.type) and kind.bits >= call.type.bits)
        if kind is not None and not fits and body.call is not None:
            returned = quote(call.type.name)
            message = f"{quote(result.name.text)} is {quote(kind.name)}, and the call returns {returned}"
            self._problems.report("type", message, result.type.span)

    def _has_errors(self, command: m.Command, call: t.KernelFunction) -> bool:
        """Tell whether a function around the call fails by itself, or has to return a value and an error."""
        provider = self._spec.provider
        called = provider is not None and provider.is_seen_to
        looked_up = called and any(isinstance(node, t.Handle) for node in walk(call))
        texts = any(isinstance(argument, t.Format) for argument in call.arguments)
        hooked = command.name.text in self._hooked
        return looked_up or texts or (hooked and call.failure is not None)

    def _unset(self, command: m.Command, result: m.Parameter, hint: str) -> None:
        name = result.name.text
        message = f"nothing sets the result {quote(name)} of {quote(command.name.text)}"
        self._problems.report("result-unset", message, result.name.span, hint.format(name))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _sources(directory: Path) -> list[str]:
    try:
        return [path.name for path in directory.glob("*.c")]
    except OSError:
        return []


def _alike(one: Type, other: Type) -> bool:
    return (one.numeric and other.numeric) or one.same(other)


def _returned(kind: Type) -> str:
    return "no value" if kind is VOID else quote(kind.name)


def _outs(call: t.Typed) -> Iterator[str]:
    """Yield the results whose address a call gets."""
    for node in walk(call):
        if isinstance(node, t.Prefix) and isinstance(node.operand, t.Local):
            yield node.operand.name


def _set_places(steps: tuple[m.Step, ...]) -> Iterator[str]:
    for step in steps:
        tree = step.formula.tree if step.formula else None
        if isinstance(tree, s.Assignment) and isinstance(tree.place, s.Name):
            yield tree.place.name


# Commands that run commands


def _check_cycles(spec: m.Spec, analysis: Analysis, problems: Problems) -> None:
    runs = {c.name.text: _runs(spec, c) for c in spec.commands}
    order, cyclic = _sort(runs)
    said: set[str] = set()
    for command in spec.commands:
        name = command.name.text
        if name in cyclic and name not in said:
            way = _way_back(runs, name)
            said.update(way)
            if way:
                _cycle(command, way, problems)
    _check_depth(spec, order, runs, problems)


def _cycle(command: m.Command, way: list[str], problems: Problems) -> None:
    """Report a command that runs itself on a way through others, which ends with itself."""
    name = quote(command.name.text)
    shown = [name, *map(quote, way)]
    if len(shown) > LONGEST_WAY:
        shown[LONGEST_WAY - 2 : -1] = ["…"]
    how = f": {' -> '.join(shown)}" if len(way) > 1 else ""
    problems.report("command-cycle", f"{name} runs itself{how}", command.name.span, _CYCLE_HINT)


_CYCLE_HINT = "take one of these steps out; what repeats is a `poll`, or a `retry`"


def _way_back(runs: dict[str, list[str]], start: str) -> list[str]:
    """Return the shortest way from a command to itself, without its beginning; empty if there is none."""
    before: dict[str, str] = {}
    waiting = [start]
    for name in waiting:  # grows
        for one in runs[name]:
            if one not in before:
                before[one] = name
                waiting.append(one)
    way = [start] if start in before else []
    while way and before[way[-1]] != start:
        way.append(before[way[-1]])
    return way[::-1]


def _runs(spec: m.Spec, command: m.Command) -> list[str]:
    """Return the commands that a command runs, each as often as it does."""
    own = {parameter.name.text for parameter in (*command.params, *command.results)}
    return [name for name in names(formulas(command)) if spec.command(name) and name not in own]


def _sort(runs: dict[str, list[str]]) -> tuple[list[str], set[str]]:
    """Return the commands, callees first, and those that are part of a cycle."""
    missing = {name: len(set(called)) for name, called in runs.items()}
    callers: dict[str, list[str]] = {}
    for name, called in runs.items():
        for one in set(called):
            callers.setdefault(one, []).append(name)
    order = [name for name, count in missing.items() if not count]
    for name in order:  # grows as the last callee of a command is sorted
        for caller in callers.get(name, ()):
            missing[caller] -= 1
            if not missing[caller]:
                order.append(caller)
    return order, _without_callers(runs, set(runs) - set(order))


def _without_callers(runs: dict[str, list[str]], rest: set[str]) -> set[str]:
    """Leave out commands that only run a cycle and aren't run by one."""
    while True:
        run = {one for name in rest for one in runs[name]}
        if rest <= run:
            return rest
        rest &= run


def _check_depth(spec: m.Spec, order: list[str], runs: dict[str, list[str]], problems: Problems) -> None:
    by_name = {command.name.text: command for command in spec.commands}
    depth: dict[str, int] = {}
    size: dict[str, int] = {}
    for name in order:
        command, called = by_name[name], runs[name]
        depth[name] = 1 + max((depth[one] for one in called), default=0)
        size[name] = 1 + sum(size[one] for one in called)
        if depth[name] == DEEPEST + 1:
            message = f"{quote(name)} runs commands that run commands, {depth[name]} deep"
            hint = f"the limit is {DEEPEST}"
            problems.report("command-depth", message, command.name.span, hint)
        elif size[name] > LARGEST and all(size[one] <= LARGEST for one in called):
            message = f"{quote(name)} comes to {size[name]} commands, with those that its own run in turn"
            hint = f"the limit is {LARGEST}"
            problems.report("command-depth", message, command.name.span, hint)
