# SPDX-License-Identifier: GPL-2.0-only
"""How tests talk to simulators: sim/control.c says it."""

from __future__ import annotations

import os
from pathlib import Path

from tests.lab.guest import Guest

SOURCES = Path(__file__).parent / "sim"
_CONTROL = "/sys/kernel/debug/lab"
_TOLD_SIZE = 32768


def inject(guest: Guest, command: str, error: int) -> None:
    """Make the next command of a name fail with an errno, once."""
    guest.system.write_file(f"{_CONTROL}/inject", f"{command} {-error}")


def pending(guest: Guest) -> str:
    """Return the command that is still to fail, or nothing."""
    return guest.system.read_file(f"{_CONTROL}/inject").decode()


def settle(guest: Guest) -> None:
    """Take back what was injected."""
    guest.system.write_file(f"{_CONTROL}/inject", "none")


def violations(guest: Guest) -> list[str]:
    """Return what the firmware was told that it must not be, since it was asked last."""
    found = guest.system.read_file(f"{_CONTROL}/violations").decode().splitlines()
    if found:
        guest.system.write_file(f"{_CONTROL}/violations", "none")
    return sorted(set(found))


class Told:
    """What the firmware is told, from now on. Until its file is closed one system call asks for it."""

    def __init__(self, guest: Guest) -> None:
        self._system = guest.system
        self._seen = 0
        self.open()
        self._system.write(self._fd, b"none")

    def open(self) -> None:
        """Open its file, again if that was closed."""
        self._fd = self._system.open(f"{_CONTROL}/told", os.O_RDWR)

    def read(self) -> list[str]:
        """Return what it was told since it was asked last, in order."""
        new = self._system.pread(self._fd, _TOLD_SIZE, self._seen)
        self._seen += len(new)
        return new.decode().splitlines()


def held(guest: Guest) -> int:
    """Return how many references to their parents drivers hold."""
    return int(guest.system.read_file(f"{_CONTROL}/held"))


def copy(guest: Guest, bdf: str, source: int, target: int, size: int) -> None:
    """Have a simulated function copy memory by DMA. Raises OSError with EFAULT where nothing is mapped."""
    guest.system.write_file(f"{_CONTROL}/copy", f"{bdf} {source:x} {target:x} {size:x}")


def raise_vector(guest: Guest, bdf: str, vector: int) -> None:
    """Have a simulated function raise an interrupt. Raises OSError with EAGAIN where it is masked."""
    guest.system.write_file(f"{_CONTROL}/raise", f"{bdf} {vector}")
