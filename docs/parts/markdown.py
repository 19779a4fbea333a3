# SPDX-License-Identifier: GPL-2.0-only
"""Markdown: wrapped paragraphs and lists, fenced blocks, anchors."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

WIDTH = 110
_NOT_IN_ANCHOR = re.compile(r"[^\w\- ]")


def paragraph(text: str, first: str = "", rest: str = "") -> str:
    """Wrap a text; `first` and `rest` stand before its first and its further lines."""
    return textwrap.fill(
        " ".join(text.split()),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def item(text: str) -> str:
    """Return an entry of a list."""
    return paragraph(text, "- ", "  ")


def fenced(language: str, lines: Iterable[str]) -> str:
    """Return a fenced block."""
    return "\n".join([f"```{language}", *lines, "```"])


def anchor(heading: str) -> str:
    """Return the anchor that a heading gets where Markdown is shown: as GitHub and GitLab make it."""
    return _NOT_IN_ANCHOR.sub("", heading.strip().lower()).replace(" ", "-")


def sentence(text: str) -> str:
    """Return a text that ends with a period."""
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def capital(text: str) -> str:
    """Return a text that begins with a capital."""
    return text[:1].upper() + text[1:]
