# SPDX-License-Identifier: GPL-2.0-only
"""What one family alone promises."""

from __future__ import annotations

import pytest

from tests.lab.bench import Bench

_CLIENTS = "/sys/kernel/debug/lab_pds/clients"


def _clients(bench: Bench) -> int:
    return int(bench.system.read_file(_CLIENTS))


@pytest.mark.on("pds")
def test_pds_is_a_client_of_its_parent_while_it_is_bound(bench: Bench) -> None:
    assert _clients(bench) == 2
    bench.guest.unbind(bench.a)
    try:
        assert _clients(bench) == 1
    finally:
        bench.guest.bind(bench.a, bench.driver.bound_as)
    assert _clients(bench) == 2


@pytest.mark.on("pds")
def test_pds_stays_a_client_until_its_user_is_gone(bench: Bench) -> None:
    """An open device keeps its registration: unbinding waits for the user."""
    device = bench.open()
    assert _clients(bench) == 2
    device.close()
    assert _clients(bench) == 2
