# SPDX-License-Identifier: GPL-2.0-only
"""What vfio-pci has beside devices: IDs, parameters, the denylist. Each test is run on the kernel's, too."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator

import pytest

from tests.lab.bench import Bench, refused
from tests.lab.drivers.vfio_pci import DENIED, PHYSICAL, SPARE, SPARE_ID, VIRTUAL
from vfiogen.vfio.device import open_group

pytestmark = pytest.mark.on("vfio-pci")

_COMMAND, _INTX_DISABLE = 4, 0x400


@pytest.fixture(params=["vfio-pci-any", "vfio-pci"])
def name(request: pytest.FixtureRequest, bench: Bench) -> str:
    """Each of the two in turn."""
    return str(request.param)


@contextlib.contextmanager
def _unbound_after(bench: Bench, bdf: str) -> Iterator[None]:
    """Begin and end with a function without a driver: what is bound has memory that a test mustn't leave."""
    bench.guest.unbind(bdf)
    try:
        yield
    finally:
        bench.clean_up()
        bench.guest.unbind(bdf)


@contextlib.contextmanager
def _loaded_with(bench: Bench, name: str, parameters: str) -> Iterator[None]:
    """Have a module loaded anew with parameters."""
    bound = bench.guest.devices_of(name)
    _load_anew(bench, name, parameters)
    try:
        yield
    finally:
        bench.clean_up()
        _load_anew(bench, name, "")
        for bdf in bound:
            bench.guest.bind(bdf, name)


def _load_anew(bench: Bench, name: str, parameters: str) -> None:
    for bdf in bench.guest.devices_of(name):
        bench.guest.unbind(bdf)
    bench.guest.unload(name)
    bench.guest.load(name, parameters)


@pytest.fixture
def parameter(bench: Bench, name: str) -> Iterator[Callable[[str, str], None]]:
    """Set a parameter, until the test ends."""
    before: dict[str, str] = {}

    def change(parameter: str, value: str) -> None:
        place = f"/sys/module/{name.replace('-', '_')}/parameters/{parameter}"
        before.setdefault(place, bench.system.read_file(place).decode())
        bench.system.write_file(place, value)

    yield change
    for place, value in before.items():
        bench.system.write_file(place, value)


def _place(bdf: str) -> str:
    return f"/sys/bus/pci/devices/{bdf}"


# IDs


def test_a_device_is_taken_by_its_override_alone(bench: Bench, name: str) -> None:
    with _unbound_after(bench, SPARE):
        bench.system.write_file("/sys/bus/pci/drivers_probe", SPARE)
        assert not bench.guest.driver_of(SPARE)
        bench.guest.bind(SPARE, name)


@pytest.mark.parametrize(
    ("ids", "taken"),
    [
        (f"nonsense,,1ace:9999,{SPARE_ID}", True),
        (f"{SPARE_ID}:ffffffff:ffffffff:118000:ffff00", True),
        (f"{SPARE_ID}:ffffffff:ffffffff:030000:ff0000,{SPARE_ID}:1234", False),
    ],
    ids=["list", "class", "others"],
)
def test_ids_are_taken_when_the_module_is_loaded(bench: Bench, name: str, ids: str, taken: bool) -> None:
    with _unbound_after(bench, SPARE), _loaded_with(bench, name, f"ids={ids}"):
        assert bench.guest.driver_of(SPARE) == (name if taken else "")
        assert ('"nonsense"' in bench.guest.log_after(bench.position)) is ("nonsense" in ids)


def test_an_id_can_be_added_and_removed(bench: Bench, name: str) -> None:
    driver = f"/sys/bus/pci/drivers/{name}"
    with _unbound_after(bench, SPARE):
        bench.system.write_file(f"{driver}/new_id", SPARE_ID.replace(":", " "))
        assert bench.guest.driver_of(SPARE) == name
        bench.system.write_file(f"{driver}/remove_id", SPARE_ID.replace(":", " "))
        bench.guest.unbind(SPARE)
        bench.system.write_file("/sys/bus/pci/drivers_probe", SPARE)
        assert not bench.guest.driver_of(SPARE)


