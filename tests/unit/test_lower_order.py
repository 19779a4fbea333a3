# SPDX-License-Identifier: GPL-2.0-only
"""What is worked out when, and what is given back: the C of values that take more than an expression."""

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
      control: { at: 0x00, bits: { run: 0, last: 31 } }
      status: { at: 0x04, access: ro, bits: { ready: 4 } }
      ring: { at: 0x10, count: 8 }
context:
  level: { type: u32 }
"""
ASK = '  ask: { results: { answer: u32 }, call: "hw_ask(device, out answer)" }\n'


def act(directory: Path, *steps: str, more: str = "", params: str = "") -> str:
    """Return the body of a command with the given steps."""
    lines = "".join(f"      - {step}\n" for step in steps)
    given = f"    params: {params}\n" if params else ""
    text = f"{REGISTERS}commands:\n{ASK}{more}  act:\n{given}    steps:\n{lines}"
    call = "act" + ("(" + ", ".join("1" for _ in params.split(",")) + ")" if params else "")
    return function(render(directory, f"{text}lifecycle:\n  open:\n    - {call}\n"), "acme_act")


def test_only_the_chosen_command_runs(tmp_path: Path) -> None:
    text = act(tmp_path, "set: level = if regs.control.run then ask else 3")
    assert "if (acme_read32(acme, acme->bar0 + ACME_REGS_CONTROL) & ACME_REGS_CONTROL_RUN) {" in text
    assert text.index("& ACME_REGS_CONTROL_RUN) {") < text.index("acme_ask(") < text.index("} else {")
    assert "chosen = 3;" in text


def test_what_logic_does_not_come_to_is_not_done(tmp_path: Path) -> None:
    both = act(tmp_path, "check: level > 3 and ask == 4")
    assert both.startswith("u32 answer; bool holds; int ret; holds = acme->level > 3; if (holds) {")
    either = act(tmp_path, "check: level > 3 or ask == 4")
    assert "if (!holds) { ret = acme_ask(acme, &answer);" in either


def test_bits_are_compared_as_truth(tmp_path: Path) -> None:
    text = act(tmp_path, "check: regs.control.last == regs.status.ready")
    assert text.count("!!(acme_read32(") == 2


def test_an_index_is_bounded(tmp_path: Path) -> None:
    text = act(tmp_path, "write: regs.ring[level] = regs.ring[regs.status & 7]")
    assert "if (acme->level >= 8) return -ERANGE;" in text
    assert text.count("-ERANGE") == 1, "what can't go beyond isn't tested"


def test_double_negation_keeps_its_parentheses(tmp_path: Path) -> None:
    text = act(tmp_path, "check: not (not (regs.control.run or level == 1)) and level == 2")
    assert re.search(r"if \(!\(\(.* \|\| acme->level == 1\) && acme->level == 2\)\)", text)


def test_variables_make_room_for_parameters(tmp_path: Path) -> None:
    steps = (
        "{ poll: regs.status == status, every: 1us, for: 1ms }",
        "{ poll: regs.status.ready, every: 1us, for: 1ms }",
        "check: ask == answer",
    )
    text = act(tmp_path, *steps, params="{ status: u32, answer: u32 }")
    assert "status2 == status" in text
    assert text.count("u32 status2;") == 1
    assert "acme_ask(acme, &answer2)" in text
    assert "answer2 != answer" in text


def test_an_argument_that_is_used_twice_is_asked_for_once(tmp_path: Path) -> None:
    more = '  both: { params: { value: u32 }, call: "hw_both(value << 2, value << 1)" }\n'
    text = act(tmp_path, "both(regs.status)", more=more)
    assert text.count("acme_read32(") == 1
    plain = act(tmp_path, "both(level & 3)", more=more)
    assert "hw_both((acme->level & 3) << 2, (acme->level & 3) << 1)" in plain


def test_an_error_beside_a_value_is_an_error(tmp_path: Path) -> None:
    more = '  find: "hw_find(device) -> u32 or errno"\n  spare: "hw_spare(device) -> struct hw * or null"\n'
    text = act(
        tmp_path,
        "check: find == 5 and spare == spare-one",
        more=more + "  spare-one: hw_one() -> struct hw *\n",
    )
    assert "find = hw_find(pdev); if (find < 0) return find;" in text
    assert "spare = hw_spare(pdev); if (!spare) return -ENODEV;" in text


PARENT = """
provider:
  handle: hw
  type: struct hw *
  headers: [linux/hw.h]
  get: hw_get(parent) -> struct hw * or errno
  put: hw_put(hw) -> void
  hold: call
commands:
  plain: hw_plain(hw)
  silent: hw_silent(hw) -> void
  value: { results: { answer: u32 }, call: "hw_value(hw) -> u32 or errno" }
  named: 'hw_named(hw, "{domain}", "{vf-id}", "as it is, 100%")'
  steps: { steps: [{ check: hw == hw-other }] }
  hw-other: hw_other() -> struct hw *
context:
  number: { type: u32 }
