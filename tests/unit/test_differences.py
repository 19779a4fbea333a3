# SPDX-License-Identifier: GPL-2.0-only
"""What is listed of upstream's faults, and how transcripts are held against each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.golden.rendering import ROOT
from tests.lab.driver import Driver
from tests.lab.drivers import known_drivers
from tests.lab.transcript import Difference, Listed, compare, headline, judge, read_listed

_PAGE = ROOT / "docs/upstream-faults.md"
_NO_FAULTS = {"Not rendered yet"}
_HELD = [driver for driver in known_drivers() if driver.upstream]


def _parts() -> dict[str, str]:
    """Return the entries of the page by their headings."""
    _, *parts = re.split(r"^## ", _PAGE.read_text(), flags=re.MULTILINE)
    return {part.partition("\n")[0]: part for part in parts}


@pytest.mark.parametrize("driver", _HELD, ids=lambda one: one.name)
def test_every_difference_is_explained(driver: Driver) -> None:
    for entry in read_listed(driver):
        part = _parts().get(entry.fault, "")
        assert re.search(rf"^\*\*Drivers:\*\* .*\b{driver.name}\b", part, re.MULTILINE), entry.fault


def test_every_explanation_is_of_a_difference() -> None:
    listed = {(entry.fault, driver.name) for driver in _HELD for entry in read_listed(driver)}
    told = {
        (heading, name)
        for heading, part in _parts().items()
        for name in re.findall(r"\w[\w-]*", re.findall(r"^\*\*Drivers:\*\* (.*)$", part, re.MULTILINE)[0])
    }
    assert told == listed


def test_rendered_drivers_are_held_by_tests_that_exist() -> None:
    sources = "".join(path.read_text() for path in Path(ROOT, "tests/lab").glob("test_*.py"))
    for heading, part in _parts().items():
        named = re.findall(r"`(test_\w+)`", part)
        assert bool(named) is (heading not in _NO_FAULTS), heading
        for name in named:
            assert f"def {name}(" in sources, name


def test_differences_are_found_both_ways() -> None:
    found = compare({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "3", "d": "4"})
    assert found == [
        Difference("b", "2", "3"),
        Difference("d", "nothing", "4"),
        Difference("c", "3", "nothing"),
    ]


def test_what_isnt_listed_and_what_occurs_no_more_is_told() -> None:
    differences = [Difference("x: a", "done", "EINVAL"), Difference("x: b", "done", "EIO")]
    listed = (Listed(("x: *", "y: *"), "done", "EINVAL", "A fault"),)
    said = list(judge(differences, listed))
    assert len(said) == 2
    assert said[0].startswith("not listed: x: b\n")
    assert said[1].startswith("listed, and no more: y: *: ")


def test_headlines_are_the_same_in_every_boot() -> None:
    lines = (
        "[   12.345678] BUG: KASAN: slab-use-after-free in qat_read+0x1b/0x2c [qat]",
        "[  112.000001] BUG: KASAN: slab-use-after-free in qat_read+0x1d/0x2c [qat]\n[  113.0] more",
    )
    assert {headline(line) for line in lines} == {"BUG: KASAN: slab-use-after-free in qat_read [qat]"}
