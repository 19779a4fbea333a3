# SPDX-License-Identifier: GPL-2.0-only
"""What vfiogen probe says of a device, with the guest's system calls."""

from __future__ import annotations

import pytest

from tests.lab.bench import Bench
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
