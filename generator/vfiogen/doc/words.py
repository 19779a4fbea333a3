# SPDX-License-Identifier: GPL-2.0-only
"""Parts of a spec as a reader of the documentation sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vfiogen.c.spell import spell
from vfiogen.model import spec as m

_UNITS = ((1_000_000, "s"), (1_000, "ms"), (1, "us"))


def expression(formula: m.Formula | None) -> str:
    """Return an expression as the spec spells it."""
    return spell(formula.tree) if formula and formula.tree else ""


def duration(microseconds: int) -> str:
    """Return a time with the largest unit that it is a whole number of."""
    size, unit = next((size, unit) for size, unit in _UNITS if microseconds % size == 0)
    return f"{microseconds // size}{unit}"


def step(one: m.Step) -> str:
    """Return what a step does, without what happens if it fails."""
    match one.verb:
        case "wait":
            return f"wait {duration(one.wait)}"
        case "poll" | "check":
            return f"{one.verb} {expression(one.formula)}"
        case "finish":
            return f"done if {expression(one.formula)}"
        case "repeat":
            return f"{expression(one.formula)} times {listed(map(step, one.steps))}"
    return expression(one.formula)


def modifiers(one: m.Step) -> Iterator[str]:
    """Yield what else is said of a step, as sentences without their end."""
    if one.when:
        yield f"only if {expression(one.when)}"
    if one.every is not None and one.limits:
        limits = ", ".join(map(duration, one.limits))
        yield f"every {duration(one.every)}, for {limits} at the most, by {expression(one.by)}"
    elif one.every is not None and one.limit is not None:
        yield f"every {duration(one.every)}, for {duration(one.limit)} at the most"
    if one.into:
        yield f"the outcome is kept as {expression(one.into)}"
    if one.retry:
        yield f"again on -{one.retry}"
    if one.error:
        yield f"gives -{one.error} if it fails"
    if one.ignore_error:
        yield f"a failure is ignored: {one.ignore_error.text.rstrip('.')}"
    if one.undo:
        yield f"if a later step fails, {listed(map(step, one.undo))}"
    if one.needs:
        yield f"on kernels with {one.needs}"


def listed(words: Iterable[str]) -> str:
    """Return "a, b and c"."""
    found = list(words)
    return f"{', '.join(found[:-1])} and {found[-1]}" if len(found) > 1 else "".join(found)


def sentence(text: str) -> str:
    """Return a text that ends with a period."""
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?")) else f"{text}."
