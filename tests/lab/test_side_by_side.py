# SPDX-License-Identifier: GPL-2.0-only
"""Upstream's driver and the rendered one, on the same simulated devices, by the same script.

Where they differ the list of the driver, differences/NAME.yaml, says which fault of upstream's it is.
These run with --full only: each driver takes boots of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.bench import Bench, Lab
from tests.lab.driver import Driver, upstream_of
from tests.lab.script import scenes_of
from tests.lab.transcript import Transcript, compare, judge, read_listed, record
from vfiogen.vfio.uapi import State

pytestmark = [pytest.mark.full, pytest.mark.having("upstream")]
_NUMBERS = (50, 51, 52)


@pytest.fixture(scope="session")
def single(lab: Lab) -> Iterator[Lab]:
    """Guests with one driver each."""
    lab.stop()
    single = Lab(lab.emulator, lab.kernel, lab.logs / "side-by-side", lab.image, alone=True)
    yield single
    single.stop()


def _transcript(lab: Lab, driver: Driver) -> Transcript:
    found = record(lab, driver, scenes_of(driver))
    _keep(lab.logs / f"{driver.label}.transcript", found)
    return found


def _keep(path: Path, transcript: Transcript) -> None:
    path.write_text("".join(f"{place} -> {text}\n" for place, text in transcript.items()))


def test_transcripts_differ_only_where_upstream_is_wrong(single: Lab, driver: Driver) -> None:
    missing = driver.missing()
    if missing:
        pytest.skip(missing)
    upstream, rendered = _transcript(single, upstream_of(driver)), _transcript(single, driver)
    wrong = list(judge(compare(upstream, rendered), read_listed(driver)))
    assert not wrong, f"{len(wrong)} of {len(rendered)} lines\n" + "\n".join(wrong)


@pytest.mark.migrates
def test_streams_cross(single: Lab, driver: Driver) -> None:
    """What either saves the other loads, and the state arrives. Ends on the driver that it begins with."""
    missing = driver.missing()
    if missing:
        pytest.skip(missing)
    ours, theirs = driver, upstream_of(driver)
    saved = {ours.label: _save(single, ours), theirs.label: _save(single, theirs)}
    _load(single, theirs, saved[ours.label])
    _load(single, ours, saved[theirs.label])


def _save(lab: Lab, driver: Driver) -> list[tuple[bytes, bytes]]:
    """Return for some states of the device what is to be seen of it, and its stream."""
    bench = Bench(lab.guest_for(driver), driver)
    found = []
    for number in _NUMBERS:
        device = bench.open_with(number)
        found.append((driver.observe(device), bench.save(device)))
        device.close()
    return found


def _load(lab: Lab, driver: Driver, saved: list[tuple[bytes, bytes]]) -> None:
    bench = Bench(lab.guest_for(driver), driver)
    for number, (before, stream) in zip(_NUMBERS, saved, strict=True):
        device = bench.open_with(100 + number, bench.b)
        assert not before or driver.observe(device) != before
        bench.data_of(device, State.RESUMING).write_all(stream)
        device.set_state(State.RUNNING)
        assert driver.observe(device) == before, f"{number} in {driver.label}"
        device.close()
