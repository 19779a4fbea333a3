# SPDX-License-Identifier: GPL-2.0-only
"""What depends on what among the things that are settled when the device is opened."""

from __future__ import annotations

from collections.abc import Iterable

from vfiogen.model import spec as m
from vfiogen.model.reach import Reach

Settled = m.RegisterBlock | m.ContextValue


def at_open(spec: m.Spec) -> list[Settled]:
    """Return the blocks with a base and the context that opening settles, in the order of the spec."""
    kept = [one for one in spec.context if one.value and one.at == "open"]
    return [*kept, *(block for block in spec.registers if block.base)]


def source(one: Settled) -> m.Formula | None:
    """Return the expression that settles it."""
    return one.base if isinstance(one, m.RegisterBlock) else one.value


def needed(one: Settled, found: Iterable[Settled], reach: Reach) -> list[Settled]:
    """Return which others must be settled before it."""
    formula = source(one)
    names = reach.reached(formula) if formula else frozenset()
    return [other for other in found if other.name.text in names]


def in_order(spec: m.Spec, reach: Reach) -> tuple[Settled, ...]:
    """Return what opening settles, each behind what it depends on. The checks refuse circles."""
    found = at_open(spec)
    ordered: list[Settled] = []
    waiting = list(found)
    while waiting:
        ready = [x for x in waiting if all(y in ordered for y in needed(x, found, reach) if y is not x)]
        ordered += ready or waiting
        waiting = [x for x in waiting if x not in ordered]
    return tuple(ordered)


def circle(spec: m.Spec, reach: Reach) -> list[Settled]:
    """Return those that depend on themselves, directly or through others."""
    found = at_open(spec)
    return [one for one in found if _depends(one, one, found, reach)]


def _depends(one: Settled, on: Settled, found: list[Settled], reach: Reach) -> bool:
    seen: list[Settled] = []
    waiting = needed(one, found, reach)
    while waiting:
        other = waiting.pop()
        if other is on:
            return True
        if other not in seen:
            seen.append(other)
            waiting += needed(other, found, reach)
    return False
