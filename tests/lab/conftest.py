# SPDX-License-Identifier: GPL-2.0-only
"""The lab: rendered drivers run in a guest, against devices of QEMU's or simulated ones."""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.golden.rendering import ROOT
from tests.kernels.errors import UnavailableError
from tests.kernels.fixtures import Trees
from tests.lab.accelerator import find_accelerator
from tests.lab.bench import Bench, Lab
from tests.lab.driver import Driver
from tests.lab.drivers import known_drivers
from tests.lab.emulator import find_emulator
from tests.lab.errors import GuestGoneError
from tests.lab.lanes import guests_at_once, lane_of, make_scheduler, share_out, tell_lanes
from vfiogen.vfio.uapi import Migration

HERE = Path(__file__).parent
LOGS = ROOT / "build" / "lab"
_SLOW = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("lab")
    group.addoption("--driver", action="append", metavar="NAME", help="test this driver only; repeatable")
    group.addoption("--lab-kernel", default="newest", metavar="TREE", help="the kernel that is booted")
    group.addoption("--lab-logs", type=Path, default=LOGS, metavar="DIR", help="where logs of guests go")
    group.addoption("--faults", action="store_true", help="see that deliberate faults are found")
    group.addoption("--full", action="store_true", help="run what takes long as well")
    group.addoption("--image", type=Path, metavar="DIR", help="rendered drivers instead of rendering them")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "lab: runs in a guest")
    config.addinivalue_line("markers", "migrates(*flags): for drivers with migration, and these kinds of it")
    config.addinivalue_line("markers", "on(*names): for these drivers")
    config.addinivalue_line("markers", "faults: runs with --faults only")
    config.addinivalue_line("markers", "full: runs with --full only")
    config.addinivalue_line("markers", "last: runs with the last driver of a guest, for all of them")
    config.addinivalue_line("markers", "smoke: run on older kernels as well")
    config.addinivalue_line("markers", "each(attribute): once for every entry of the driver's table")
    config.addinivalue_line("markers", "having(*attributes): for drivers whose table says these")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many guests run at a time if nobody says it."""
    wanted = config.getoption("--driver", None)
    return min(guests_at_once(), len(wanted)) if wanted else guests_at_once()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Share the run out in lanes."""
    return make_scheduler(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process that shares the run what it is."""
    tell_lanes(node.workerinput)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process that shared the run has told."""
    slow = getattr(node, "workeroutput", {}).get("lab", "")
    if slow:
        node.config.stash[_SLOW] = slow


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "driver" in metafunc.fixturenames:
        chosen = [one for one in _chosen(metafunc.config) if _applies(metafunc, one)]
        each = metafunc.definition.get_closest_marker("each")
        if each:
            _parametrize_each(metafunc, chosen, each.args[0])
        else:
            metafunc.parametrize("driver", chosen, ids=[one.name for one in chosen], scope="session")


def _parametrize_each(metafunc: pytest.Metafunc, drivers: list[Driver], attribute: str) -> None:
    """Run a test for every entry of a tuple in the drivers' tables: `mutation` of `mutations`."""
    pairs = [(driver, one) for driver in drivers for one in getattr(driver, attribute)]
    ids = [f"{driver.name}-{getattr(one, 'name', one)}" for driver, one in pairs]
    one = re.sub("ie$", "y", attribute.removesuffix("s"))
    metafunc.parametrize(("driver", one), pairs, ids=ids, scope="session")


def _chosen(config: pytest.Config) -> list[Driver]:
    wanted = config.getoption("--driver", None)
    known = {one.name: one for one in known_drivers()}
    unknown = sorted(set(wanted or ()) - set(known))
    if unknown:
        raise pytest.UsageError(f"no driver {', '.join(unknown)}; there are {', '.join(known)}")
    full = config.getoption("--full", False)
    return [one for name, one in known.items() if (name in wanted if wanted else full or not one.full)]


def _applies(metafunc: pytest.Metafunc, driver: Driver) -> bool:
    needed = Migration(0)
    for mark in metafunc.definition.iter_markers("migrates"):
        for flag in (Migration.STOP_COPY, *mark.args):
            needed |= flag
    names = [name for mark in metafunc.definition.iter_markers("on") for name in mark.args]
    having = [name for mark in metafunc.definition.iter_markers("having") for name in mark.args]
    return (
        driver.migration & needed == needed
        and (not names or driver.name in names)
        and all(getattr(driver, name) for name in having)
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the lab's tests, and put those of one machine together: a boot costs more than all of them.

    What applies to none of the chosen drivers isn't selected, so that a skip always is something missing.
    """
    ours = [item for item in items if HERE in item.path.parents]
    faults, full = config.getoption("--faults", False), config.getoption("--full", False)
    for item in ours:
        item.add_marker("lab")
        driver = _driver_of(item)
        if isinstance(driver, Driver) and driver.full and full:
            item.add_marker("full")
    idle = [
        item
        for item in ours
        if not isinstance(_driver_of(item), Driver | None)
        or faults is not bool(item.get_closest_marker("faults"))
        or (item.get_closest_marker("full") and not full)
    ]
    chosen = sorted((item for item in items if item not in idle), key=_place)
    lane = lane_of(config)
    shares = share_out(map(_shared, chosen), lane.count)
    idle += [item for item in chosen if shares[_shared(item)] != lane.number]
    idle += _not_last([item for item in chosen if item not in idle])
    config.hook.pytest_deselected(items=idle)
    items[:] = [item for item in chosen if item not in idle]


def _shared(item: pytest.Item) -> str:
    """Return what lanes share out: drivers, and tests that have none."""
    driver = _driver_of(item)
    return driver.name if isinstance(driver, Driver) else item.nodeid


def _not_last(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests that wait for the last driver of their machine, and have one that isn't."""
    waiting = [item for item in items if item.get_closest_marker("last")]
    last = {_place(item)[0]: item for item in waiting}
    return [item for item in waiting if item not in last.values()]


def _driver_of(item: pytest.Item) -> object:
    """Return the driver that an item tests, something else where none fits, or None where it needs none."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("driver") if callspec else None


def _place(item: pytest.Item) -> tuple[str, bool, str]:
    driver = _driver_of(item)
    if not isinstance(driver, Driver):
        return "", False, ""
    return driver.machine.name, bool(item.get_closest_marker("last")), driver.name


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    logs = request.config.getoption("--lab-logs", LOGS) / lane_of(request.config).directory
    shutil.rmtree(logs, ignore_errors=True)
    try:
        emulator = find_emulator()
    except UnavailableError as reason:
        pytest.skip(f"no QEMU: {reason}")
    kernel = Trees().built(request.config.getoption("--lab-kernel", "newest"))
    if not kernel.image.is_file():
        pytest.skip(f"Linux {kernel.tree.release} is not built from the lab's configuration")
    _remember(request.config, find_accelerator(emulator, kernel.image).reason)
    lab = Lab(emulator, kernel, logs, request.config.getoption("--image", None))
    yield lab
    lab.stop()


@pytest.fixture
def bench(lab: Lab, driver: Driver, request: pytest.FixtureRequest) -> Bench:
    """The guest with the driver bound; what the test leaves open is closed."""
    missing = driver.missing()
    if missing:
        pytest.skip(missing)
    try:
        guest = lab.guest_for(driver)
    except UnavailableError as reason:
        pytest.skip(str(reason))
    bench = Bench(guest, driver)
    bench.begin(request.node.name)
    return bench


@pytest.fixture
def stock(bench: Bench) -> Iterator[str]:
    """The second device, bound to stock vfio-pci."""
    bench.guest.bind(bench.b, "vfio-pci")
    yield bench.b
    bench.clean_up()
    bench.guest.bind(bench.b, bench.driver.bound_as)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Fail the test during which the kernel reported a fault."""
    try:
        return (yield)
    finally:
        bench = pyfuncitem.funcargs.get("bench")
        if isinstance(bench, Bench):
            _look_at_log(bench)


def _remember(config: pytest.Config, slow: str) -> None:
    """Keep why the guests are slow for who sums up the run, in this process or another."""
    config.stash[_SLOW] = slow
    told = getattr(config, "workeroutput", None)
    if told is not None:
        told["lab"] = slow


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say why the guests were slow."""
    reason = config.stash.get(_SLOW, "")
    if reason:
        terminalreporter.write_line(f"the lab's processors were emulated: {reason}")


def _look_at_log(bench: Bench) -> None:
    if bench.guest.process.poll() is None:
        try:
            bench.clean_up()
        except (GuestGoneError, OSError):
            bench.guest.tainted = True
    violations = bench.violations() if bench.guest.usable else []
    leaked = bench.leaked() if bench.guest.usable else []
    reports = bench.guest.reports_since(bench.position)
    if reports:
        text = "\n\n".join(reports)
        raise AssertionError(f"the kernel reported (all of it in {bench.guest.log_path}):\n{text}")
    assert not violations, f"the firmware was told what it must not be: {', '.join(violations)}"
    assert not leaked, "allocated and not freed:\n" + "\n".join(leaked)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the guest's log with a failure, and where the whole is."""
    report = yield
    bench = getattr(item, "funcargs", {}).get("bench")
    if report.failed and isinstance(bench, Bench):
        tail = bench.guest.log_after(bench.position)[-4000:]
        report.sections.append((f"guest's log, {bench.guest.log_path}", tail))
        if bench.guest.process.poll() is not None:
            bench.guest.tainted = True
    return report
