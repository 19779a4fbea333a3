# SPDX-License-Identifier: GPL-2.0-only
"""The lab's deliberate faults fit what is rendered, and name tests that there are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from tests.golden.rendering import ROOT
from tests.lab.driver import Driver
from tests.lab.drivers import known_drivers
from tests.lab.faults import FAULTS, Fault

from vfiogen.project import find_project

_NEWEST = ROOT / "out" / find_project(ROOT).targets[-1]


def _driver(fault: Fault) -> Driver:
    return next(driver for driver in known_drivers() if driver.name == fault.driver)


def _tests() -> set[str]:
    nodes = (
        node
        for path in Path(ROOT, "tests/lab").glob("test_*.py")
        for node in ast.parse(path.read_text()).body
    )
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


def test_there_are_twenty_of_different_names() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 20


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_fits_the_driver_once(fault: Fault) -> None:
    text = (_NEWEST / _driver(fault).directory / fault.file).read_text()
    assert text.count(fault.old) == 1
    assert fault.old != fault.new


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_test_that_finds_a_fault_is_there(fault: Fault) -> None:
    assert set(re.findall(r"test_\w+", fault.killer)) <= _tests()
