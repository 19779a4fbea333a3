# SPDX-License-Identifier: GPL-2.0-only
"""The C of structures with a head, of registers at a base, and of what is known of IDs."""

from __future__ import annotations

import re

import pytest
from tests.golden.rendering import combination_specs, project_specs, render
from tests.unit.small import function

from vfiogen.kernel.target import kernel_from_release

NEWEST, OLDEST = "7.3.4", "6.1.192"


def main(driver: str, release: str = NEWEST) -> str:
    files = [file for file in (*combination_specs(), *project_specs()) if f"{driver}.yaml" in str(file.path)]
    return render(files, kernel_from_release(release))[f"{driver}/main.c"]


def in_order(text: str, *parts: str) -> bool:
    places = [text.find(part) for part in parts]
    assert -1 not in places, [part for part, at in zip(parts, places, strict=True) if at < 0]
    return places == sorted(places)


def test_fields_are_compared_as_soon_as_they_have_arrived() -> None:
    check = function(main("structure-head"), "head_check_match")
    assert in_order(
        check,
        "loaded < offsetofend(struct head_state, id)",
        "state->id != expected->id",
        "loaded < offsetofend(struct head_state, version)",
        "state->version != expected->version",
    )


def test_an_older_stream_is_taken_without_what_it_lacks() -> None:
    check = function(main("structure-head"), "head_check_match")
    older = "state->magic != cpu_to_be32(HEAD_STATE_MAGIC_OLD)"
    assert check.count(older) == 2
    assert f"state->version != expected->version && {older}" in check


def test_what_has_been_sent_is_not_saved_again() -> None:
    save = function(main("structure-head"), "head_save_stop_copy")
    assert in_order(save, "if (!migf->pre_copy) {", "head_save_head(", "head_save_state(", "pre_copy = false")


def test_a_head_alone_loads_nothing() -> None:
    load = function(main("structure-head"), "head_load")
    early = "if (migf->length != sizeof(migf->state)) return 0;"
    assert in_order(load, "return -EINVAL;", early, "head->rings =", "head_load_state(", "head->ready = true")


def test_what_is_derived_is_worked_out_again() -> None:
    assert "state.sum" not in function(main("structure-head"), "head_load")
    saved = function(main("structure-head"), "head_save_state")
    assert in_order(saved, "state->ring[i] =", "head_end_access(", "state->sum =", "return 0;")


def test_pre_copy_is_left_out_where_the_kernel_lacks_it() -> None:
    old = main("structure-head", OLDEST)
    assert "pre_copy" not in old
    assert "PRE_COPY" not in old
    assert "head_save_head(head, &migf->state)" in function(old, "head_save_stop_copy")


def test_a_reset_is_undone_only_if_it_was_prepared() -> None:
    text = main("structure-head")
    prepare = function(text, "head_reset_prepare")
    assert in_order(prepare, "test_and_set_bit", "return;", "head->reset_prepared = true")
    assert "if (head->reset_prepared) { clear_bit(" in function(text, "head_reset_done")


def test_registers_of_the_parent_need_no_bracket() -> None:
    text = main("parent-window")
    ask = function(text, "window_ask")
    assert "writel(0, window->lower + WINDOW_LOWER_STATUS)" in ask
    assert "window_write" not in ask
    assert "window_read32(window, window->queue" in function(text, "window_ring")


def test_what_is_exclusive_gives_its_lock_back_on_every_way() -> None:
    text = main("parent-window")
    ask = function(text, "window_ask")
    assert re.search(r"^/\* The parent has .* \*/\nstatic DEFINE_MUTEX\(window_ask_lock\);\n", text, re.M)
    assert ask.index("mutex_lock(&window_ask_lock)") < ask.index("readl(")
    # Done early, done, and failed.
    assert ask.count("mutex_unlock(&window_ask_lock)") == ask.count("return ") == 3


def test_bases_are_settled_in_the_order_of_what_they_take() -> None:
    opened = function(main("parent-window"), "window_open_device")
    places = ("window->bar2 =", "window->lower =", "window->shared =", "window->window =", "window->queue =")
    assert in_order(opened, *places)


def test_a_bar_must_hold_all_that_may_lie_in_it() -> None:
    size = re.search(r"#define WINDOW_BAR2_SIZE\t+(\w+)", main("parent-window"))
    assert size
    assert int(size[1], 16) == 0x8000 + 7 * 4


def test_a_device_of_which_nothing_is_known_is_refused() -> None:
    probe = function(main("parent-window"), "window_probe")
    assert in_order(probe, "if (!window_id(pdev)) return -ENODEV;", "vfio_alloc_device(")


@pytest.mark.parametrize("release", [OLDEST, NEWEST])
def test_hisilicon_has_the_stream_of_its_releases(release: str) -> None:
    text = main("hisilicon", release)
    assert "static_assert(sizeof(struct hisi_acc_vf_data) == 176);" in text
    assert re.search(r"define HISI_ACC_VF_DATA_MAGIC\s+0xaaccfeeddecadedeULL$", text, re.M)
    assert re.search(r"define HISI_ACC_VF_DATA_MAGIC_OLD\s+0xcdcdcdcdfeedaaccULL$", text, re.M)


def test_hisilicon_leaves_devices_without_a_parent_alone() -> None:
    text = main("hisilicon")
    prepare = function(text, "hisi_acc_reset_prepare")
    assert in_order(prepare, "vdev.ops != &hisi_acc_live_ops", "return;", "hisi_acc->pf->misc_ctl")
    assert "!IS_ERR(pf) && pf->ver >= QM_HW_V3" in function(text, "hisi_acc_choose_ops")
