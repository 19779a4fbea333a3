# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of the state machine share: the newest tree, and the drivers that are built from it."""

from __future__ import annotations

import shutil

import pytest

from tests.kernels.fixtures import Trees
from tests.machine.machines import Explored, Machines, migrating
from vfiogen.kernel.target import kernel_from_tree
from vfiogen.project import SpecFile


@pytest.fixture(scope="session")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Machines:
    """The drivers of the newest tree."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc, which the stand-ins are written for")
    tree = Trees().source("newest").source
    return Machines(kernel_from_tree(tree), tree, tmp_path_factory.mktemp("machine"))


@pytest.fixture(params=migrating(), ids=lambda file: file.path.stem)
def explored(request: pytest.FixtureRequest, machines: Machines) -> Explored:
    """Each driver that migrates."""
    file: SpecFile = request.param
    found = machines.get(file)
    if found is None:
        pytest.skip(f"{file.path.stem} does not exist for {machines.kernel.release}")
    return found
