# SPDX-License-Identifier: GPL-2.0-only
"""The bench of a test: a guest with the driver bound to two devices, and what a test does with them."""

from __future__ import annotations

import contextlib
import errno
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.kernels.build import Prepared, find_module
from tests.lab import simulation
from tests.lab.builds import build_driver, build_memory_books, build_simulators, build_upstream
from tests.lab.driver import Driver
from tests.lab.drivers import known_drivers
from tests.lab.emulator import Emulator
from tests.lab.errors import GuestGoneError
from tests.lab.guest import Guest, boot
from tests.lab.remote import RemoteSystem
from vfiogen.vfio.device import Device, Stream, open_device
from vfiogen.vfio.uapi import State

# A stream may be long, and each piece is a trip to the guest and back.
_PIECES = 100
_WHOLE = 4096


@dataclass
class Lab:
    """Guests, one at a time, each used until a report of a fault has turned a checker off.

    With `alone` a guest has one driver, not all that its machine can have.
    """

    emulator: Emulator
    kernel: Prepared
    logs: Path
    image: Path | None = None
    alone: bool = False
    _guest: Guest | None = None
    _serves: str = ""
    _prepared: set[str] = field(default_factory=set)
    _boots: int = 0
    _broken: dict[str, str] = field(default_factory=dict)

    def guest_for(self, driver: Driver) -> Guest:
        """Return a guest of the driver's machine, the driver loaded and bound to its devices."""
        if driver.label in self._broken:
            pytest.fail(f"{driver.module} can't be tested: {self._broken[driver.label]}", pytrace=False)
        if self._guest is None or not self._guest.usable or self._serves != self._place_of(driver):
            self._start(driver)
        assert self._guest
        if driver.label not in self._prepared:
            self._prepare_or_remember(self._guest, driver)
        return self._guest

    def stop(self) -> None:
        """Stop the guest if one runs."""
        if self._guest:
            self._guest.stop()
        self._guest = None
        self._prepared.clear()

    def modules_of(self, driver: Driver) -> list[Path]:
        """Return the modules of a driver and its simulators, built."""
        simulators = build_simulators(self.kernel) if driver.stand_in else []
        return [self._module_of(driver), *simulators]

    def _module_of(self, driver: Driver) -> Path:
        if not driver.of_kernel:
            return build_driver(driver, self.kernel, self.image)
        if driver.upstream_with:
            return build_upstream(driver, self.kernel)
        found = find_module(self.kernel, driver.module)
        assert found, f"Linux {self.kernel.tree.release} is built without {driver.module}"
        return found

    def _start(self, driver: Driver) -> None:
        self.stop()
        self._boots += 1
        machine = driver.machine
        sharing = self._sharing(driver)
        modules = {path.name: path for one in sharing for path in self._modules_or_none(one)}
        books = build_memory_books(self.kernel)
        work = self.logs / f"{self._boots:02}-{self._place_of(driver)}"
        self._guest = boot(self.emulator, self.kernel, machine, [*modules.values(), books], work)
        self._guest.watch_memory(books.stem, sorted({one.loaded_as for one in sharing}))
        self._serves = self._place_of(driver)

    def _place_of(self, driver: Driver) -> str:
        return driver.label if self.alone else driver.machine.name

    def _sharing(self, driver: Driver) -> list[Driver]:
        if self.alone:
            return [driver]
        return [one for one in known_drivers() if one.machine.name == driver.machine.name]

    def _modules_or_none(self, driver: Driver) -> list[Path]:
        if driver.label not in self._broken:
            try:
                return self.modules_of(driver)
            except AssertionError as error:
                self._broken[driver.label] = str(error)
        return []

    def _prepare_or_remember(self, guest: Guest, driver: Driver) -> None:
        """Prepare a driver once; where that fails, every test of it fails with the same words."""
        if driver.label not in self._broken:
            try:
                self._prepare(guest, driver)
            except (OSError, GuestGoneError, AssertionError) as error:
                reports = "\n\n".join(guest.reports_since(0))
                self._broken[driver.label] = f"{type(error).__name__}: {error}\n{reports}"
        if driver.label in self._broken:
            pytest.fail(f"{driver.module} can't be tested: {self._broken[driver.label]}", pytrace=False)

    def _prepare(self, guest: Guest, driver: Driver) -> None:
        # A simulated function's interrupts aren't translated.
        guest.load("iommufd", "allow_unsafe_interrupts=1" if driver.stand_in else "")
        guest.load("vfio_iommu_type1", "allow_unsafe_interrupts=1" if driver.stand_in else "")
        guest.load("vfio-pci")
        guest.replaced.update(driver.replaces)
        if driver.stand_in:
            guest.load(driver.stand_in)
        driver.prepare(guest)
        guest.load(driver.module)
        for bdf in driver.bound:
            guest.keep_enabled(bdf)
            guest.bind(bdf, driver.bound_as)
        self._prepared.add(driver.label)


