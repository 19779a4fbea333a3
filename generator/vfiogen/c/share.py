# SPDX-License-Identifier: GPL-2.0-only
"""Functions and tables of one C file that others of the same module mention: they can't be static."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from vfiogen.c.layout import function_head
from vfiogen.records import Value

_FUNCTION = re.compile(r"^static ([^;{}=()]*?[\s*])(\w+)\(([^;{}]*?)\)\n\{$", re.MULTILINE)
_TABLE = re.compile(r"^static (const struct \w+ (\w+)) = \{$", re.MULTILINE)
_WORD = re.compile(r"\w+")


class _Definition(Value):
    """A definition as it stands, as it is when it is shared, and what the header says of it."""

    name: str
    text: str
    shared: str
    prototype: str


def share(files: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return C files, by name, without `static` on what others mention; and the header's lines for that."""
    changed, lines = dict(files), []
    words = {name: set(_WORD.findall(text)) for name, text in files.items()} if len(files) > 1 else {}
    for name in words:
        beside = set().union(*(found for other, found in words.items() if other != name))
        for one in _definitions(files[name]):
            if one.name in beside:
                changed[name] = changed[name].replace(one.text, one.shared, 1)
                lines.append(one.prototype)
    return changed, tuple(lines)


def _definitions(text: str) -> Iterator[_Definition]:
    for found in _FUNCTION.finditer(text):
        kind, name, between = found.groups()
        parameters = [part.strip() for part in between.split(",")]
        head = function_head(kind.strip(), name, parameters, False)
        prototype = function_head(kind.strip(), name, parameters, False, ";")
        yield _Definition(name, found[0], f"{head}\n{{", prototype)
    for found in _TABLE.finditer(text):
        yield _Definition(found[2], found[0], found[0].removeprefix("static "), f"extern {found[1]};")
