# SPDX-License-Identifier: GPL-2.0-only
"""How the lab's drivers are shared out among guests."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st
from tests.lab.lanes import guests_at_once, share_out

SIZES = st.lists(st.integers(1, 150), min_size=1, max_size=20)


def of_drivers(sizes: list[int]) -> list[str]:
    return [f"driver{at}" for at, size in enumerate(sizes) for _ in range(size)]


@given(SIZES, st.integers(1, 8))
def test_each_driver_has_a_lane_beside_its_neighbours(sizes: list[int], count: int) -> None:
    lanes = list(share_out(of_drivers(sizes), count).values())
    assert len(lanes) == len(sizes)
    assert set(lanes) <= set(range(count))
    assert [lane for lane, _ in groupby(lanes)] == sorted(set(lanes))


@given(SIZES, st.integers(1, 8))
def test_no_lane_is_longer_than_the_others_by_more_than_its_longest_drivers(
    sizes: list[int], count: int
) -> None:
    tests = of_drivers(sizes)
    shares = share_out(tests, count)
    for lane in range(count):
        assert sum(shares[test] == lane for test in tests) <= len(tests) / count + max(sizes)


def test_one_lane_takes_all() -> None:
    assert set(share_out(["a", "b", "b", "c"], 1).values()) == {0}


def test_there_is_room_for_a_guest_at_least() -> None:
    assert guests_at_once() >= 1