@dataclass
class Bench:
    """What a test works with: `a` and `b` are the devices.

    Its part of the log begins at `position`, and `allocated` is what drivers had allocated then.
    """

    guest: Guest
    driver: Driver
    position: int = 0
    allocated: Counter[str] = field(default_factory=Counter)

    @property
    def system(self) -> RemoteSystem:
        """The guest's system calls."""
        return self.guest.system

    @property
    def a(self) -> str:
        """The first device."""
        return self.driver.devices[0]

    @property
    def b(self) -> str:
        """The second device."""
        return self.driver.devices[1]

    @property
    def resettable(self) -> str:
        """A device that can be reset, perhaps the first."""
        return self.driver.resettable

    def begin(self, name: str) -> None:
        """Begin a test or a scene: mark the log, and note what drivers have allocated by now."""
        self.allocated = self.guest.allocated()
        self.position = self.guest.mark(name)

    def open(self, bdf: str | None = None) -> Device:
        """Open a device, the first unless told; whatever is open at the end of a test gets closed."""
        return open_device(self.system, bdf or self.a)

    def open_with(self, number: int, bdf: str | None = None) -> Device:
        """Open a device and bring it into a state that depends on a number."""
        device = self.open(bdf)
        self.driver.reset_to(device, number)
        return device

    def save(self, device: Device, piece: int = 4096) -> bytes:
        """Stop a running device, return its stream, and leave it in STOP_COPY."""
        stream = self.data_of(device, State.STOP_COPY)
        data = read_pieces(stream, piece)
        stream.close()
        return data

    def data_of(self, device: Device, state: State) -> Stream:
        """Change the state and return the data descriptor, which there must be."""
        stream = device.set_state(state)
        assert stream is not None, f"no data descriptor for {state.name}"
        return stream

    def clean_up(self) -> None:
        """Close and unmap what the test left, and undo what it injected."""
        self.guest.close_all()
        self.take_back()

    def inject(self, command: str, error: int) -> None:
        """Make the next command of a name fail with an errno, once."""
        simulation.inject(self.guest, command, error)

    def take_back(self) -> None:
        """Undo what was injected."""
        if self.driver.stand_in:
            simulation.settle(self.guest)

    def leaked(self) -> list[str]:
        """Return what drivers have allocated since the start and not freed, all being closed."""
        return sorted((self.guest.allocated() - self.allocated).elements())

    def violations(self) -> list[str]:
        """Return what the simulated firmware was told that it must not be."""
        return simulation.violations(self.guest) if self.driver.stand_in else []


def read_pieces(stream: Stream, piece: int) -> bytes:
    """Read a stream to its end: many pieces of a size, and then what there still is."""
    parts = [stream.read(piece) for _ in range(_PIECES)] if piece < _WHOLE else []
    return b"".join(parts) + stream.read_all(_WHOLE)


def write_pieces(stream: Stream, data: bytes, piece: int) -> None:
    """Write many pieces of a size, and then what there still is."""
    small = data[: piece * _PIECES] if piece < _WHOLE else b""
    stream.write_all(small, piece)
    stream.write_all(data[len(small) :], _WHOLE)


@contextlib.contextmanager
def refused(*errors: int) -> Iterator[None]:
    """Expect the kernel to refuse with one of some errnos."""
    try:
        yield
    except OSError as error:
        if error.errno in errors:
            return
        names = " or ".join(map(name_of, errors))
        raise AssertionError(f"refused with {name_of(error.errno)}, not {names}") from error
    raise AssertionError(f"not refused with {' or '.join(map(name_of, errors))}")


def name_of(number: int | None) -> str:
    """Return an errno's name."""
    return errno.errorcode.get(number or 0, os.strerror(number or 0))
