# SPDX-License-Identifier: GPL-2.0-only
"""Paths through a rendered driver: each that the model has, with every request failing, a reset in each."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.machine.model import Machine, Outcome, State, Table
from vfiogen.model.arcs import STATES

# Requests of an event beyond the first ones, and but the last ones, are the same over and over.
FIRST, LAST = 60, 6
LIMIT = 120
# The books of the stand-ins find leaks, path by path.
SANITIZING = {"ASAN_OPTIONS": "detect_leaks=0:malloc_context_size=2:quarantine_size_mb=4"}


class MismatchError(AssertionError):
    """The driver does what the model doesn't know, or a stand-in has found a fault."""


@dataclass(frozen=True)
class Seen:
    """What the driver has answered to an event."""

    returns: int
    state: str | None
    pending: bool
    requests: int
    calls: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The calls, whatever came of them."""
        return tuple(call.removesuffix("!") for call in self.calls)


def play(program: Path, paths: list[str]) -> tuple[Table, list[Seen]]:
    """Play paths; return the kernel's table and the answers to their last events."""
    # The first one shows what a stream looks like.
    lines = "\n".join(["P O0 S3 E0", *paths, ""])
    done = subprocess.run(
        [program], input=lines, capture_output=True, text=True, timeout=LIMIT, check=False, env=SANITIZING
    )
    if done.returncode:
        raise MismatchError(f"{program.parent.name}: {done.stderr[:3000]}")
    table, _, *answers = done.stdout.splitlines()
    assert len(answers) == len(paths)
    return _table(table), [_seen(line.rsplit(" ", 2)[-2]) for line in answers]


def _table(line: str) -> Table:
    numbers = [int(word) for word in line.split()]
    pairs = [(source, target) for source in STATES for target in STATES]
    return {pair: None if n < 0 else STATES[n] for pair, n in zip(pairs, numbers, strict=True)}


def _seen(text: str) -> Seen:
    returns, state, pending, requests, calls = text.split("/", 4)
    name = None if state == "-1" else STATES[int(state)]
    return Seen(int(returns), name, pending == "1", int(requests), tuple(calls.split(",")) if calls else ())


@dataclass
class Coverage:
    """What a replay has been through."""

    paths: int = 0
    states: dict[State, str] = field(default_factory=dict)
    seen: set[tuple[State, str, Outcome]] = field(default_factory=set)
    # Paths on which a device is stopped after the reset that is to leave it running.
    late: list[str] = field(default_factory=list)

    def missing(self, machine: Machine) -> list[str]:
        """Return what has to be seen and was not."""
        return [
            f"{self.states[at]} {event}: {outcome}"
            for at in self.states
            for event in machine.events(at)
            for outcome in machine.outcomes(at, event)
            if outcome.must and (at, event, outcome) not in self.seen and (_is_bare(at) or not outcome.lost)
        ]


