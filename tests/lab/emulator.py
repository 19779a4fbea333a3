# SPDX-License-Identifier: GPL-2.0-only
"""QEMU: the machine's own where it is new enough, else the distribution's backport, unpacked in the cache."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.kernels.cache import appearing, cache_root, locked
from tests.kernels.errors import UnavailableError
from tests.kernels.packages import Apt, Candidate, derive_apt, extract, require_apt
from tests.kernels.progress import output_of

_PROGRAM = "qemu-system-x86_64"
_SINCE = 8  # the first with igb, an SR-IOV device
_PACKAGES = ("qemu-system-x86", "qemu-system-data", "seabios")
_SUITES = (("bookworm-backports", "bookworm"), ("trixie",))


@dataclass(frozen=True)
class Emulator:
    """A QEMU: its program, its version, and where its firmware lies if not where it was built for."""

    program: Path
    version: int
    firmware: tuple[Path, ...] = ()

    def command(self) -> list[str]:
        """Return the start of a command line; what it starts dies with whoever started it."""
        places = [part for place in self.firmware for part in ("-L", str(place))]
        return ["setpriv", "--pdeathsig", "KILL", str(self.program), *places]

    def has_device(self, name: str) -> bool:
        """Whether it emulates a device."""
        return f'name "{name}"' in output_of([*self.command(), "-device", "help"])


@cache
def find_emulator() -> Emulator:
    """Return a QEMU that is new enough, or any where no newer can be had. Raises UnavailableError."""
    own = _installed()
    if own and own.version >= _SINCE:
        return own
    try:
        return _unpacked()
    except UnavailableError:
        if own is None:
            raise
        return own


def _installed() -> Emulator | None:
    found = shutil.which(_PROGRAM)
    return Emulator(Path(found), _version(found)) if found else None


def _version(program: str | Path) -> int:
    match = re.search(r"version (\d+)", output_of([program, "--version"]))
    return int(match[1]) if match else 0


def _unpacked() -> Emulator:
    home = cache_root() / "qemu"
    with locked("qemu"):
        if not home.exists():
            _fetch(home)
    program = home / "usr/bin" / _PROGRAM
    share = home / "usr/share"
    try:
        version = _version(program)
    except UnavailableError as error:
        raise UnavailableError(f"{program} doesn't run here, install {_PACKAGES[0]}: {error}") from error
    return Emulator(program, version, (share / "seabios", share / "qemu"))


def _fetch(home: Path) -> None:
    """Unpack the packages from the first suites that have a version that is new enough."""
    require_apt()
    for suites in _SUITES:
        apt = derive_apt(suites)
        found = _candidates(apt)
        if found:
            with appearing(home) as partial:
                for candidate in found:
                    extract(apt.download(candidate, partial / "download" / candidate.package), partial)
                shutil.rmtree(partial / "download")
            return
    places = ", ".join(suite for suites in _SUITES for suite in suites)
    raise UnavailableError(f"no QEMU {_SINCE} or later in {places}")


def _candidates(apt: Apt) -> Sequence[Candidate]:
    found = [next(iter(apt.candidates(package)), None) for package in _PACKAGES]
    main = found[0]
    new_enough = main is not None and _major(main) >= _SINCE
    return [one for one in found if one] if new_enough and all(found) else ()


def _major(candidate: Candidate) -> int:
    match = re.match(r"(?:\d+:)?(\d+)", candidate.version)
    return int(match[1]) if match else 0
