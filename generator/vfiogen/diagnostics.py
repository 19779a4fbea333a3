# SPDX-License-Identifier: GPL-2.0-only
"""Positions, problems and how they are printed. A leaf: imports nothing of the other rooms."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property

from msgspec import Struct, field

from vfiogen.records import Record, Value

_LONGEST_QUOTE = 60
# How alike two words are, from 0 to 1, if one may be the other misspelt.
CLOSE = 0.65
_GUESS = re.compile(r"did you mean `([^`]+)`")


class Source(Record, dict=True):
    """A file that a person wrote: the path as it is shown, and its text, with newlines only."""

    path: str
    text: str = ""

    def line(self, number: int) -> str:
        """Return line `number` (from 1) without its end, or nothing past the end."""
        if not 0 < number <= len(self._starts):
            return ""
        start = self._starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start:end]

    def offset(self, line: int, column: int) -> int:
        """Return the offset into the text of a line and column, both from 1."""
        if line > len(self._starts):
            return len(self.text)
        return self._starts[line - 1] + column - 1

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and column, both from 1, of an offset into the text."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        """Return the span of `text[start:end]`."""
        return Span(self, *self.position(start), *self.position(end))

    @cached_property
    def _starts(self) -> list[int]:
        """The offset at which each line begins."""
        return [0, *(match.end() for match in re.finditer("\n", self.text))]


class Span(Value):
    """A half-open range in a source. Lines and columns (in characters) count from 1."""

    source: Source
    line: int
    column: int
    end_line: int
    end_column: int

    def __contains__(self, other: Span) -> bool:
        return (
            self.source is other.source
            and (self.line, self.column) <= (other.line, other.column)
            and (other.end_line, other.end_column) <= (self.end_line, self.end_column)
        )


class Problem(Value):
    """One thing that is wrong, as a person reads it.

    `code` is a key of the explanations (`vfiogen explain`); `hints` say what is allowed, what was
    probably meant or how to go on; `related` points at other places that belong to the problem.
    """

    code: str
    message: str
    span: Span | None = None
    hints: tuple[str, ...] = ()
    related: tuple[tuple[Span, str], ...] = ()


class Problems(Struct):
    """Collects the problems of a run, without duplicates."""

    _items: dict[Problem, None] = field(default_factory=dict)
    _settled: list[Span] = field(default_factory=list)

    def report(
        self,
        code: str,
        message: str,
        span: Span | None,
        *hints: str,
        related: tuple[tuple[Span, str], ...] = (),
    ) -> None:
        """Add one problem, unless it stands where there was another when that was settled."""
        if span and self.settled(span):
            return
        self._items[Problem(code, message, span, tuple(h for h in hints if h), related)] = None

    def settle(self, source: Source) -> None:
        """From now on, report nothing inside a span of a source that has a problem already.

        A value that couldn't be read would otherwise be reported again by all that use it.
        """
        spans = (problem.span for problem in self._items)
        self._settled += [span for span in spans if span and span.source is source]

    def settled(self, span: Span) -> bool:
        """Tell whether there was a problem at a place, or around it, when that was settled."""
        return any(span in settled for settled in self._settled)

    def __iter__(self) -> Iterator[Problem]:
        return iter(sorted(self._items, key=_order))

    def __len__(self) -> int:
        return len(self._items)

    def __bool__(self) -> bool:
        return bool(self._items)


def meant_names(problems: Iterable[Problem]) -> set[str]:
    """Return the names that unknown ones were probably meant to be."""
    unknown = (problem for problem in problems if problem.code == "unknown-name")
    return {name for problem in unknown for hint in problem.hints for name in _GUESS.findall(hint)}


class VfiogenError(Exception):
    """Ends a command with one clear line; `status` is the exit status (1 input, 2 usage)."""

    def __init__(self, code: str, message: str, *hints: str, status: int = 1) -> None:
        super().__init__(message)
        self.problem = Problem(code, message, None, tuple(h for h in hints if h))
        self.status = status


def _order(problem: Problem) -> tuple[str, int, int, str, str]:
    span = problem.span
    if span is None:
        return ("", 0, 0, problem.code, problem.message)
    return (span.source.path, span.line, span.column, problem.code, problem.message)


def quote(text: str) -> str:
    """Return a text of a spec as a message quotes it, shortened if it is long."""
    short = text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"
    return f"`{short}`"


def listing(words: Iterable[str], last: str = "or", most: int = 24) -> str:
    """Return "`a`, `b` or `c`" in the order given; past `most` words, only how many there are."""
    quoted = [quote(word) for word in words]
    if len(quoted) > most:
        quoted = [*quoted[:most], f"{len(quoted) - most} more"]
        last = "and"
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"


def nearest(word: str, known: Iterable[str], cutoff: float = CLOSE) -> str | None:
    """Return the one of the `known` words that `word` was probably meant to be, if any is close.

    `cutoff` is how close it must be, up to 1.
    """
    from difflib import get_close_matches

    by_fold = {_fold(name): name for name in reversed(list(known))}
    close = get_close_matches(_fold(word[:_LONGEST_QUOTE]), by_fold, n=1, cutoff=cutoff)
    return by_fold[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str], cutoff: float = CLOSE) -> str:
    """Return the hint "did you mean `x`?", or nothing if no known word is close."""
    match = nearest(word, known, cutoff)
    return f"did you mean {quote(match)}?" if match else ""


def suggestions(word: str, known: Iterable[str], lead: str = "known here:") -> tuple[str, ...]:
    """Return the hints for an unknown word: which was meant, and all that there are unless that is it."""
    found = list(dict.fromkeys(known))
    guess = did_you_mean(word, found)
    listed = f"{lead} {listing(found, 'and')}" if len(found) > (1 if guess else 0) else ""
    return tuple(hint for hint in (guess, listed) if hint)


def _fold(word: str) -> str:
    """Spellings that are taken for the same word: pre_copy, Pre-Copy and pre-copy."""
    return word.lower().replace("_", "-")
