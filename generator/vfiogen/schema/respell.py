# SPDX-License-Identifier: GPL-2.0-only
"""How a person may have meant a value that doesn't match a pattern."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from vfiogen.diagnostics import quote
from vfiogen.load.scalars import read_plain

_LONGEST = 200


def respelled(text: str, schema: Mapping[str, Any]) -> str:
    """Return the hint "write `x`" with the nearest spelling that a schema takes; nothing if there is none."""
    pattern, longest = schema.get("pattern"), schema.get("maxLength", _LONGEST)
    if pattern is None or len(text) > _LONGEST:
        return ""
    for respell in _SPELLINGS:
        other = respell(text)
        if other != text and len(other) <= longest and re.search(pattern, other):
            written = other if read_plain(other) == other else f'"{other}"'
            return f"write {quote(written)}"
    return ""


def meant_number(text: str) -> str:
    """Return the number that is written as in a datasheet: 4h, 0x1F_0000, BAR2; nothing for another text."""
    if found := re.fullmatch(r"(?:0x)?([0-9a-fA-F]{1,16})[hH]", text):
        return f"0x{found[1].lower()}"
    if re.fullmatch(r"0x[0-9a-fA-F_]+", text):
        return text.replace("_", "").lower()
    found = re.fullmatch(r"(?:bar|BAR)[ _-]?([0-5])", text)
    return found[1] if found else ""


def _range(text: str) -> str:
    """Bits as a datasheet has them: [7:4], 4-7."""
    found = re.fullmatch(r"\[?\s*(\d{1,4})\s*(?:[-:,]|\.{2,3})\s*(\d{1,4})\s*\]?", text)
    return f"{min(found[1], found[2], key=int)}..{max(found[1], found[2], key=int)}" if found else text


def _arc(text: str) -> str:
    arrow = re.compile(r"\s*(?:[-=]+>|→)\s*")
    return arrow.sub(" -> ", text.upper()).replace("-COPY", "_COPY") if arrow.search(text) else text


# The nearest ones first.
_SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda text: re.sub(r"(?<=\d)\s+", "", text),  # 1 ms
    lambda text: text.lstrip("-"),  # -EBUSY
    lambda text: text.removeprefix("v").removesuffix("()"),  # v6.14, function()
    lambda text: text.strip('<>"').removeprefix("include/"),  # <linux/x.h>
    lambda text: text.rpartition("/")[2],  # drivers/vfio/pci/x
    _range,
    _arc,
    lambda text: re.sub(r"[\s_]+", "-", "" if text.startswith("CONFIG_") else text.lower()),  # Save_State
    lambda text: re.sub(r"[\s-]+", "_", text.lower()),  # qat-vf
    lambda text: re.sub(r"[\s-]+", "_", text.removeprefix("CONFIG_").upper()),  # CONFIG_X
)
