# SPDX-License-Identifier: GPL-2.0-only
"""The migration state machine as a picture: what is done on each arc.

States stand in a grid in which each arc runs along an axis: above those of a device that isn't being saved,
below those in which data is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vfiogen.doc.arcs import ArcActions
from vfiogen.doc.svg import Arrow, Box, Label, draw, draw_arrow, draw_box, draw_label, text_width
from vfiogen.records import Value

_WIDTH, _HEIGHT, _MARGIN = 132, 46, 24
_LINE, _APART = 16, 9
# How wide a line of words beside an arrow may be, and how many there are.
_LONGEST, _MOST = 200, 6

# Column and row.
_PLACES: Mapping[str, tuple[int, int]] = {
    "RUNNING": (0, 0),
    "RUNNING_P2P": (1, 0),
    "STOP": (2, 0),
    "RESUMING": (3, 0),
    "PRE_COPY": (0, 1),
    "PRE_COPY_P2P": (1, 1),
    "STOP_COPY": (2, 1),
}


class Grid(Value):
    """Where the columns and rows of states begin."""

    columns: Mapping[int, int]
    rows: tuple[int, int]

    def box(self, state: str) -> Box:
        """Return the box of a state."""
        column, row = _PLACES[state]
        kind = "input" if state in ("STOP_COPY", "PRE_COPY", "PRE_COPY_P2P") else ""
        kind = "output" if state == "RESUMING" else kind
        return Box(self.columns[column], self.rows[row], _WIDTH, _HEIGHT, (state,), kind)


def draw_states(arcs: Sequence[ArcActions], driver: str) -> str:
    """Return the picture."""
    grid = _grid(arcs)
    states = [state for state in _PLACES if any(state in (arc.source, arc.target) for arc in arcs)]
    parts = [part for arc in arcs for part in _arc(grid, arc)]
    parts += [draw_box(grid.box(state)) for state in states]
    last = max(grid.columns.values())
    below = _beyond(_most_lines(arcs, 1, right=False))
    size = last + _WIDTH + _MARGIN, grid.rows[1] + _HEIGHT + below + _MARGIN
    return draw(size, f"The migration states of {driver} and what is done between them", parts)


def words_of(arc: ArcActions) -> list[str]:
    """Return the lines beside an arrow."""
    lines = [action.text for action in arc.actions if action.code or " the file" not in action.text]
    if len(lines) > _MOST:
        lines = [*lines[: _MOST - 1], "…"]
    return [_short(line) for line in lines]


def _short(line: str) -> str:
    """Return a line that isn't too long: of a command its name, of anything else the beginning."""
    if text_width(line) <= _LONGEST:
        return line
    name, found, _ = line.partition("(")
    if found and text_width(name) < _LONGEST - 30:
        return f"{name}(…)"
    while text_width(line) > _LONGEST - 10:
        line = line[:-1]
    return f"{line}…"


# The grid


def _grid(arcs: Sequence[ArcActions]) -> Grid:
    used = sorted({_PLACES[state][0] for arc in arcs for state in (arc.source, arc.target)})
    x = _MARGIN + _left_room(arcs)
    columns = {}
    for column, following in zip(used, [*used[1:], None], strict=True):
        columns[column] = x
        x += _WIDTH + (_gap(arcs, column, following) if following is not None else 0)
    top = _MARGIN + _beyond(_most_lines(arcs, 0, right=True))
    return Grid(columns, (top, top + _HEIGHT + _drop(arcs)))


def _width(arc: ArcActions) -> int:
    return max(map(text_width, words_of(arc)), default=0)


def _is_level(arc: ArcActions) -> bool:
    return _PLACES[arc.source][1] == _PLACES[arc.target][1]


def _between(arcs: Sequence[ArcActions], column: int, following: int) -> list[ArcActions]:
    """Return the level arcs between two columns."""
    ends = {column, following}
    return [
        arc for arc in arcs if _is_level(arc) and {_PLACES[arc.source][0], _PLACES[arc.target][0]} == ends
    ]


