# SPDX-License-Identifier: GPL-2.0-only
"""What the unit tests share: the newest kernel tree where there is one; nothing is fetched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# How long one example takes is the machine's business.
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")


def _candidates() -> list[Path]:
    given = [Path(part) for part in os.environ.get("VFIOGEN_TREES", "").split(":") if part]
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(os.environ.get("VFIOGEN_CACHE") or Path(base) / "vfiogen")
    return given or sorted(cache.glob("trees/*/source"))


def _version(tree: Path) -> tuple[int, ...]:
    values: dict[str, str] = {}
    for line in (tree / "Makefile").read_text().splitlines()[:8]:
        name, _, value = line.partition("=")
        values[name.strip()] = value.strip()
    return tuple(int(values.get(name) or 0) for name in ("VERSION", "PATCHLEVEL", "SUBLEVEL"))


@pytest.fixture(scope="session")
def newest_tree() -> Path:
    """The sources of the newest kernel at hand, or a skip."""
    whole = [tree for tree in _candidates() if (tree / "scripts/checkpatch.pl").is_file()]
    if not whole:
        pytest.skip("no kernel sources: VFIOGEN_TREES names none and the cache has none")
    return max(whole, key=_version)
