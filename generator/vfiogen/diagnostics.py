# SPDX-License-Identifier: GPL-2.0-only
"""Positions, problems and how they are printed. A leaf: imports nothing of the other rooms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, eq=False)
class Source:
    """A file that a person wrote: the path as it is shown, and its text."""

    path: str
    text: str = ""

    def line(self, number: int) -> str:
        """Return line `number` (from 1) without its end, or nothing past the end."""
        lines = self._lines
        return lines[number - 1] if 0 < number <= len(lines) else ""

    @property
    def _lines(self) -> list[str]:
        cached = self.__dict__.get("_line_cache")
        if cached is None:
            cached = self.text.split("\n")
            object.__setattr__(self, "_line_cache", cached)
        return list(cached) if not isinstance(cached, list) else cached


@dataclass(frozen=True)
class Span:
    """A half-open range in a source. Lines and columns (in characters) count from 1."""

    source: Source
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, as a person reads it.

    `code` is a key of the explanations (`vfiogen explain`); `hints` say what is allowed, what was
    probably meant or how to go on; `related` points at other places that belong to the problem.
    """

    code: str
    message: str
    span: Span | None = None
    hints: tuple[str, ...] = ()
    related: tuple[tuple[Span, str], ...] = ()


@dataclass
class Problems:
    """Collects the problems of a run, without duplicates."""

    _items: dict[Problem, None] = field(default_factory=dict)

    def report(
        self,
        code: str,
        message: str,
        span: Span | None,
        *hints: str,
        related: tuple[tuple[Span, str], ...] = (),
    ) -> None:
        """Add one problem."""
        self._items[Problem(code, message, span, tuple(h for h in hints if h), related)] = None

    def __iter__(self) -> Iterator[Problem]:
        return iter(sorted(self._items, key=_order))

    def __len__(self) -> int:
        return len(self._items)

    def __bool__(self) -> bool:
        return bool(self._items)


class VfiogenError(Exception):
    """Ends a command with one clear line; `status` is the exit status (1 input, 2 usage)."""

    def __init__(self, code: str, message: str, *hints: str, status: int = 1) -> None:
        super().__init__(message)
        self.problem = Problem(code, message, None, hints)
        self.status = status


def _order(problem: Problem) -> tuple[str, int, int, str, str]:
    span = problem.span
    if span is None:
        return ("", 0, 0, problem.code, problem.message)
    return (span.source.path, span.line, span.column, problem.code, problem.message)
