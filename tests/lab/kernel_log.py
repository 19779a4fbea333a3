# SPDX-License-Identifier: GPL-2.0-only
"""What in a kernel's log is a report of a fault."""

from __future__ import annotations

import re
from collections.abc import Iterator

_START = re.compile(
    r"\] (?:"
    r"BUG: |KASAN|kernel BUG at|WARNING: |UBSAN: |Oops|general protection|Kernel panic"
    r"|unreferenced object|kmemleak: \d+ new|INFO: task .* blocked|rcu: INFO: .*stall"
    r"|watchdog: BUG|DEBUG_LOCKS_WARN_ON|ODEBUG: |DMA-API: .*(?:error|leak)|list_(?:add|del) corruption"
    r"|refcount_t: |Unable to handle|stack segment|invalid opcode|sysfs: cannot create"
    r"|(?:vfs|VFS): Busy|slab .*Objects remaining|=+ ?BUG"
    r")"
)
_LONGEST = 120


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