# Parameters


def test_there_are_the_parameters_of_stock(bench: Bench) -> None:
    ours, theirs = (
        set(bench.system.names(f"/sys/module/{module}/parameters")) for module in ("vfio_pci_any", "vfio_pci")
    )
    assert theirs
    assert theirs <= ours


def _masks_intx(bench: Bench) -> bool:
    """Whether opening the device clears the bit that masks INTx, which it can do if it may use it."""
    config = bench.system.open(f"{_place(SPARE)}/config", os.O_RDWR)
    bench.system.pwrite(config, _INTX_DISABLE.to_bytes(2, "little"), _COMMAND)
    device = bench.open(SPARE)
    command = int.from_bytes(bench.system.pread(config, 2, _COMMAND), "little")
    device.close()
    bench.system.close(config)
    return not command & _INTX_DISABLE


def test_intx_isnt_masked_at_the_device_if_nobody_wants_it(
    bench: Bench, name: str, parameter: Callable[[str, str], None]
) -> None:
    """A device keeps to what was set when it was bound."""
    # A device that awakes has what it had when it fell asleep.
    parameter("disable_idle_d3", "Y")
    with _unbound_after(bench, SPARE):
        bench.guest.bind(SPARE, name)
        assert _masks_intx(bench)
        parameter("nointxmask", "Y")
        assert _masks_intx(bench)
        bench.guest.bind(SPARE, name)
        assert not _masks_intx(bench)


def _power(bench: Bench) -> str:
    return bench.system.read_file(f"{_place(SPARE)}/power_state").decode().strip()


def _falls_asleep(bench: Bench) -> bool:
    """Whether the device does, which the kernel has done for it some time after its last use."""
    return any(_power(bench) == "D3hot" for _ in range(200))


def test_devices_that_nobody_uses_sleep_unless_they_are_to_stay_awake(
    bench: Bench, name: str, parameter: Callable[[str, str], None]
) -> None:
    with _unbound_after(bench, SPARE):
        bench.guest.bind(SPARE, name)
        assert _falls_asleep(bench)
        device = bench.open(SPARE)
        assert _power(bench) == "D0"
        device.close()
        assert _falls_asleep(bench)
        parameter("disable_idle_d3", "Y")
        bench.guest.bind(SPARE, name)
        assert _power(bench) == "D0"
        device = bench.open(SPARE)
        device.close()
        assert _power(bench) == "D0"


def test_virtual_functions_are_enabled_if_they_may_be(
    bench: Bench, name: str, parameter: Callable[[str, str], None]
) -> None:
    """They get the driver of the physical function, and their user has to know its token."""
    enabled = f"{_place(PHYSICAL)}/sriov_numvfs"
    with _unbound_after(bench, PHYSICAL):
        bench.guest.bind(PHYSICAL, name)
        with refused(errno.ENOENT):
            bench.system.write_file(enabled, "2")
        parameter("enable_sriov", "Y")
        bench.system.write_file(enabled, "2")
        try:
            for bdf in VIRTUAL:
                assert bench.system.read_file(f"{_place(bdf)}/driver_override").decode().strip() == name
                assert bench.guest.driver_of(bdf) == name
            with refused(errno.EACCES):
                open_group(bench.system, VIRTUAL[0])
        finally:
            bench.system.write_file(enabled, "0")
        assert not any(bench.system.exists(_place(bdf)) for bdf in VIRTUAL)


# The denylist


def test_an_unsafe_device_is_taken_if_the_denylist_is_disabled(bench: Bench, name: str) -> None:
    with _unbound_after(bench, DENIED):
        bench.system.write_file(f"{_place(DENIED)}/driver_override", name)
        with refused(errno.EINVAL):
            bench.system.write_file(f"/sys/bus/pci/drivers/{name}/bind", DENIED)
        assert not bench.guest.driver_of(DENIED)
        with _loaded_with(bench, name, "disable_denylist=1"):
            assert bench.guest.driver_of(DENIED) == name
            assert bench.open(DENIED).region(0).size == 4096
