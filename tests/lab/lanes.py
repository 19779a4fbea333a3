# SPDX-License-Identifier: GPL-2.0-only
"""Guests side by side: each belongs to a process of the test run, a lane, which has drivers of its own."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

# What a guest with its emulator takes at most, in KiB, and the process that it serves.
_NEEDED = 2 << 20
_INPUT = "lanes"


@dataclass(frozen=True)
class Lane:
    """One of several processes that share a run, or the only one."""

    number: int = 0
    count: int = 1

    @property
    def directory(self) -> str:
        """Where below the logs of the run its own are."""
        return str(self.number) if self.count > 1 else ""


def guests_at_once() -> int:
    """Return for how many guests there are processors and memory."""
    processors = len(os.sched_getaffinity(0))
    return max(1, min(processors, _available() // _NEEDED))


def _available() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1])
    return 0


def make_scheduler(config: pytest.Config, log: Any) -> object:
    """Return a scheduler of pytest-xdist's: each process runs all that it selects, and so takes its share."""
    from xdist.scheduler import EachScheduling

    class Lanes(EachScheduling):
        def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
            super().add_node_collection(node, collection)
            # The run has the tests of all lanes, of which some may have none.
            session = config.pluginmanager.get_plugin("session")
            assert isinstance(session, pytest.Session)
            session.testscollected = sum(map(len, self.node2collection.values()))

    return Lanes(config, log)


def tell_lanes(workerinput: dict[str, object]) -> None:
    """Tell a process that it is one of several lanes."""
    workerinput[_INPUT] = workerinput["workercount"]


def lane_of(config: pytest.Config) -> Lane:
    """Return the lane that this process is."""
    given = getattr(config, "workerinput", {})
    return Lane(int(given["workerid"].removeprefix("gw")), given[_INPUT]) if _INPUT in given else Lane()


def share_out(tests: Iterable[str], count: int) -> Mapping[str, int]:
    """Return which of so many lanes takes a driver, by the drivers of all tests in their order.

    Neighbours stay together, since they have the same machine: each lane boots it anew.
    """
    sizes = Counter(tests)
    found, passed = {}, 0
    for name, size in sizes.items():
        found[name] = min(count - 1, (2 * passed + size) * count // (2 * sizes.total()))
        passed += size
    return found
