# SPDX-License-Identifier: GPL-2.0-only
"""The expressions below a part of the model, and the names in them, whether they have a type or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vfiogen.c import syntax as s
from vfiogen.diagnostics import Source, Span
from vfiogen.load import Scalar
from vfiogen.model import spec as m
from vfiogen.records import Record, astuple

# Neither these nor what they are made of holds an expression.
_LEAVES = frozenset({str, int, bool, dict, type(None), m.Word, m.Integer, Source, Span, Scalar})


def formulas(part: object) -> list[m.Formula]:
    """Return the expressions of a part of the model, in the order of its classes."""
    found: list[m.Formula] = []
    _collect((part,), found)
    return found


def _collect(part: object, found: list[m.Formula]) -> None:
    for inner in part if isinstance(part, tuple) else astuple(part) if isinstance(part, Record) else ():
        if isinstance(inner, m.Formula):
            found.append(inner)
        elif type(inner) not in _LEAVES and inner:
            _collect(inner, found)


def names(found: Iterable[m.Formula]) -> Iterator[str]:
    """Yield the names that expressions begin with: those of the spec, of the kernel, and constants."""
    for formula in found:
        for node in s.walk(formula.tree) if formula.tree else ():
            if isinstance(node, s.Name):
                yield node.name