def _upright(arcs: Sequence[ArcActions], column: int, down: bool) -> list[ArcActions]:
    return [
        arc
        for arc in arcs
        if not _is_level(arc) and _PLACES[arc.source][0] == column and (_PLACES[arc.target][1] == 1) == down
    ]


def _gap(arcs: Sequence[ArcActions], column: int, following: int) -> int:
    """Words of level arrows fit into a gap; those of upright ones have half of a box more on each side."""
    level = max((_width(arc) for arc in _between(arcs, column, following)), default=0) + 28
    right = max((_width(arc) for arc in _upright(arcs, column, down=False)), default=0)
    left = max((_width(arc) for arc in _upright(arcs, following, down=True)), default=0)
    return max(90, level, right + left + 2 * _APART + 60 - _WIDTH)


def _left_room(arcs: Sequence[ArcActions]) -> int:
    """What stands left of the first upright arrow and of its box."""
    first = min(_PLACES[state][0] for arc in arcs for state in (arc.source, arc.target))
    widest = max((_width(arc) for arc in _upright(arcs, first, down=True)), default=0)
    return max(0, widest + 2 * _APART + 10 - _WIDTH // 2)


def _most_lines(arcs: Sequence[ArcActions], row: int, right: bool) -> int:
    """Return how many lines stand above (`right`) or below the level arrows of a row."""
    found = [
        len(words_of(arc))
        for arc in arcs
        if _is_level(arc)
        and _PLACES[arc.source][1] == row
        and (_PLACES[arc.source][0] < _PLACES[arc.target][0]) == right
    ]
    return max(found, default=0)


def _beyond(lines: int) -> int:
    """How far words beside a level arrow stand out of the boxes that it joins."""
    return max(0, _LINE * lines - _HEIGHT // 2 + _APART + 8)


def _drop(arcs: Sequence[ArcActions]) -> int:
    """How far the rows are apart: words of both rows, and between them those of upright arrows."""
    level = _beyond(_most_lines(arcs, 0, right=False)) + _beyond(_most_lines(arcs, 1, right=True))
    beside = max((len(words_of(arc)) for arc in arcs if not _is_level(arc)), default=0)
    return max(80, level + _LINE * beside + 20)


# An arc


def _arc(grid: Grid, arc: ArcActions) -> Iterator[str]:
    source, target = grid.box(arc.source), grid.box(arc.target)
    lines = words_of(arc)
    if source.y == target.y:
        yield from _level(source, target, lines)
    else:
        yield from _vertical(source, target, lines)


def _level(source: Box, target: Box, lines: list[str]) -> Iterator[str]:
    """To the right above the middle, to the left below it."""
    right = source.x < target.x
    y = source.center[1] + (-_APART if right else _APART)
    start, end = (source.x + _WIDTH, target.x) if right else (source.x, target.x + _WIDTH)
    yield draw_arrow(Arrow(((start, y), (end, y))))
    first = y - 6 - _LINE * (len(lines) - 1) if right else y + 15
    yield from _text(lines, (start + end) // 2, first, "middle")


def _vertical(source: Box, target: Box, lines: list[str]) -> Iterator[str]:
    """Down left of the middle, up right of it."""
    down = source.y < target.y
    x = source.center[0] + (-_APART if down else _APART)
    start, end = (source.y + _HEIGHT, target.y) if down else (source.y, target.y + _HEIGHT)
    yield draw_arrow(Arrow(((x, start), (x, end))))
    first = (start + end) // 2 + 4 - _LINE * (len(lines) - 1) // 2
    yield from _text(lines, x + (-8 if down else 8), first, "end" if down else "start")


def _text(lines: list[str], x: int, first: int, anchor: str) -> Iterator[str]:
    for at, line in enumerate(lines):
        yield draw_label(Label(x, first + _LINE * at, line, anchor))
