# SPDX-License-Identifier: GPL-2.0-only
"""Kernel releases: parsing, order, and thresholds that know the stable lines."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vfiogen.diagnostics import VfiogenError, quote
from vfiogen.records import Value

_RELEASE = re.compile(r"v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?P<suffix>[-+~].*)?")
# A distribution's ABI number: "6.1.0-50-amd64" is any 6.1.z, so its third number says nothing.
_ABI = re.compile(r"-\d+-[a-z]")


class Release(Value, order=True):
    """A kernel release x.y.z, ordered; z is 0 for the mainline release itself."""

    major: int
    minor: int
    patch: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def line(self) -> tuple[int, int]:
        """The stable line that the release belongs to: (major, minor)."""
        return (self.major, self.minor)

    @classmethod
    def parse(cls, text: str) -> Release:
        """Read "6.12", "6.12.95", "6.12.95+deb13-amd64" or "7.3.4-1~bpo13".

        A missing patch level reads as 0. Raises VfiogenError (kernel-release) for anything else.
        """
        match = _RELEASE.fullmatch(text.strip())
        if not match:
            raise VfiogenError(
                "kernel-release",
                f"{quote(text)} is not a kernel release",
                "write it as x.y.z, for example 6.12.95",
            )
        major, minor, patch = match.group(1, 2, 3)
        return cls(int(major), int(minor), int(patch or 0))


def states_patch_level(text: str) -> bool:
    """Whether a release that parses names its patch level ("6.12" and "6.1.0-50-amd64" don't)."""
    match = _RELEASE.fullmatch(text.strip())
    if not match or match.group(3) is None:
        return False
    return not (int(match.group(3)) == 0 and _ABI.match(match.group("suffix") or ""))


class Thresholds(Value):
    """The releases at which a change arrived: mainline, and stable lines that took it as well.

    The highest one is mainline's and holds for everything after it; each other one holds inside
    its own line x.y only.
    """

    releases: tuple[Release, ...]

    @classmethod
    def of(cls, texts: str | Iterable[str]) -> Thresholds:
        """Parse one threshold ("6.14") or several ("6.19", "6.18.4", "6.12.64")."""
        several = (texts,) if isinstance(texts, str) else texts
        return cls(tuple(sorted(map(Release.parse, several), reverse=True)))

    def reached(self, release: Release) -> bool:
        """Whether the change is in `release`."""
        mainline, *stable = self.releases
        if release >= mainline:
            return True
        return any(release.line == at.line and release >= at for at in stable)

    def inside(self, line: tuple[int, int]) -> tuple[Release, ...]:
        """The thresholds that divide the line x.y itself, past its first release."""
        return tuple(at for at in self.releases if at.line == line and at.patch > 0)
