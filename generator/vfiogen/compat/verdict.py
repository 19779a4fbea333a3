# SPDX-License-Identifier: GPL-2.0-only
"""What becomes of a stream, and the sides of a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vfiogen.model import spec as m
from vfiogen.records import Record, Value

# What becomes of a stream of one driver in another one.
LOADS = "loads"
PARENT = "parent"  # the parent decides: the tool sees nothing that would stop it
NOTHING = "nothing"  # no stream is ever saved
REFUSED = "refused"  # with -EINVAL, before any of it is used
UNSURE = "unsure"  # it is taken by the driver, and only the parent can tell whether it is misread
MISREAD = "misread"  # it is taken, and means something else

GOOD = frozenset([LOADS, PARENT, NOTHING])
_SEVERITY = (LOADS, PARENT, NOTHING, UNSURE, MISREAD, REFUSED)
_DOES: Mapping[str, str] = {
    LOADS: "loads",
    PARENT: "passes on",
    NOTHING: "never gets",
    REFUSED: "refuses",
    UNSURE: "takes, and the parent may misread,",
    MISREAD: "takes and misreads",
}


def decided(outcomes: Iterable[str]) -> str:
    """Return what becomes of a stream whose parts have these outcomes: one refusal is enough to refuse it."""
    return max(outcomes, key=_SEVERITY.index, default=LOADS)


class Both(Value):
    """What becomes of a stream of the old driver in the new one, and the other way round."""

    forward: str
    backward: str

    @property
    def good(self) -> bool:
        """Whether nothing is known to break either way."""
        return {self.forward, self.backward} <= GOOD

    def sentence(self) -> str:
        """Say both, as a hint does."""
        forward, backward = _DOES[self.forward], _DOES[self.backward]
        if forward == backward:
            return f"either driver {forward} the streams of the other"
        return f"the new driver {forward} a stream of the old one; the old driver {backward} one of the new"


class Side(Record):
    """One of the two drivers."""

    spec: m.Spec
    migration: m.Migration

    @property
    def stream(self) -> m.Stream:
        """Its stream."""
        return self.migration.stream
