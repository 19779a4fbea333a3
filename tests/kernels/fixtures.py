# SPDX-License-Identifier: GPL-2.0-only
"""The trees of a run of the tests, each had once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.kernels.build import Prepared, build, prepare
from tests.kernels.errors import BuildError, UnavailableError
from tests.kernels.trees import Tree, find_tree


@dataclass
class Trees:
    """Gets trees by name and remembers them, and what went wrong as well.

    A tree that can't be had skips the test; a build that fails fails it.
    """

    _kept: dict[tuple[str, str], Tree | Prepared | Exception] = field(default_factory=dict)

    def source(self, name: str) -> Tree:
        """Return the tree, its source unpacked."""
        found = self._get("source", name, lambda: find_tree(name))
        assert isinstance(found, Tree)
        return found

    def prepared(self, name: str) -> Prepared:
        """Return the tree prepared for modules, not always linkable."""
        return self._output("prepared", name, prepare)

    def built(self, name: str) -> Prepared:
        """Return the tree with all symbols known, building its kernel if need be."""
        return self._output("built", name, build)

    def _output(self, what: str, name: str, make: Callable[[Tree], Prepared]) -> Prepared:
        tree = self.source(name)
        found = self._get(what, name, lambda: make(tree))
        assert isinstance(found, Prepared)
        return found

    def _get(self, what: str, name: str, make: Callable[[], Tree | Prepared]) -> Tree | Prepared:
        if (what, name) not in self._kept:
            self._kept[what, name] = _or_reason(make)
        found = self._kept[what, name]
        if isinstance(found, UnavailableError):
            pytest.skip(f"no {what} kernel {name}: {found}")
        if isinstance(found, Exception):
            raise found
        return found


def _or_reason(make: Callable[[], Tree | Prepared]) -> Tree | Prepared | Exception:
    try:
        return make()
    except (BuildError, UnavailableError) as reason:
        return reason
