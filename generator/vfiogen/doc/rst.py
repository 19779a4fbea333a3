# SPDX-License-Identifier: GPL-2.0-only
"""reStructuredText as Documentation/doc-guide/sphinx.rst of the kernel asks for it. A leaf.

A text given to these functions is markup; `escaped` makes it of a text that isn't.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 80
TABLE_WIDTH = 90

# Markup inside of a line, and a word that could underline a title if it came to stand alone.
_MARKUP = re.compile(r"[\\*`|]|_(?!\w)|(?<!\w)_|::|(?<!\S)([^\w\s\\*`|_])\1+(?!\S)")
# What would begin a list, a comment or another construct.
_BEGINNING = re.compile(r"[^\w\s\\]|\w+[.)](?: |$)")


def escaped(text: str) -> str:
    """Return a text as markup that shows it as it is, on one line."""
    plain = _MARKUP.sub(lambda found: "".join(f"\\{char}" for char in found[0]), " ".join(text.split()))
    return "\\" + plain if _BEGINNING.match(plain) else plain


def literal(text: str) -> str:
    """Return a text in a fixed font."""
    return f"``{' '.join(text.split()).replace('`', chr(39))}``"


def title(text: str) -> str:
    """Return the title of a page."""
    return f"{'=' * len(text)}\n{text}\n{'=' * len(text)}"


def chapter(text: str) -> str:
    """Return the heading of a chapter."""
    return f"{text}\n{'=' * len(text)}"


def paragraph(text: str) -> str:
    """Return a wrapped paragraph."""
    return _wrapped(text, "", "")


def bullets(items: Iterable[str]) -> str:
    """Return a list."""
    return "\n".join(_wrapped(item, "- ", "  ") for item in items)


def comment(text: str) -> str:
    """Return what isn't shown."""
    return _wrapped(text, ".. ", "   ")


def figure(path: str, alternative: str, caption: str) -> str:
    """Return a picture with its caption."""
    return f".. kernel-figure:: {path}\n   :alt: {alternative}\n\n{_wrapped(caption, '   ', '   ')}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a grid table; a line of a cell is wrapped, a newline in it begins another paragraph."""
    found = [list(header), *(list(row) for row in rows)]
    widths = _widths(found)
    cells = [[_cell(text, width) for text, width in zip(row, widths, strict=True)] for row in found]
    rules = [_rule(widths, "=" if at == 0 else "-") for at in range(len(cells))]
    lines = [_rule(widths, "-")]
    for row, rule in zip(cells, rules, strict=True):
        lines += [*_lines(row, widths), rule]
    return "\n".join(lines)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the widths of columns: of their longest lines, shortened where the table gets too wide."""
    columns = list(zip(*rows, strict=True))
    lines = [max(len(line) for cell in column for line in cell.split("\n")) for column in columns]
    words = [max([1, *(len(word) for cell in column for word in cell.split())]) for column in columns]
    room = TABLE_WIDTH - 3 * len(columns) - 1
    for most in range(max(lines), 0, -1):
        widths = [max(min(line, most), word) for line, word in zip(lines, words, strict=True)]
        if sum(widths) <= room:
            return widths
    return words


def _cell(text: str, width: int) -> list[str]:
    paragraphs = [_fill(line, width, "", "").split("\n") for line in text.split("\n")]
    lines: list[str] = []
    for one in paragraphs:
        lines += [*([""] if lines else []), *one]
    return lines


def _lines(row: Sequence[list[str]], widths: Sequence[int]) -> list[str]:
    height = max(map(len, row))
    filled = [lines + [""] * (height - len(lines)) for lines in row]
    texts = (zip(line, widths, strict=True) for line in zip(*filled, strict=True))
    return ["|" + "|".join(f" {text:{width}} " for text, width in line) + "|" for line in texts]


def _rule(widths: Sequence[int], char: str) -> str:
    return "+" + "+".join(char * (width + 2) for width in widths) + "+"


def _wrapped(text: str, first: str, rest: str) -> str:
    return _fill(text, WIDTH, first, rest)


def _fill(text: str, width: int, first: str, rest: str) -> str:
    return textwrap.fill(
        " ".join(text.split()),
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
