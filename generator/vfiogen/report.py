# SPDX-License-Identifier: GPL-2.0-only
"""Problems as text: for a person, for programs (JSON), and as annotations of GitHub Actions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TextIO

from vfiogen.diagnostics import Problem, Span
from vfiogen.records import Value

FORMATS = ("human", "json", "github")

_TAB = 8
_WIDEST_LINE = 160
_BEFORE_SPAN = 60

# What could drive a terminal, or make a line look like another one.
_INVISIBLE = re.compile(
    "[\0-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


class Palette(Value):
    """The escape sequences of a terminal; all empty where there is no colour."""

    error: str = ""
    note: str = ""
    help: str = ""
    gutter: str = ""
    bold: str = ""
    added: str = ""
    removed: str = ""
    hunk: str = ""
    reset: str = ""


PLAIN = Palette()
COLOURED = Palette(
    error="\033[1;31m",
    note="\033[1;36m",
    help="\033[1;32m",
    gutter="\033[34m",
    bold="\033[1m",
    added="\033[32m",
    removed="\033[31m",
    hunk="\033[36m",
    reset="\033[0m",
)


def palette(stream: TextIO, environment: Mapping[str, str]) -> Palette:
    """Return colours for a terminal, none for a file, for NO_COLOR or for a dumb terminal."""
    if environment.get("NO_COLOR") or environment.get("TERM") == "dumb" or not stream.isatty():
        return PLAIN
    return COLOURED


def format_problems(problems: Iterable[Problem], form: str, colours: Palette = PLAIN) -> str:
    """Return problems in one of FORMATS, ended by a newline unless there is nothing to say."""
    match form:
        case "json":
            return format_json(problems)
        case "github":
            return format_github(problems)
        case _:
            return format_human(problems, colours)


def format_human(problems: Iterable[Problem], colours: Palette = PLAIN) -> str:
    """Return problems with the lines that they are about, and how many there are."""
    found = list(problems)
    if not found:
        return ""
    blocks = ["\n".join(_human(problem, colours)) for problem in found]
    if len(found) > 1 or found[0].span:
        blocks.append(summary(found))
    return "\n\n".join(blocks) + "\n"


def summary(problems: Iterable[Problem]) -> str:
    """Return "3 problems in 2 specs"; a spec that a problem refers to counts too."""
    found = list(problems)
    spans = [span for problem in found for span in (problem.span, *(other for other, _ in problem.related))]
    specs = {span.source.path for span in spans if span}
    text = _count(len(found), "problem")
    return f"{text} in {_count(len(specs), 'spec')}" if specs else text


def format_json(problems: Iterable[Problem]) -> str:
    """Return a JSON object: `version` (1) and `problems`, sorted by position.

    A problem has `code`, `message`, `hints` (a list of texts), `related` (a list of places, each
    with a `message`) and, unless it belongs to no place, `file`, `line`, `column`, `end_line` and
    `end_column`: lines and columns count from 1, columns are characters, the end is exclusive.
    """
    return json_text(problems)


def json_text(problems: Iterable[Problem], more: Mapping[str, Any] = MappingProxyType({})) -> str:
    """Return the JSON object of format_json with more members."""
    import json

    return json.dumps({"version": 1, "problems": [_data(p) for p in problems], **more}, indent=2) + "\n"


def format_github(problems: Iterable[Problem]) -> str:
    """Return one workflow command for each problem, which GitHub shows beside the line."""
    return "".join(_annotation(problem) + "\n" for problem in problems)


def visible(text: str) -> str:
    """Return a text with control characters spelled out, so that it is safe on a terminal."""
    return _INVISIBLE.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    return "\\n" if match[0] == "\n" else f"\\u{ord(match[0]):04x}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


# For a person


def _human(problem: Problem, colours: Palette) -> Iterator[str]:
    kind = f"{colours.error}error[{problem.code}]:{colours.reset}"
    yield from _place(problem.span, kind, problem.message, colours, colours.error)
    for hint in problem.hints:
        yield f"      = {colours.help}help:{colours.reset} {visible(hint)}"
    for span, message in problem.related:
        kind = f"{colours.note}note:{colours.reset}"
        yield from _place(span, kind, message, colours, colours.note)


def _place(span: Span | None, kind: str, message: str, colours: Palette, caret: str) -> Iterator[str]:
    text = f"{kind} {colours.bold}{visible(message)}{colours.reset}"
    if span is None:
        yield text
        return
    where = f"{visible(span.source.path)}:{span.line}:{span.column}:"
    yield f"{colours.bold}{where}{colours.reset} {text}"
    if span.source.line(span.line):
        line, underline = _snippet(span)
        gutter = f"{colours.gutter}{span.line:5} |{colours.reset}"
        yield f"{gutter} {line}"
        gutter = f"{colours.gutter}{'':5} |{colours.reset}"
        yield f"{gutter} {underline[0]}{caret}{underline[1]}{colours.reset}"


def _snippet(span: Span) -> tuple[str, tuple[str, str]]:
    """Return the first line of a span as it is shown, and the blanks and carets below it."""
    text = span.source.line(span.line)
    start = span.column - 1
    end = span.end_column - 1 if span.end_line == span.line else len(text.rstrip())
    end = max(end, start + 1)
    before, marked, after = text[:start], text[start:end], text[end:]
    if len(text) > _WIDEST_LINE:
        before, marked, after = _shortened(before, marked, after)
    indent = _expand(before, 0)
    underlined = _expand(marked, _width(indent))
    rest = _expand(after, _width(indent) + _width(underlined))
    carets = "^" * max(1, _width(underlined))
    return (indent + underlined + rest).rstrip(), (" " * _width(indent), carets)


def _shortened(before: str, marked: str, after: str) -> tuple[str, str, str]:
    """Cut a long line down to the part around its mark."""
    if len(before) > _BEFORE_SPAN:
        before = "…" + before[-_BEFORE_SPAN:]
    room = _WIDEST_LINE - len(before)
    if len(marked) > room:
        return before, marked[:room], "…"
    room -= len(marked)
    return before, marked, after if len(after) <= room else after[:room] + "…"


def _expand(text: str, column: int) -> str:
    """Return a text that begins in a column of the screen with its tabs as blanks."""
    out = []
    for char in _INVISIBLE.sub("\ufffd", text):
        shown = " " * (_TAB - column % _TAB) if char == "\t" else char
        column += _width(shown)
        out.append(shown)
    return "".join(out)


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(_char_width, text))


def _char_width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


# For programs


def _data(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "message": problem.message,
        **_where(problem.span),
        "hints": list(problem.hints),
        "related": [{"message": text, **_where(span)} for span, text in problem.related],
    }


def _where(span: Span | None) -> dict[str, Any]:
    if span is None:
        return {}
    return {
        "file": span.source.path,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _annotation(problem: Problem) -> str:
    properties = {**_github_place(problem.span), "title": problem.code}
    listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    lines = [problem.message, *(f"help: {hint}" for hint in problem.hints)]
    for span, text in problem.related:
        lines.append(f"{span.source.path}:{span.line}:{span.column}: {text}")
    return f"::error {listed}::{_github_text(chr(10).join(lines))}"


def _github_place(span: Span | None) -> dict[str, Any]:
    """Where an annotation goes; columns are inclusive there, and only known within one line."""
    if span is None:
        return {}
    place = {"file": span.source.path, "line": span.line, "endLine": span.end_line}
    if span.line == span.end_line:
        place |= {"col": span.column, "endColumn": max(span.column, span.end_column - 1)}
    return place


def _github_text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _github_text(text).replace(":", "%3A").replace(",", "%2C")
