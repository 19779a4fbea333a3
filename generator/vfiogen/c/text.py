# SPDX-License-Identifier: GPL-2.0-only
"""Text of a person, escaped for the place where it lands: C, Kconfig or a Makefile.

The functions here take any text for which `text_problem` has nothing to say; what they raise
`ValueError` for, the checks have to refuse before.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable

# Reorder what a reader sees without changing what a compiler reads.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CATEGORIES = {
    "Cc": "a control character",
    "Cs": "half of a surrogate pair",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
}

_TRIGRAPH = re.compile(r"(?<=\?)\?(?=[=/'()!<>-])")
_CONTROL = re.compile(r"[\x01-\x1f\x7f]")
_C_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}

# The width that help texts of the kernel keep to, and how they are indented.
_HELP_WIDTH = 79
_HELP_MARGIN = "\t  "
_UNUSUAL = re.compile(r"[^\n -~]")


# What is refused


def text_problem(text: str) -> str | None:
    """Return what is wrong with a text that no output can hold, or None.

    Line ends are fine. Other control characters, halves of surrogate pairs and what changes the
    direction of writing are not.
    """
    found = unwanted_character(text)
    return f"a text cannot hold {found[1]}" if found else None


def unwanted_character(text: str) -> tuple[int, str] | None:
    """Return index and name of the first character that no output can hold, if there is one."""
    for match in _UNUSUAL.finditer(text):
        if reason := _unwanted(match[0]):
            return match.start(), f"U+{ord(match[0]):04X} ({reason})"
    return None


def _unwanted(character: str) -> str:
    if character in _BIDI:
        return "a change of the direction of writing"
    if character == "\ufeff":
        return "a byte order mark"
    return _CATEGORIES.get(unicodedata.category(character), "")


# C


def one_line(text: str) -> str:
    """Return `text` with each run of spaces and line ends as one space, none at the ends."""
    return re.sub(r"[ \n]+", " ", text).strip(" ")


def c_string(text: str, *, format_string: bool = False) -> str:
    """Return the C literal, quotes included, that holds `text` in UTF-8.

    As a format string, it prints `text`. Raises ValueError for what a literal can't hold.
    """
    if "\0" in text or re.search("[\ud800-\udfff]", text):
        raise ValueError("a C string holds neither NUL nor halves of surrogate pairs")
    escaped = "".join(_C_ESCAPES.get(character, character) for character in text)
    escaped = _TRIGRAPH.sub(r"\\?", escaped)
    escaped = _CONTROL.sub(lambda found: f"\\{ord(found[0]):03o}", escaped)
    return f'"{escaped.replace("%", "%%") if format_string else escaped}"'


def module_text(text: str) -> str:
    """Return the literal for MODULE_DESCRIPTION and MODULE_AUTHOR: what modinfo shows is a line."""
    return c_string(one_line(text))


def comment_text(text: str) -> str:
    """Return `text` for the inside of a C comment; applied again, it changes nothing.

    A space opens what would begin or end a comment, and the trigraph of a backslash.
    """
    return re.sub(r"\*(?=/)|/(?=\*)|\?(?=\?/)", r"\g<0> ", text)


def line_comment_text(text: str) -> str:
    """Return `text` for a comment that ends with its line: `//` of C, `#` of a Makefile."""
    return _keep_line_end(one_line(comment_text(text)))


def _keep_line_end(line: str) -> str:
    """A backslash at its end would draw the next line into the comment."""
    return f"{line}." if line.endswith("\\") else line


# Kconfig: see scripts/kconfig/lexer.l. Between quotes, a backslash takes the next character as it
# is and `$(` begins a macro. A help text is neither unquoted nor expanded; it goes on to the first
# line that is indented less than its first.


def kconfig_string(text: str) -> str:
    """Return `text` as a quoted string on one line, for a prompt."""
    escaped = re.sub(r'\\|"|\$(?=\()', r"\\\g<0>", one_line(text))
    return f'"{escaped}"'


def kconfig_help(text: str) -> str:
    """Return the lines below `help`, indented; paragraphs are kept and filled."""
    room = _HELP_WIDTH - len(_HELP_MARGIN.expandtabs())
    return "\n".join(f"{_HELP_MARGIN}{line}" if line else "" for line in fill(text, room))


# Makefiles


def make_comment(text: str) -> str:
    """Return `text` as lines of a comment."""
    lines = [_keep_line_end(line) for line in fill(text, _HELP_WIDTH - len("# "))]
    return "\n".join(f"# {line}".rstrip() for line in lines)


def make_value(text: str) -> str:
    """Return `text`, made one line, for the right side of an assignment."""
    escaped = one_line(text).replace("$", "$$")
    escaped = re.sub(r"(\\*)#", r"\1\1\#", escaped)
    return f"{escaped}$()" if escaped.endswith("\\") else escaped


# Filling


def fill(text: str, room: int) -> list[str]:
    """Return the lines of `text`, filled to `room` columns, paragraphs apart by one empty line.

    A line that starts with a space, `- ` or `* ` starts a line of the result too. Words are never
    cut, so that a long one may go past.
    """
    lines: list[str] = []
    for paragraph in re.split(r"\n *\n[ \n]*", text.strip(" \n")):
        parts = re.split(r"\n(?= |[-*] )", paragraph)
        lines += ["", *_fill_parts(parts, room)]
    return lines[1:]


def _fill_parts(parts: Iterable[str], room: int) -> list[str]:
    return [line for part in parts for line in _fill_part(part, room)]


def _fill_part(part: str, room: int) -> list[str]:
    margin = re.match(r" *(?:[-*] )?", part)
    hanging = " " * (margin.end() if margin else 0)
    return textwrap.wrap(
        part,
        room,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
