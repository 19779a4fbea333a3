# SPDX-License-Identifier: GPL-2.0-only
"""Every state that the model of a driver can reach, against what the kernel's interface demands."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from tests.golden.rendering import project_specs
from tests.machine.machines import Explored, Machines
from tests.machine.model import PRE_COPYING, SAVING, Machine, Outcome, State, level
from vfiogen.model.arcs import STATES, device_arcs


@cache
def reachable(machine: Machine) -> frozenset[State]:
    """Every state, by every outcome of every event and with a reset in the middle of each."""
    known = {State()}
    waiting = [State()]
    while waiting:
        at = waiting.pop()
        fresh = {outcome.after for _, outcome in moves(machine, at)} - known
        known |= fresh
        waiting += fresh
    return frozenset(known)


def moves(machine: Machine, at: State) -> Iterator[tuple[str, Outcome]]:
    for event in machine.events(at):
        for outcome in machine.outcomes(at, event):
            yield event, outcome
        for outcome in machine.overtaken(at, event):
            yield f"{event}^", outcome


def test_the_plan_has_the_arcs_that_the_kernel_asks_for(explored: Explored) -> None:
    machine, migration = explored.machine, explored.driver.plan.migration
    assert migration is not None
    planned = [(label.source, label.target) for case in migration.arcs for label in case.labels]
    asked = {
        (source, nearer) for (source, _), nearer in machine.table.items() if nearer not in (None, source)
    }
    assert sorted(planned) == sorted(asked)


def test_every_state_is_legal(explored: Explored) -> None:
    machine = explored.machine
    for at in reachable(machine):
        assert at.state in machine.states, at
        if not at.opened or at.pending:
            assert at.held is None, at
            continue
        assert (at.held == "save") == (at.state in SAVING), at
        assert (at.held == "load") == (at.state == "RESUMING"), at


def test_the_device_does_what_its_state_says(explored: Explored) -> None:
    for at in reachable(explored.machine):
        if at.opened and not at.pending:
            assert at.level == (None if at.state == "ERROR" else level(at.state)), at


def test_no_descriptor_outlives_its_data(explored: Explored) -> None:
    machine = explored.machine
    for at in reachable(machine):
        if at.first == "live":
            assert at.opened, at
            assert not at.pending, at
            assert at.held is not None, at
        for event, outcome in moves(machine, at):
            if event[0] in "CR" or event.endswith("^") or outcome.after.state == "ERROR":
                assert outcome.after.first != "live", (at, event)


def test_an_error_leaves_a_state_of_the_way_or_error(explored: Explored) -> None:
    machine = explored.machine
    for at in reachable(machine):
        for event, outcome in moves(machine, at):
            if event[0] != "S" or event.endswith("^") or outcome.returns != "error":
                continue
            start = machine.settled(at).state
            target = STATES[int(event[1:])]
            assert outcome.after.state in {*_way(machine, start, target), "ERROR"}, (at, event)
            # What could not be undone, and nothing else, leads to ERROR.
            if outcome.after.state == "ERROR" and start != "ERROR":
                assert outcome.fault, (at, event)


def test_what_an_arc_has_done_is_undone_or_lost(machines: Machines) -> None:
    """Between the states of the device itself, a step that others follow has an undo, or must not matter."""
    for file in project_specs():
        explored = machines.get(file)
        if explored is None:
            continue
        migration = explored.machine.migration
        for arc in device_arcs(migration.has("p2p")):
            acts = explored.machine.acts.of(*arc)
            failing = [at for at, act in enumerate(acts) if act.fails != "no"]
            for act in acts[: max(failing, default=0)]:
                assert act.undo or act.fails == "no" or not act.calls, (file.path, arc, act)


def _way(machine: Machine, start: str, target: str) -> Iterator[str]:
    at: str | None = start
    while at is not None and at != target:
        yield at
        at = machine.table[at, target] if at != "ERROR" else None


def test_only_a_reset_leads_out_of_error(explored: Explored) -> None:
    machine = explored.machine
    for at in reachable(machine):
        if at.state != "ERROR" or at.pending or not at.opened:
            continue
        for event, outcome in moves(machine, at):
            left = outcome.after.state != "ERROR" or outcome.after.pending
            assert not left or event in ("R", "C") or event.endswith("^"), (at, event)


def test_every_state_can_be_left_for_running(explored: Explored) -> None:
    machine = explored.machine
    for at in reachable(machine):
        if at.opened:
            after = machine.settled(machine.reset(at))
            assert (after.state, after.level, after.held) == ("RUNNING", "RUNNING", None)


def test_a_session_lasts_through_the_saving_states(explored: Explored) -> None:
    machine = explored.machine
    for at in reachable(machine):
        if at.state not in PRE_COPYING or at.pending or not at.opened:
            continue
        for event, outcome in moves(machine, at):
            if outcome.after.state in SAVING and outcome.after.opened and not outcome.after.pending:
                assert outcome.returns != "file", (at, event)
                assert outcome.after.held == "save"
