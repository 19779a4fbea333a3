# SPDX-License-Identifier: GPL-2.0-only
"""The parser's complaints, in the words of a person who wrote a spec."""

from __future__ import annotations

import re
from typing import Any

from vfiogen.diagnostics import Problems, Source, Span

_QUOTE_COMMAS = "between { } and [ ], quote a value that has a comma, a bracket or a brace"
_CHECK_INDENT = "check the indentation of this line and of the lines above it"

_NO_KEY = "mapping values are not allowed"
_KEY = re.compile(r":(\s|$)")

# What the parser says, what that means, and a hint.
_TEXTS = (
    (
        _NO_KEY,
        "this `:` makes a key of what precedes it, and no key can be here",
        "quote a value that has a colon and a space in it, or " + _CHECK_INDENT,
    ),
    (
        "block sequence entries are not allowed",
        "an item of a list can't begin here",
        "begin the list on a line of its own, or quote a value that begins with `- `",
    ),
    ("did not find expected key", "this doesn't fit the map that it follows", _CHECK_INDENT),
    (
        "did not find expected '-' indicator",
        "this doesn't fit the list that it follows",
        "begin the item with `- `, or " + _CHECK_INDENT,
    ),
    ("did not find expected ',' or ']'", "a `,` or `]` is missing before this", _QUOTE_COMMAS),
    ("did not find expected ',' or '}'", "a `,` or `}` is missing before this", _QUOTE_COMMAS),
    ("did not find expected node content", "a value is missing before this", _QUOTE_COMMAS),
    ("expected <block end>", "this doesn't fit what it follows", _CHECK_INDENT),  # PyYAML's own parser
    (
        "did not find expected <document start>",
        "this doesn't belong to what precedes it",
        _CHECK_INDENT,
    ),
    (
        "found unknown escape character",
        "this is no escape that YAML knows",
        "double the backslash, or use single quotes",
    ),
    (
        "did not find expected hexdecimal number",
        "the digits of this escape are missing",
        "double the backslash, or use single quotes",
    ),
)

# Complaints that are better shown where the construct began.
_FROM_START = {
    "could not find expected ':'": (
        "this line is neither a key with a value nor an item of a list",
        "write `key: value`, or " + _CHECK_INDENT,
    ),
    "found unexpected end of stream": (
        "the quote that opens here is never closed",
        "close it; inside single quotes, write a quote twice",
    ),
    "did not find expected alphabetic or numeric character": (
        "a value can't begin with `*` or `&`, which make an alias or an anchor",
        "quote it",
    ),
    "found undefined tag handle": ("a value can't begin with `!`, which makes a tag", "quote it"),
    "found unexpected document indicator": (
        "the quote that opens here is not closed before the document ends",
        "close it; inside single quotes, write a quote twice",
    ),
}


def report_syntax(source: Source, error: Any, problems: Problems) -> None:
    """Report an error of the parser, a yaml.YAMLError, as a problem of the source."""
    mark = getattr(error, "problem_mark", None)
    context = getattr(error, "context_mark", None)
    said = str(getattr(error, "problem", None) or error)
    if mark is None:
        problems.report("yaml-syntax", f"this is not YAML: {said}", source.span(0, 0))
    elif source.line(mark.line + 1).startswith("%"):
        report_directive(source, mark.line + 1, problems)
    elif said in _FROM_START and context is not None:
        message, hint = _FROM_START[said]
        problems.report("yaml-syntax", message, _rest_of_line(source, context), hint)
    elif _is_tab(source, said, mark):
        report_tab(source, mark.line + 1, problems)
    else:
        message, hint = _explain(source, said, mark)
        related = _unfinished(source, mark) if said.startswith(_NO_KEY) else _opened(source, error, mark)
        problems.report("yaml-syntax", message, _one(source, mark), hint, related=related)


def report_directive(source: Source, line: int, problems: Problems) -> None:
    """Report a line that is a directive."""
    span = Span(source, line, 1, line, len(source.line(line)) + 1)
    problems.report("yaml-feature", "a spec has no directives", span, "remove this line")


def report_tab(source: Source, line: int, problems: Problems) -> None:
    """Report the tab that indents a line."""
    text = source.line(line)
    start = max(0, text.find("\t"))
    width = len(text[start:]) - len(text[start:].lstrip("\t"))
    problems.report(
        "yaml-tab",
        "a tab can't indent a line",
        Span(source, line, start + 1, line, start + 1 + max(1, width)),
        "use spaces",
    )


def _explain(source: Source, said: str, mark: Any) -> tuple[str, str]:
    if said == "found character that cannot start any token":
        char = source.line(mark.line + 1)[mark.column : mark.column + 1]
        return f"a value can't begin with `{char}`", "quote it"
    for text, message, hint in _TEXTS:
        if said.startswith(text):
            return message, hint
    return f"this is not YAML: {said}", ""


def _is_tab(source: Source, said: str, mark: Any) -> bool:
    line = source.line(mark.line + 1)
    return "tab character" in said or line[mark.column : mark.column + 1] == "\t"


def _opened(source: Source, error: Any, mark: Any) -> tuple[tuple[Span, str], ...]:
    """Where the map or list began that doesn't go on as it should."""
    context = error.context_mark
    if context is None or "parsing a" not in str(error.context) or context.line == mark.line:
        return ()
    kind = "list" if "sequence" in error.context or "collection" in error.context else "map"
    return ((_one(source, context), f"the {kind} begins here"),)


def _unfinished(source: Source, mark: Any) -> tuple[tuple[Span, str], ...]:
    """Return the line before, if it is as far in and has no key: YAML then reads on in the next one."""
    number = mark.line
    while number and not source.line(number).partition("#")[0].strip():
        number -= 1
    before, here = source.line(number), source.line(mark.line + 1)
    text = before.strip()
    if not text or _KEY.search(before) or _indent(before) != _indent(here) or text.startswith("- "):
        return ()
    span = Span(source, number, _indent(before) + 1, number, len(before.rstrip()) + 1)
    return ((span, "this line has no `:`, so that it goes on below"),)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _one(source: Source, mark: Any) -> Span:
    """Return the span of the character at a mark, or the end of the text."""
    start = min(mark.index, len(source.text.rstrip()))
    char = source.text[start : start + 1]
    length = {"": 0, "\n": 0, "\\": 2}.get(char, 1)
    return source.span(start, min(start + length, len(source.text)))


def _rest_of_line(source: Source, mark: Any) -> Span:
    line = source.line(mark.line + 1).rstrip()
    end = max(len(line), mark.column + 1) + 1
    return Span(source, mark.line + 1, mark.column + 1, mark.line + 1, end)
