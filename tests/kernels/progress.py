# SPDX-License-Identifier: GPL-2.0-only
"""Commands run with a log, and a word on standard error about whatever takes over two seconds."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.kernels.errors import BuildError, UnavailableError

_PATIENCE = 2.0
_EVERY = 15.0
# Nothing of Python's is left in a tree whose scripts run.
_FIXED = {"LANG": "C", "LC_ALL": "C", "PYTHONDONTWRITEBYTECODE": "1"}
_INTRUDING = re.compile(
    r"MAKE\w*|MFLAGS|(?:KBUILD|KCONFIG|LC)_\w*|K(?:C|CPP|A)FLAGS|HOST\w+FLAGS"
    r"|ARCH|CROSS_COMPILE|LLVM|C|CF|CHECK|M|MO|O|V|W"
)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class _Ticker(threading.Thread):
    """Says what is going on, at first after two seconds; on a terminal in one line."""

    def __init__(self, title: str, detail: Callable[[], str]) -> None:
        super().__init__(daemon=True)
        self._title = title
        self._detail = detail
        self._done = threading.Event()
        self._start = time.monotonic()
        self._spoke = False

    def run(self) -> None:
        terminal = sys.stderr.isatty()
        wait = _PATIENCE
        while not self._done.wait(wait):
            self._say("\r\033[K" if terminal else "", "" if terminal else "\n")
            wait = 0.5 if terminal else _EVERY

    def stop(self, outcome: str) -> None:
        self._done.set()
        self.join()
        if self._spoke:
            start = "\r\033[K" if sys.stderr.isatty() else ""
            sys.stderr.write(f"{start}{self._title}: {outcome}, {self._elapsed}\n")
            sys.stderr.flush()

    @property
    def _elapsed(self) -> str:
        return _clock(time.monotonic() - self._start)

    def _say(self, start: str, end: str) -> None:
        self._spoke = True
        detail = self._detail()
        more = f" ({detail})" if detail else ""
        sys.stderr.write(f"{start}{self._title} ... {self._elapsed}{more}{end}")
        sys.stderr.flush()


@contextlib.contextmanager
def step(title: str, detail: Callable[[], str] = lambda: "") -> Iterator[None]:
    """Tell about a step while it runs, if it takes over two seconds."""
    ticker = _Ticker(title, detail)
    ticker.start()
    outcome = "failed"
    try:
        yield
        outcome = "done"
    finally:
        ticker.stop(outcome)


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment that no outer make, locale or kernel build reaches into."""
    kept = {key: value for key, value in os.environ.items() if not _INTRUDING.fullmatch(key)}
    return {**kept, **_FIXED, **(extra or {})}


def run_logged(
    command: Sequence[str | Path],
    title: str,
    log: Path,
    env: Mapping[str, str] | None = None,
    detail: Callable[[], str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run a command with its output in `log`.

    Raises BuildError with the end of the log when it fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out, step(title, detail or (lambda: _lines_of(log))):
        status = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=clean_environment(env),
            cwd=cwd,
            # Locks are handed on, so that what outlives a killed run still holds them.
            close_fds=False,
            check=False,
        ).returncode
        if status:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise BuildError(f"{title} failed (status {status}); {log} ends with\n{tail}")


def output_of(command: Sequence[str | Path], cwd: Path | None = None) -> str:
    """Return the standard output of a command.

    Raises UnavailableError when it fails or isn't there.
    """
    try:
        result = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            env=clean_environment(),
            cwd=cwd,
            check=False,
        )
    except OSError as error:
        raise UnavailableError(f"can't run {command[0]}: {error.strerror}") from error
    if result.returncode:
        raise UnavailableError(f"{command[0]} failed: {result.stderr.strip()}")
    return result.stdout


def _lines_of(log: Path) -> str:
    with contextlib.suppress(OSError):
        return f"{log.read_bytes().count(10)} lines of output"
    return ""
