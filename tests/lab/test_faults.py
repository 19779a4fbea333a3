# SPDX-License-Identifier: GPL-2.0-only
"""The suite can fail: each deliberate fault is found by the test that is named for it.

These run with --faults only: each boots a guest of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.rendering import ROOT
from tests.lab.bench import Lab
from tests.lab.builds import render_driver
from tests.lab.driver import Driver
from tests.lab.drivers import known_drivers
from tests.lab.faults import FAULTS, Fault

_FAILED = re.compile(r"^FAILED tests/lab/\S+::(\w+)", re.MULTILINE)


def _driver(fault: Fault) -> Driver:
    return next(one for one in known_drivers() if one.name == fault.driver)


@pytest.mark.faults
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_found(lab: Lab, fault: Fault, tmp_path: Path) -> None:
    driver = _driver(fault)
    files = render_driver(driver, lab.kernel)
    text = files[fault.file].decode()
    assert text.count(fault.old) == 1, "the fault fits the driver no more"
    files[fault.file] = text.replace(fault.old, fault.new).encode()
    place = tmp_path / driver.directory
    place.mkdir()
    for name, data in files.items():
        (place / name).write_bytes(data)
    said = _run(fault, tmp_path)
    assert set(_FAILED.findall(said)) & set(re.findall(r"test_\w+", fault.killer)), said[-3000:]
    assert "can't be tested" not in said, said[-3000:]


def _run(fault: Fault, image: Path) -> str:
    """Run the tests that are to find a fault, and return what pytest says."""
    command = [sys.executable, "-m", "pytest", "tests/lab", "-q", "-rf", "--tb=short", "-x"]
    command += ["--driver", fault.driver, "--image", str(image), "-k", fault.killer]
    command += ["--lab-logs", str(image / "logs")]
    shared = {name for name in os.environ if name.startswith("PYTEST_XDIST")}
    environment = {name: text for name, text in os.environ.items() if name not in {"PYTEST_ADDOPTS", *shared}}
    if "test_nothing_is_leaked" in fault.killer:
        command.remove("-x")
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return result.stdout + result.stderr
