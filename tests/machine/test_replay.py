# SPDX-License-Identifier: GPL-2.0-only
"""Every path of the model through the rendered C, under the sanitizers; and faults that have to be found."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.golden.rendering import project_specs
from tests.machine.machines import Explored, Machines
from tests.machine.model import SAVING
from tests.machine.replay import MismatchError, play
from vfiogen.model.arcs import STATES

# faults/<spec>/<name>.diff: lines of the driver's C, and what is wrong with them.
FAULTS = sorted((Path(__file__).parent / "faults").glob("*/*.diff"))


def test_the_driver_does_what_the_model_says(explored: Explored) -> None:
    _check(explored)


def test_the_driver_of_an_older_kernel_does_so_too(older: Explored) -> None:
    _check(older)


def _check(explored: Explored) -> None:
    coverage = explored.coverage
    assert coverage.missing(explored.machine) == []
    print(f"{explored.driver.name}: {len(coverage.states)} states, {coverage.paths} paths")


@pytest.mark.parametrize("spec", ["qat", "pds", "xe"])
def test_no_device_is_stopped_behind_a_reset(spec: str, machines: Machines) -> None:
    explored = machines.get(next(file for file in project_specs() if file.path.stem == spec))
    if explored is None:
        pytest.skip(f"{spec} does not exist for {machines.kernel.release}")
    assert explored.coverage.late == []


def test_work_that_comes_late_changes_nothing(machines: Machines) -> None:
    """What a change of state has asked for is done before the next one, though nobody has begun with it."""
    explored = machines.get(next(file for file in project_specs() if file.path.stem == "mlx5"))
    assert explored is not None
    assert late_work(explored.program) == []


def late_work(program: Path) -> list[str]:
    """Return where it matters that the work of mlx5 hasn't begun when the next event comes."""
    events = [*(f"S{number}" for number in range(8)), "q0", "G", "Z", "r0", "E0", "C"]
    found = []
    for state, event in itertools.product(SAVING, events):
        opens = f"S{STATES.index(state)}"
        _, (soon, late) = play(program, [f"P O0 {opens} {event}", f"P O0 L {opens} {event}"])
        order = [name for name in late.names if name in ("mlx5vf_save", "mlx5vf_suspend")]
        stopped_first = "mlx5vf_save" in order and order[0] != "mlx5vf_save"
        if (late.returns, late.state) != (soon.returns, soon.state) or stopped_first:
            found.append(f"{opens} {event}: {late}, and without delay {soon}")
    return found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_fault_is_found(fault: Path, machines: Machines) -> None:
    spec = fault.parent.name
    explored = machines.get(next(file for file in project_specs() if file.path.stem == spec))
    if explored is None:
        pytest.skip(f"{spec} does not exist for {machines.kernel.release}")
    right, wrong = _side(fault, "-"), _side(fault, "+")
    assert right in explored.driver.main, f"{fault.name} no longer fits the C of {spec}"
    replay = explored.changed(f"{spec}-{fault.stem}", lambda text: text.replace(right, wrong))
    try:
        coverage = replay.explore()
        late = late_work(replay.program) if explored.machine.stream.background else []
    except MismatchError:
        return
    assert coverage.missing(explored.machine) or late, "nobody has noticed"


def _side(fault: Path, sign: str) -> str:
    lines = fault.read_text().splitlines()
    return "".join(f"{line[1:]}\n" for line in lines if line[:1] in (sign, " "))
