# SPDX-License-Identifier: GPL-2.0-only
"""Files in debugfs: when they may look at the device, and what is there for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.small import function, render

SPEC = """
registers:
  regs:
    bar: 0
    map:
      level: { at: 0x00 }
      wide: { at: 0x08, width: 64, transient: It is only looked at. }
      status: { at: 0x10, access: ro, bits: { ready: 0 } }
structures:
  acme-state:
    fields:
      magic: { type: u32, const: 0x41434d45 }
      level: { type: u32, register: regs.level }
commands:
  ask: { results: { answer: u32 }, call: "hw_ask(device, out answer)" }
migration:
  arcs: { RUNNING -> STOP: none, STOP -> RUNNING: none }
  stream: { structure: acme-state }
  debugfs:
    needs: vfio-debugfs-root
    directory: acme
    files:
      FILES
"""


def main(directory: Path, *files: str, release: str = "7.3.4") -> str:
    return render(directory, SPEC.replace("FILES", "\n      ".join(files)), release)


def test_a_device_is_dumped_while_it_is_open_and_stopped(tmp_path: Path) -> None:
    text = function(main(tmp_path, "data: { dump: device }"), "acme_debug_data_show")
    places = (
        "acme_lock_state(",
        "->opened",
        "_STATE_STOP &&",
        "acme_save_state(acme, state)",
        "mutex_unlock(",
    )
    found = [text.find(place) for place in places]
    assert -1 not in found
    assert found == sorted(found)


def test_every_end_of_a_dump_unlocks_and_frees(tmp_path: Path) -> None:
    text = function(main(tmp_path, "data: { dump: device }"), "acme_debug_data_show")
    assert text.endswith("err_free: kfree(state); err_unlock: mutex_unlock(&acme->state_mutex); return ret;")
    assert "mutex_unlock(&acme->state_mutex); seq_hex_dump(" in text
    assert "false); kfree(state); return 0;" in text


def test_what_is_open_is_known_under_the_lock(tmp_path: Path) -> None:
    text = main(tmp_path, "data: { dump: device }")
    opening = function(text, "acme_open_device")
    assert "mutex_lock(&acme->state_mutex); acme->opened = true; mutex_unlock(&acme->state_mutex);" in opening
    closing = function(text, "acme_close_device")
    assert (
        closing.index("opened = false;")
        < closing.index("mutex_unlock(")
        < closing.index("core_close_device(")
    )


def test_the_last_transfer_is_kept_and_needs_no_device(tmp_path: Path) -> None:
    text = main(tmp_path, "data: { dump: stream }")
    assert "(*migf)->acme->last_data = (*migf)->state;" in function(text, "acme_put_file")
    assert "opened" not in text


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("regs.level", '"value: %#x\\n", acme_read32(acme, acme->bar0 + ACME_REGS_LEVEL)'),
        ("regs.wide", '"value: %#llx\\n", acme_read64(acme, acme->bar0 + ACME_REGS_WIDE)'),
        ("not regs.status.ready", '"value: %d\\n", !(acme_read32('),
        ("7", '"value: %#llx\\n", (u64)(7)'),
        ("ask", '"value: %#x\\n", answer'),
    ],
)
def test_a_value_is_printed_as_its_type_asks(value: str, printed: str, tmp_path: Path) -> None:
    text = function(main(tmp_path, f'data: {{ show: {{ value: "{value}" }} }}'), "acme_debug_data_show")
    assert printed in text


def test_a_condition_comes_before_the_values(tmp_path: Path) -> None:
    file = "data: { when: regs.status.ready, show: { value: regs.level } }"
    text = function(main(tmp_path, file), "acme_debug_data_show")
    assert text.index("->opened") < text.index("ret = -ENODATA") < text.index("seq_printf(")


def test_a_kernel_without_it_has_no_trace_of_it(tmp_path: Path) -> None:
    files = ("data: { dump: device }", "last: { dump: stream }", "value: { show: { answer: ask } }")
    text = main(tmp_path, *files, release="6.1.192")
    for word in ("debug", "seq_", "opened", "last_", "hw_ask"):
        assert word not in text
