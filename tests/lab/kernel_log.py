# SPDX-License-Identifier: GPL-2.0-only
"""What in a kernel's log is a report of a fault."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

_START = re.compile(
    r"\] (?:"
    r"(?:\[ )?BUG: |KASAN|kernel BUG at|WARNING: |UBSAN: |Oops|general protection|Kernel panic"
    r"|unreferenced object|kmemleak: \d+ new|INFO: task .* blocked|rcu: INFO: .*stall"
    r"|watchdog: BUG|DEBUG_LOCKS_WARN_ON|ODEBUG: |DMA-API: .*(?:error|leak)|list_(?:add|del) corruption"
    r"|refcount_t: |Unable to handle|stack segment|invalid opcode|sysfs: cannot create"
    r"|(?:vfs|VFS): Busy|slab .*Objects remaining|=+ ?BUG"
    r")"
)
_LONGEST = 120
_MARK = re.compile(r"\[ *(\d+\.\d+)\] lab mark \d+: (.+)")
_BORN = re.compile(r"\bjiffies (\d+)")
# The lab's kernels count a thousand a second, and from five minutes before 2^32.
_TICKS = 1000
_FIRST = (1 << 32) - 300 * _TICKS


def find_reports(log: str) -> list[str]:
    """Return each report of a fault: the line that begins it and what follows, cut to a screenful."""
    return list(_reports(log.splitlines()))


def _reports(lines: list[str]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        if not _START.search(lines[at]):
            at += 1
            continue
        end = _end(lines, at)
        yield "\n".join(lines[at:end])
        at = end


def _end(lines: list[str], at: int) -> int:
    for end in range(at + 1, min(at + _LONGEST, len(lines))):
        if "---[ end trace" in lines[end] or "]  </TASK>" in lines[end]:
            return end + 1
    return min(at + _LONGEST, len(lines))


def name_leaks(leaks: str, log: str) -> list[str]:
    """Split what kmemleak says, and put before each leak what the log's marks say of its time."""
    starts = [match.start() for match in re.finditer(r"^unreferenced object", leaks, re.MULTILINE)]
    parts = [leaks[start:end] for start, end in itertools.pairwise([*starts, len(leaks)])]
    return [f"allocated during {_running_at(_born(part), log)}:\n{part}" for part in parts]


def _born(leak: str) -> float:
    """Return when a leak was allocated, in seconds since the boot."""
    match = _BORN.search(leak)
    return (int(match[1]) - _FIRST) / _TICKS if match else 0.0


def _running_at(seconds: float, log: str) -> str:
    """Return what the last mark before a time says."""
    marks = [(float(match[1]), match[2].strip()) for match in _MARK.finditer(log)]
    before = [text for time, text in marks if time <= seconds and text != "end"]
    return before[-1] if before else "the boot"
