# SPDX-License-Identifier: GPL-2.0-only
"""What vfiogen probe says of a device, with the guest's system calls."""

from __future__ import annotations

import pytest

from tests.lab.bench import Bench
from tests.lab.interpreter import vfiogen_words
from vfiogen.vfio.probe import describe


@pytest.mark.smoke
def test_probe_describes_the_device(bench: Bench) -> None:
    text = "\n".join(describe(bench.system, bench.a))
    assert f"{bench.a}: {bench.driver.bound_as}" in text
    assert "config space" in text
    if bench.driver.migration:
        assert "state RUNNING" in text
        assert "feature mig_device_state: get, set" in text
    else:
        assert "no migration" in text


@pytest.mark.on("edu", "igb")
def test_vfiogen_probe_says_the_same_in_the_guest(bench: Bench) -> None:
    """The command itself, with the system calls of the process that it runs in."""
    expected = "".join(f"{line}\n" for line in describe(bench.system, bench.a))
    bench.clean_up()
    status, said = bench.system.run_program(*vfiogen_words("probe", bench.a))
    assert (said, status) == (expected, 0)


@pytest.mark.on("edu")
def test_vfiogen_probe_says_why_it_cant(bench: Bench) -> None:
    device = bench.open()
    status, said = bench.system.run_program(*vfiogen_words("probe", bench.a))
    assert status == 1
    assert said.startswith(f"error[vfio-device]: can't open `{bench.a}`: ")
    device.close()
    bench.guest.unbind(bench.b)
    try:
        status, said = bench.system.run_program(*vfiogen_words("probe", bench.b))
    finally:
        bench.guest.bind(bench.b, bench.driver.bound_as)
    assert status == 1
    assert said.startswith(f"error[vfio-device]: `{bench.b}` is bound to no driver\n")
