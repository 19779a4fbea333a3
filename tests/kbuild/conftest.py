# SPDX-License-Identifier: GPL-2.0-only
"""Kernel trees as fixtures: each had once a session, a test skipped with the reason where it can't be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kernels.build import Prepared
from tests.kernels.fixtures import Trees
from tests.kernels.trees import NAMES, Tree, further_names

HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "kernel: needs a kernel tree; slow the first time")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("kernel")


@pytest.fixture(scope="session")
def trees() -> Trees:
    return Trees()


@pytest.fixture(scope="session", params=[*NAMES, *further_names()])
def tree(request: pytest.FixtureRequest, trees: Trees) -> Tree:
    """Each tree in turn."""
    return trees.source(request.param)


@pytest.fixture(scope="session")
def built(tree: Tree, trees: Trees) -> Prepared:
    """Each tree in turn, built."""
    return trees.built(tree.name)


@pytest.fixture(scope="session")
def newest(trees: Trees) -> Tree:
    return trees.source("newest")


@pytest.fixture(scope="session")
def newest_built(trees: Trees) -> Prepared:
    return trees.built("newest")
