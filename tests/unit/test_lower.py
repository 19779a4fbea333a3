# SPDX-License-Identifier: GPL-2.0-only
"""From steps and expressions to C: what each kind becomes, on a small device."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.small import function, render

REGISTERS = """
registers:
  regs:
    bar: 0
    map:
      control: { at: 0x00, bits: { run: 0, mode: 4..7 } }
      status: { at: 0x04, access: ro, bits: { ready: 0 } }
      count: { at: 0x08, access: ro }
      wide: { at: 0x10, width: 64 }
      kick: { at: 0x18, access: wo, bits: { go: 3 } }
"""


def rendered(directory: Path, commands: str, opened: str, more: str = "", release: str = "7.3.4") -> str:
    """Render a driver with the given commands and open steps, and return its main.c."""
    text = f"{REGISTERS}{more}commands:\n{commands}\nlifecycle:\n  open:\n{opened}\n"
    return render(directory, text, release)


def steps(directory: Path, *lines: str) -> str:
    """Render a command `act` of the given steps and return its body."""
    body = "\n".join(f"      - {line}" for line in lines)
    return function(rendered(directory, f"  act:\n    steps:\n{body}", "    - act"), "acme_act")


def test_bits_of_a_readable_register_leave_the_others_alone(tmp_path: Path) -> None:
    text = steps(
        tmp_path,
        "write: regs.control.run = true",
        "write: regs.control.mode = 5",
        "write: regs.control.run = false",
    )
    address = "acme->bar0 + ACME_REGS_CONTROL"
    assert f"acme_write32(acme, acme_read32(acme, {address}) | ACME_REGS_CONTROL_RUN, {address})" in text
    assert (
        f"(acme_read32(acme, {address}) & ~ACME_REGS_CONTROL_MODE) | FIELD_PREP(ACME_REGS_CONTROL_MODE, 5)"
        in text
    )
    assert f"acme_read32(acme, {address}) & ~ACME_REGS_CONTROL_RUN, {address})" in text


def test_bits_of_a_write_only_register_are_written_alone(tmp_path: Path) -> None:
    assert "acme_write32(acme, ACME_REGS_KICK_GO, acme->bar0 + ACME_REGS_KICK)" in steps(
        tmp_path, "write: regs.kick.go = true"
    )


def test_zero_and_one_are_written_to_a_bit_like_false_and_true(tmp_path: Path) -> None:
    numbers = steps(tmp_path, "write: regs.control.run = 1", "write: regs.control.run = 0")
    assert numbers == steps(tmp_path, "write: regs.control.run = true", "write: regs.control.run = false")


def test_poll_reads_through_the_access_function(tmp_path: Path) -> None:
    text = steps(tmp_path, "{ poll: regs.status.ready, every: 1ms, for: 2s }")
    assert (
        "read_poll_timeout(acme_read32, status, status & ACME_REGS_STATUS_READY, 1000, 2000000, false, acme,"
        in text
    )
    assert "if (ret) return ret;" in text or text.endswith("acme->bar0 + ACME_REGS_STATUS);")


def test_failed_poll_takes_the_error_that_was_asked_for(tmp_path: Path) -> None:
    text = steps(tmp_path, "{ poll: regs.count == 0, every: 10us, for: 1ms, error: EBUSY }")
    assert "!count" in text or "count == 0" in text
    assert "return -EBUSY;" in text


def test_check_is_turned_around(tmp_path: Path) -> None:
    text = steps(tmp_path, "{ check: regs.count < 16, error: EINVAL }")
    assert ">= 16) return -EINVAL;" in text


def test_device_is_read_once_for_a_membership(tmp_path: Path) -> None:
    text = steps(tmp_path, "{ check: 'regs.count in (1, 2, 4)' }")
    assert text.count("acme_read32(") == 1
    assert "value == 1 || value == 2 || value == 4" in text


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("regs.wide + 1", "check_add_overflow("),
        ("regs.wide - 1", "check_sub_overflow("),
        ("regs.wide * 3", "check_mul_overflow("),
    ],
)
def test_calculation_that_may_leave_its_type_is_checked(
    tmp_path: Path, expression: str, expected: str
) -> None:
    text = steps(tmp_path, f"write: regs.wide = {expression}")
    assert expected in text
    assert "return -EOVERFLOW;" in text


def test_calculation_that_cannot_overflow_is_plain(tmp_path: Path) -> None:
    text = steps(tmp_path, "write: regs.wide = (regs.control.mode * 2) + 1")
    assert "overflow" not in text


UNDONE = """  first: { params: { number: u32 }, steps: [{ write: regs.wide = number }] }
  second: { steps: [{ write: regs.kick.go = true }] }"""


def test_undo_runs_in_reverse_at_failure_and_at_close(tmp_path: Path) -> None:
    opened = """    - { do: first(1), undo: first(2) }
    - { write: regs.control.run = true, undo: { write: regs.control.run = false } }
    - second"""
    text = rendered(tmp_path, UNDONE, opened)
    body = function(text, "acme_open_device")
    undo = "acme_write32(acme, acme_read32(acme, acme->bar0 + ACME_REGS_CONTROL) & ~ACME_REGS_CONTROL_RUN"
    failing = body[body.index("return 0;") :]
    assert (
        failing.index(undo) < failing.index("acme_first(acme, 2);") < failing.index("vfio_pci_core_disable(")
    )
    close = function(text, "acme_close_device")
    assert (
        close.index(undo) < close.index("acme_first(acme, 2);") < close.index("vfio_pci_core_close_device(")
    )


def test_label_without_a_goto_is_not_there(tmp_path: Path) -> None:
    text = rendered(tmp_path, UNDONE, "    - { do: first(1), undo: first(2) }\n    - second")
    body = function(text, "acme_open_device")
    for label in re.findall(r"(\w+):", body):
        assert f"goto {label};" in body


def test_old_kernel_maps_the_bar_by_hand(tmp_path: Path) -> None:
    text = rendered(tmp_path, UNDONE, "    - do: first(1)\n    - second", release="6.1.192")
    body = function(text, "acme_open_device")
    assert "pci_request_selected_regions(pdev, BIT(0), KBUILD_MODNAME)" in body
    assert "vfio_pci_core_get_iomap" not in text


RESULTS = """  two:
    results: { first: u32, other: u32 }
    steps: [{ set: first = regs.count }, { set: other = regs.status }]
  act:
    steps: [{ write: regs.wide = two.other }]"""


def test_each_result_has_its_place(tmp_path: Path) -> None:
    text = rendered(tmp_path, RESULTS, "    - act")
    assert "acme_two(acme, &first, &other)" in function(text, "acme_act")
    assert "acme_write64(acme, other, " in function(text, "acme_act")
    assert "*other = acme_read32(" in function(text, "acme_two")


PARENT = """provider:
  handle: boss
  type: struct boss *
  headers: [linux/boss.h]
  get: boss_find(device) -> struct boss * or errno
  put: boss_forget(boss) -> void
