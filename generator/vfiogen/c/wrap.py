# SPDX-License-Identifier: GPL-2.0-only
"""Breaks a line of C as kernel style does: 80 columns, aligned to what is open, 100 at the most.

The line is text that is already right C on one line. It is broken only at spaces that kernel
style allows to break at. Each break has a price, by what it tears apart and how deep inside of
brackets; so have columns past 80. The cheapest set of breaks wins, the fuller line among equals.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from heapq import heappop, heappush
from itertools import pairwise
from typing import NamedTuple

TAB = 8
WIDTH = 80
LIMIT = 100

_LINE = 10
_TOO_LONG = 1000
_DEPTH = 15
# A continuation that starts so far right that little fits is better avoided.
_NARROW_COLUMN, _NARROW = 56, 90
# Of the ways to reach a break, with different brackets open at different columns, how many are
# followed. Real lines have two or three.
_KEPT = 6

_ASSIGNMENTS = frozenset(["=", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "<<=", ">>="])
_PRICES = {
    **dict.fromkeys(["||", ":"], 2),
    "&&": 4,
    "|": 8,
    **dict.fromkeys(["+", "-"], 14),
    **dict.fromkeys(["?", "&", "^"], 20),
    **dict.fromkeys(["*", "/", "%"], 24),
    **dict.fromkeys(_ASSIGNMENTS, 26),
    **dict.fromkeys(["<<", ">>"], 60),
    **dict.fromkeys(["==", "!=", "<", "<=", ">", ">="], 90),
}
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"|' r"'(?:[^'\\]|\\.)*'")
_RELEVANT = re.compile(_LITERAL.pattern + r"|[()\[\]{} ]")


class _Mark(NamedTuple):
    """A bracket, or a space where the line may break at a price."""

    at: int
    kind: str  # "(" for any that opens, ")" for any that closes, " " for a break
    price: int = 0
    assigns: bool = False


class _Way(NamedTuple):
    """The start of a line that is reached by some breaks; the least of two ways is the better one.

    `columns` are where lines continue, outermost first: one for the statement, one for each
    bracket that is open. `cost` is that of the lines before. `starts` is where each line begins,
    negated, so that fuller lines come first; `places` is the column of each.
    """

    cost: int
    starts: tuple[int, ...]
    places: tuple[int, ...]
    columns: tuple[int, ...]


def column_text(column: int) -> str:
    """Return the tabs and spaces that lead to `column`."""
    return "\t" * (column // TAB) + " " * (column % TAB)


def wrap(text: str, indent: int = 0) -> str:
    """Return the line `text`, a statement or a head with its `{`, `indent` tabs deep."""
    return wrap_with_cost(text, indent)[0]


def wrap_with_cost(text: str, indent: int = 0) -> tuple[str, int]:
    """Return what `wrap` does, and how bad it is: nothing for one line within 80 columns."""
    column = indent * TAB
    if column + len(text) <= WIDTH:
        return column_text(column) + text, 0
    return _broken_line(text, column)


# A driver's lines are mostly the same for every kernel that it is rendered for.
@lru_cache(maxsize=4096)
def _broken_line(text: str, column: int) -> tuple[str, int]:
    best = _best(text, column)
    if best.cost >= _TOO_LONG and text.startswith("return "):
        # checkpatch wants arguments below their bracket, other than behind `return`.
        best = _best(text, column, hanging=column + 2 * TAB)
    starts = [-start for start in best.starts]
    lines = [
        column_text(place) + text[start:end].rstrip()
        for place, (start, end) in zip(best.places, pairwise([*starts, len(text)]), strict=True)
    ]
    return "\n".join(lines), best.cost


def _best(text: str, column: int, hanging: int = 0) -> _Way:
    """Return the cheapest way to the end; `hanging` is where lines in a first bracket continue."""
    marks = _marks(text)
    base = column + (len("return ") if text.startswith("return ") else TAB)
    begun = [(_Way(0, (0,), (column,), (base,)), 0)]
    found: list[_Way] = []
    reached: dict[tuple[int, tuple[int, ...]], _Way] = {}
    followed: Counter[int] = Counter()
    while begun and (not found or begun[0][0].cost <= found[0].cost):
        way, start = heappop(begun)
        if start == len(text):
            heappush(found, way)
            continue
        followed[start] += 1
        if followed[start] > _KEPT:
            continue
        following = marks[bisect_left(marks, (start,)) :]
        for end, longer in _continuations(text, following, way, hanging):
            # Of ways with the same brackets open at the same columns, only the best can win.
            known = reached.get((end, longer.columns))
            if known is None or longer < known:
                reached[end, longer.columns] = longer
                heappush(begun, (longer, end))
    return found[0]


def _continuations(text: str, marks: list[_Mark], way: _Way, hanging: int) -> Iterator[tuple[int, _Way]]:
    """Yield every way to end the line that starts at the end of `way`; `marks` are those from there on."""
    offset = way.places[-1] + way.starts[-1]
    columns = way.columns
    for mark in marks:
        here = offset + mark.at
        if mark.kind == " ":
            yield mark.at + 1, _broken(way, way.cost + _LINE + mark.price + _overflow(here), mark, columns)
            if here > LIMIT:
                return
        columns = _after(mark, here, columns, hanging)
    yield len(text), way._replace(cost=way.cost + _overflow(offset + len(text)), columns=columns)


def _after(mark: _Mark, here: int, columns: tuple[int, ...], hanging: int) -> tuple[int, ...]:
    """Return where lines continue after `mark`, which stands in column `here`."""
    if mark.kind == "(":
        return (*columns, hanging if hanging and len(columns) == 1 else here + 1)
    if mark.kind == ")":
        return columns[:-1] if len(columns) > 1 else columns
    if mark.assigns and len(columns) == 1:
        return (here + 1,)
    return columns


def _broken(way: _Way, cost: int, mark: _Mark, columns: tuple[int, ...]) -> _Way:
    if mark.assigns and len(columns) == 1:
        columns = (way.places[0] + TAB,)
    column = columns[-1]
    cost += _NARROW if column > _NARROW_COLUMN else 0
    return _Way(cost, (*way.starts, -mark.at - 1), (*way.places, column), columns)


def _overflow(width: int) -> int:
    """Return the price of a line: up to 100 columns where any break would be a bad one."""
    if width <= WIDTH:
        return 0
    return 80 + width - WIDTH if width <= LIMIT else _TOO_LONG + 20 * (width - LIMIT)


def _marks(text: str) -> list[_Mark]:
    found = [(match[0], match.start()) for match in _RELEVANT.finditer(text)]
    lists = _lists(text, found)
    marks: list[_Mark] = []
    opened: list[int] = []
    for sign, at in found:
        if sign in "([{":
            opened.append(at)
            # `{ .a = 1 }` continues behind the space.
            marks.append(_Mark(at + text.startswith(" ", at + 1), "("))
        elif sign in ")]}":
            del opened[-1:]
            marks.append(_Mark(at, ")"))
        elif sign == " ":
            marks += _space(text, at, opened, lists)
    return marks


def _lists(text: str, found: list[tuple[str, int]]) -> set[int]:
    """Return where the brackets open that hold commas: there, commas are the place to break."""
    lists: set[int] = set()
    opened: list[int] = []
    for sign, at in found:
        if sign in "([{":
            opened.append(at)
        elif sign in ")]}":
            del opened[-1:]
        elif opened and text[at - 1] == ",":
            lists.add(opened[-1])
    return lists


def _space(text: str, at: int, opened: list[int], lists: set[int]) -> list[_Mark]:
    before = text[text.rfind(" ", 0, at) + 1 : at]
    price = _price(before, text[at + 1 : at + 2])
    if price is None:
        return []
    in_argument = bool(opened) and opened[-1] in lists and not before.endswith(",")
    depth = len(opened) + 2 * in_argument
    return [_Mark(at, " ", price + _DEPTH * depth, before in _ASSIGNMENTS)]


def _price(before: str, after: str) -> int | None:
    """Return the price of a break between a word and a character, None where none may be."""
    if before.endswith((",", ";")):
        return 0
    if before.endswith('"') and after and after in '"P':
        return 1
    return _PRICES.get(before)
