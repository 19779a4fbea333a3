# SPDX-License-Identifier: GPL-2.0-only
"""What the lab takes for a report in a kernel's log."""

from __future__ import annotations

import pytest
from tests.lab.kernel_log import find_reports, name_leaks

_MARKS = """\
[   10.000000] lab mark 1: test_first[edu]
[   12.000000] lab mark 2: end
[   12.500000] lab mark 3: test_second[edu]
"""


@pytest.mark.parametrize(
    "line",
    [
        "BUG: KASAN: slab-use-after-free in edu_save_read+0x1b/0x2c [edu_vfio_pci]",
        "WARNING: CPU: 1 PID: 1 at drivers/vfio/pci/edu/main.c:10 edu_step+0x1/0x2 [edu_vfio_pci]",
        "WARNING: drivers/vfio/pci/edu/main.c:10 at edu_step+0x1/0x2 [edu_vfio_pci]",
        "WARNING: possible circular locking dependency detected",
        "[ BUG: Invalid wait context ]",
        "UBSAN: array-index-out-of-bounds in main.c:10:2",
        "BUG: sleeping function called from invalid context at main.c:10",
        "Oops: general protection fault, probably for non-canonical address",
        "INFO: task init:1 blocked for more than 15 seconds.",
    ],
)
def test_reports_are_found(line: str) -> None:
    report = [f"[    2.0] {line}", "[    2.1] Call Trace:", "[    2.2]  </TASK>"]
    log = ["[    1.0] harmless", *report, "[    3.0] harmless"]
    assert find_reports("\n".join(log)) == ["\n".join(report)]


@pytest.mark.parametrize(
    "line", ["vfio-pci 0000:00:10.0: resetting", "lab mark 1: test_bugs[edu]", "debug: WARNING"]
)
def test_other_lines_are_no_report(line: str) -> None:
    assert find_reports(f"[    2.0] {line}\n") == []


def test_a_leak_is_named_for_the_test_that_ran() -> None:
    def leak(seconds: float) -> str:
        ticks = (1 << 32) - 300_000 + int(seconds * 1000)
        return f'unreferenced object 0xff (size 8):\n  comm "init", pid 1, jiffies {ticks}\n'

    named = name_leaks(leak(2) + leak(11) + leak(13), _MARKS)
    firsts = [one.partition("\n")[0] for one in named]
    assert firsts == [
        "allocated during the boot:",
        "allocated during test_first[edu]:",
        "allocated during test_second[edu]:",
    ]
    assert name_leaks("", _MARKS) == []