"""


def test_init_does_not_use_what_the_core_has_not_set_yet(tmp_path: Path) -> None:
    """core_device.pdev is set by vfio_pci_core_init_dev(), and declarations come before it."""
    text = rendered(tmp_path, "  act: boss_act(boss)", "    - act", more=PARENT)
    declared, _, rest = function(text, "acme_init").partition("vfio_pci_core_init_dev(")
    assert "struct pci_dev *pdev = to_pci_dev(core_vdev->dev);" in declared
    assert "core_device.pdev" not in declared
    assert "boss_find(pdev)" in rest


GIVEN = "  act: { params: { number: u32 }, call: 'boss_act(boss, regs.count | number)' }"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("regs.status & 3", "| (acme_read32(acme, acme->bar0 + ACME_REGS_STATUS) & 3))"),
        ("regs.status | 3", "| (acme_read32(acme, acme->bar0 + ACME_REGS_STATUS) | 3))"),
        ("regs.status", "| acme_read32(acme, acme->bar0 + ACME_REGS_STATUS))"),
    ],
)
def test_argument_of_a_command_has_the_parentheses_that_it_needs(
    tmp_path: Path, given: str, expected: str
) -> None:
    """The command is written in place, with the argument beside an operator of its own."""
    text = rendered(tmp_path, GIVEN, f"    - act({given})", more=PARENT)
    assert expected in function(text, "acme_open_device").replace("( ", "(")


MOVING = """structures:
  struct boss: { fields: { number: { type: u32, changes: true }, size: u32 } }
"""


def test_field_that_changes_is_read_once(tmp_path: Path) -> None:
    """Twice in a call it is the same value."""
    act = "  act: { params: { number: u32 }, call: 'boss_act(boss, number, number, boss.size)' }"
    text = rendered(tmp_path, act, "    - act(boss.number)", more=PARENT + MOVING)
    body = function(text, "acme_open_device")
    assert body.count("READ_ONCE(acme->boss->number)") == body.count("boss->number") == 1
    assert "boss_act(acme->boss, value, value, acme->boss->size)" in body
    assert "#include <linux/compiler.h>" in text


def test_command_that_cannot_fail_has_no_error_to_look_at(tmp_path: Path) -> None:
    commands = "  now: { results: { ticks: u64 }, call: 'boss_now(boss, out ticks) -> void' }"
    text = rendered(tmp_path, commands, "    - write: regs.wide = now", more=PARENT)
    assert "static void acme_now(" in text
    assert "= acme_now(" not in text
    assert "acme_now(acme, &ticks);" in function(text, "acme_open_device")
