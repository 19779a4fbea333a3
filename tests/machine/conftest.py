# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of the state machine share: the trees, and the drivers that are built for them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.kernels.fixtures import Trees
from tests.kernels.trees import NAMES
from tests.machine.machines import Explored, Machines, migrating
from vfiogen.kernel.target import kernel_from_tree
from vfiogen.project import SpecFile


def _machines(name: str, directory: Path) -> Machines:
    if shutil.which("gcc") is None:
        pytest.skip("no gcc, which the stand-ins are written for")
    tree = Trees().source(name).source
    return Machines(kernel_from_tree(tree), tree, directory)


@pytest.fixture(scope="session")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Machines:
    """The drivers of the newest tree."""
    return _machines("newest", tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="session", params=[name for name in NAMES if name != "newest"])
def older_machines(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Machines:
    """The drivers of the other trees."""
    return _machines(request.param, tmp_path_factory.mktemp("machine"))


@pytest.fixture(params=migrating(), ids=lambda file: file.path.stem)
def explored(request: pytest.FixtureRequest, machines: Machines) -> Explored:
    """Each driver that migrates, on the newest tree."""
    return _get(machines, request.param)


@pytest.fixture(params=migrating(), ids=lambda file: file.path.stem)
def older(request: pytest.FixtureRequest, older_machines: Machines) -> Explored:
    """Each driver that migrates, on the other trees."""
    return _get(older_machines, request.param)


def _get(machines: Machines, file: SpecFile) -> Explored:
    found = machines.get(file)
    if found is None:
        pytest.skip(f"{file.path.stem} does not exist for {machines.kernel.release}")
    return found
