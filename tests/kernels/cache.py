# SPDX-License-Identifier: GPL-2.0-only
"""The cache directory: where it is, who may work in it, and how something appears in it whole."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path


def cache_root() -> Path:
    """Return the cache directory: VFIOGEN_CACHE, or vfiogen in the user's cache."""
    given = os.environ.get("VFIOGEN_CACHE")
    if given:
        return Path(given).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "vfiogen"


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the cache's lock `name`; say so when another run holds it.

    Commands that are started meanwhile share it (see run_logged).
    """
    path = cache_root() / "locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        _take(file.fileno(), path)
        os.set_inheritable(file.fileno(), True)
        yield


def _take(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stderr.write(f"waiting for another run that holds {path}\n")
        fcntl.flock(descriptor, fcntl.LOCK_EX)


@contextlib.contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """Yield a directory beside `target` that becomes it at the end, or goes after an error.

    What an interrupted run left under the temporary name is removed first. Hold a lock.
    """
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