class Replay:
    """Follows the model through the driver, breadth first."""

    def __init__(self, machine: Machine, program: Path, pair: tuple[str, str] | None = None) -> None:
        self.machine = machine
        self.program = program
        self.pair = pair
        self.heard = machine.acts.heard()
        self.coverage = Coverage()

    def explore(self) -> Coverage:
        """Go through every state that can be reached, by every event with every fault."""
        fresh = {State(): ""}
        while fresh:
            self.coverage.states |= fresh
            found: dict[State, str] = {}
            for at, path, outcome in self._round(fresh):
                if outcome.after not in self.coverage.states:
                    found.setdefault(outcome.after, path)
                assert at in self.coverage.states
            fresh = found
        return self.coverage

    def _round(self, fresh: dict[State, str]) -> Iterator[tuple[State, str, Outcome]]:
        plain = [(at, event, event) for at in fresh for event in self.machine.events(at)]
        once: list[tuple[State, str, str]] = []
        for (at, event, _), path, seen in self._play(fresh, plain):
            yield at, path, self._judge(at, event, seen, path, faulty=False)
            once += [(at, event, f"{event}{how}") for how in _faults(event, seen.requests)]
        twice: list[tuple[State, str, str]] = []
        for (at, event, token), path, seen in self._play(fresh, once):
            if set(token) & set("^~"):
                # Nothing has been asked for before the command, if the reset didn't come.
                came = "^" in seen.calls
                judge = self._judge_reset if came else self._judge_plain
                yield at, path, judge(at, event, seen, path)
                continue
            yield at, path, self._judge(at, event, seen, path, faulty=True)
            if event[0] == "S" and seen.returns < 0 and _is_bare(at):
                first = int(token.partition("!")[2])
                twice += [(at, event, f"{token}!{k}") for k in _indices(seen.requests) if k > first]
        for (at, event, _), path, seen in self._play(fresh, twice):
            yield at, path, self._judge(at, event, seen, path, faulty=True)

    def _play(
        self, fresh: dict[State, str], wanted: list[tuple[State, str, str]]
    ) -> Iterable[tuple[tuple[State, str, str], str, Seen]]:
        paths = [f"{fresh[at]} {token}".strip() for at, _, token in wanted]
        self.coverage.paths += len(paths)
        _, answers = play(self.program, paths)
        return zip(wanted, paths, answers, strict=True)

    def _judge_plain(self, at: State, event: str, seen: Seen, path: str) -> Outcome:
        return self._judge(at, event, seen, path, faulty=False)

    def _judge(self, at: State, event: str, seen: Seen, path: str, faulty: bool) -> Outcome:
        """Return the outcome that fits what the driver did."""
        known = [o for o in self.machine.outcomes(at, event) if faulty or not o.fault]
        calls = tuple(call for call in seen.names if call in self.heard)
        fitting = [o for o in known if _fits(o, seen, calls)]
        if not fitting:
            options = "\n".join(f"  {outcome}" for outcome in known)
            raise MismatchError(
                f"{self.program.parent.name}: {path}\n{at}\nthe driver: {seen}\nthe model has:\n{options}"
            )
        self._check_pairs(at, fitting[0], seen, path)
        self.coverage.seen |= {(at, event, outcome) for outcome in fitting}
        return fitting[0]

    def _check_pairs(self, at: State, outcome: Outcome, seen: Seen, path: str) -> None:
        """What stops the device and what starts it come in turns, by what the driver has really called."""
        after = outcome.after
        if not self.pair or at.gone or None in (at.level, after.level) or not (at.opened and after.opened):
            return
        stops, starts = (seen.calls.count(name) for name in self.pair)
        depth = self.machine.acts.depth(self.pair[0])
        if after.pending or depth[at.level] + stops - starts == depth[after.level]:
            return
        raise MismatchError(f"{self.program.parent.name}: {path}\n{at}\nstops and starts don't pair: {seen}")

    def _is_late(self, seen: Seen) -> bool:
        """Tell whether a device that counts as running, or soon will, has been stopped after a reset."""
        if not self.pair or "^" not in seen.calls or seen.state == "ERROR":
            return False
        after = seen.calls[seen.calls.index("^") + 1 :]
        return after.count(self.pair[0]) > after.count(self.pair[1])

    def _judge_reset(self, at: State, event: str, seen: Seen, path: str) -> Outcome:
        """A reset in the middle leaves all files stale, and a step that it meets leads to ERROR."""
        if self._is_late(seen):
            self.coverage.late.append(path)
        states = {outcome.after.state for outcome in self.machine.outcomes(at, event)} | {at.state}
        met = [outcome for outcome in self.machine.overtaken(at, event) if _fits(outcome, seen, ())]
        # Between the last step and the end there is nothing that a reset could arrive in.
        stepped = event[0] == "S" and seen.state != self.machine.settled(at).state
        produced = self._producing(at, event, seen)
        if produced:
            # It came while the data was produced, after the change of state.
            return Outcome("any", self.machine.reset(produced))
        followed = seen.state == "RUNNING" and not seen.pending
        if event[0] in "rEq" and self.machine.stream.background and followed:
            # The work that the event asks for has followed it.
            return Outcome("any", self.machine.settled(self.machine.reset(at)))
        if not met and (stepped or not seen.pending or seen.state not in states):
            raise MismatchError(f"{self.program.parent.name}: {path}\n{at}\na reset was lost: {seen}")
        assert seen.state is not None
        return met[0] if met else Outcome("any", self.machine.reset(replace(at, state=seen.state)))

    def _producing(self, at: State, event: str, seen: Seen) -> State | None:
        """Return the state that an event has led to, if data is produced there after it."""
        if event[0] != "S" or not self.machine.stream.background or not seen.pending:
            return None
        came = (o.after for o in self.machine.outcomes(at, event) if _returned(o.returns, seen.returns))
        return next((one for one in came if one.held == "save" and one.state == seen.state), None)


def _is_bare(at: State) -> bool:
    """Tell whether no stale file is kept, which is enough to see two things fail."""
    return at.first in (None, "live") and not at.second


def _fits(outcome: Outcome, seen: Seen, calls: tuple[str, ...]) -> bool:
    after = outcome.after
    if outcome.calls is not None and outcome.calls != calls:
        return False
    if after.bound and (after.state, after.pending) != (seen.state, seen.pending):
        return False
    if after.bound != (seen.state is not None):
        return False
    return _returned(outcome.returns, seen.returns)


def _returned(wanted: str, returns: int) -> bool:
    match wanted:
        case "error":
            return returns < 0
        case "data" | "file":
            return returns > 0
        case _ if wanted.startswith("-E"):
            return returns == -int(getattr(errno, wanted[1:]))
        case _:
            return returns == int(wanted)


def _indices(requests: int) -> list[int]:
    return sorted({*range(min(requests, FIRST)), *range(max(0, requests - LAST), requests)})


def _faults(event: str, requests: int) -> Iterator[str]:
    """Yield what can go wrong in an event: each request of it, and a reset in each."""
    yield from (f"!{at}" for at in _indices(requests))
    if event[0] in "SGZDrEqwW":
        yield from (f"{how}{at}" for how in "^~" for at in _indices(requests))