lifecycle:
  open: [plain, silent, { set: number = value }, named, steps]
"""


@pytest.fixture
def parent(tmp_path: Path) -> str:
    return render(tmp_path, PARENT)


def test_a_parent_is_given_back_whatever_happens(parent: str) -> None:
    assert "ret = hw_plain(hw); hw_put(hw); return ret;" in function(parent, "acme_plain")
    text = function(parent, "acme_value")
    assert (
        "if (ret < 0) goto err_put; *answer = ret; hw_put(hw); return 0; err_put: hw_put(hw); return ret;"
        in text
    )
    assert "goto err_put;" in function(parent, "acme_steps")


def test_a_function_that_returns_nothing_goes_without_the_parent(parent: str) -> None:
    text = function(parent, "acme_silent")
    assert "if (IS_ERR(hw)) return; hw_silent(hw); hw_put(hw);" in text


def test_texts_are_freed(parent: str) -> None:
    text = function(parent, "acme_named")
    assert "if (!name2) { kfree(name); ret = -ENOMEM; goto err_put; }" in text
    assert 'ret = hw_named(hw, name, name2, "as it is, 100%"); kfree(name); kfree(name2);' in text


STREAM = """
registers:
  regs: { bar: 0, map: { control: { at: 0x00, transient: a test }, length: { at: 0x04, access: ro } } }
context:
  image: { type: u8 * }
commands:
  start: { steps: [{ poll: regs.length == 0, every: 1ms, for: 1s }, { write: regs.control = 1 }] }
  stop: { steps: [{ write: regs.control = 0 }, { wait: 1ms }] }
  tell: hw_tell(device, 5)
migration:
  features: [pre-copy]
  arcs: { RUNNING -> STOP: [stop, tell], STOP -> RUNNING: [tell, start] }
  stream:
    memory: image
    capacity: 4096 + 4096
    save: { pre-copy: { length: capacity }, stop-copy: { length: regs.length } }
    load: { lengths: [capacity, regs.length] }
  size: if regs.length == 0 then 4096 else regs.length + regs.length
  reset: [tell, { write: regs.control = 0 }]
"""


@pytest.fixture
def stream(tmp_path: Path) -> str:
    return render(tmp_path, STREAM)


def test_a_length_is_asked_for_once_and_held_against_the_memory(stream: str) -> None:
    text = function(stream, "acme_save_stop_copy")
    assert text.count("acme_read32(") == 1
    assert "if (produced > 4096 + 4096) return -EIO; migf->length = produced;" in text
    assert "migf->length = 4096 + 4096;" in function(stream, "acme_save_pre_copy")


def test_a_file_is_judged_before_it_is_loaded(stream: str) -> None:
    text = function(stream, "acme_load")
    assert text.index("acme_file_error(migf)") < text.index("acme_read32(")
    assert "migf->length != 4096 + 4096" in text


def test_a_failed_save_starts_the_device_again(stream: str) -> None:
    text = function(stream, "acme_stop_and_save")
    assert "ret = acme_running_to_stop(acme); if (ret) return ret;" in text
    assert "err_start: if (acme_stop_to_running(acme)) acme_fail(acme); return ret;" in text


def test_the_opposite_arc_is_the_only_undo_of_a_stop(tmp_path: Path) -> None:
    text = STREAM.replace(
        "RUNNING -> STOP: [stop, tell]", "RUNNING -> STOP: [{ do: stop, undo: { write: regs.control = 3 } }]"
    )
    body = function(render(tmp_path, text), "acme_stop_and_save")
    assert body.endswith("return 0; err_start: if (acme_stop_to_running(acme)) acme_fail(acme); return ret;")
    assert "acme_write32" not in body


def test_a_size_that_overflows_unlocks(stream: str) -> None:
    text = function(stream, "acme_get_data_size")
    assert "ret = -EOVERFLOW; goto err_unlock;" in text
    assert "mutex_unlock(&acme->state_mutex); return 0; err_unlock: mutex_unlock(" in text


def test_a_reset_needs_no_variables(stream: str) -> None:
    text = function(stream, "acme_settle_reset")
    assert (
        "hw_tell(acme->core_device.pdev, 5); acme_write32(acme, 0, acme->bar0 + ACME_REGS_CONTROL);" in text
    )
    assert "\t\thw_tell(" not in stream[stream.index("acme_settle_reset(struct") :].partition("\n}\n")[0]


def test_commands_that_a_kernel_does_without_are_left_out(tmp_path: Path) -> None:
    text = """
commands:
  new: { steps: [helper] }
  helper: { steps: [{ wait: 1ms }] }
  always: { steps: [{ wait: 2ms }] }
lifecycle:
  open: [{ do: new, needs: pre-copy }, always]
"""
    assert "acme_helper(" in render(tmp_path, text, "7.3.4")
    old = render(tmp_path, text, "6.1.192")
    assert "acme_helper" not in old
    assert "acme_new" not in old
    assert "acme_always(acme)" in old
