# SPDX-License-Identifier: GPL-2.0-only
"""What a plain scalar is: text, an integer, a boolean, null, or too ambiguous to be allowed."""

from __future__ import annotations

import re

from vfiogen.records import Value


class Surprise(Value):
    """Why a plain scalar is refused: what it is to YAML, and what may have been meant instead."""

    meaning: str
    instead: str = ""


_VALUES: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None}
_BOOLEANS = {"y": "true", "yes": "true", "on": "true", "n": "false", "no": "false", "off": "false"}

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)")
_HEX = re.compile(r"0x[0-9a-fA-F]+")

# The shapes of numbers and dates in YAML 1.1 and 1.2, and of what only looks like one.
_DIGITS = re.compile(r"[-+]?[0-9][0-9_]*")
_BASED = re.compile(r"[-+]?0([xX][0-9a-fA-F_]+|[bB][01_]+|[oO][0-7_]+)")
_EXPONENT = re.compile(r"[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+")
_HEX_ID = re.compile(r"[0-9]{1,2}[eE][0-9]{1,2}")
_FRACTION = re.compile(r"[-+]?(\.[0-9][0-9_]*|[0-9][0-9_]*\.[0-9_]*)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE)
_COLONS = re.compile(r"[-+]?(?=[^0-9]*[0-9])[0-9a-fA-F]+(:[0-9a-fA-F]+)+(\.[0-9a-fA-F]*)?")
_BITS = re.compile(r"([0-9]|[1-6][0-9]):([0-9]|[1-6][0-9])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?")

_SHAPES = (
    (_EXPONENT, "is a number with an exponent to YAML"),
    (_FRACTION, "is a number with a fraction to YAML"),
    (_INFINITE, "is a number to YAML"),
    (_COLONS, "is a number in base 60 to YAML 1.1, if its digits allow it"),
    (_DATE, "is a date to YAML 1.1"),
)


def read_plain(text: str) -> str | int | bool | Surprise | None:
    """Return the value of a plain scalar that isn't empty, or why it is refused.

    Integers are decimal without leading zeros or 0x hex; they may be of any size.
    """
    if text in _VALUES:
        return _VALUES[text]
    if text[0] not in "0123456789-+.":
        return _surprising_word(text) or text
    if _DECIMAL.fullmatch(text):
        # Larger than any that fits 64 bits, and int() refuses to read thousands of digits.
        return int(text) if len(text) < 30 else 1 << 64
    if _HEX.fullmatch(text):
        return int(text, 16)
    return _surprising_number(text) or text


def _surprising_word(text: str) -> Surprise | None:
    word = text.lower()
    if word in _BOOLEANS:
        value = _BOOLEANS[word]
        return Surprise(f"is {value} to YAML 1.1 and text to YAML 1.2", value)
    if word in _VALUES:
        return Surprise(f"is {word} to YAML, which is spelled {word} here", word)
    if ":" in text and _COLONS.fullmatch(text):
        return Surprise("is too much like a number in base 60 of YAML 1.1")
    return None


def _surprising_number(text: str) -> Surprise | None:
    if _DIGITS.fullmatch(text):
        decimal = text.replace("_", "").lstrip("+-").lstrip("0") or "0"
        sign = "-" if text[0] == "-" else ""
        return Surprise("is read differently by YAML 1.1 and YAML 1.2", sign + decimal)
    if _HEX_ID.fullmatch(text):
        return Surprise("is a number with an exponent to YAML", f"0x{text.lower()}")
    if _BASED.fullmatch(text):
        return Surprise("is a number to some readers of YAML and text to others", _based(text))
    if bits := _BITS.fullmatch(text):
        low, high = sorted(map(int, bits.groups()))
        return Surprise("is a number in base 60 to YAML 1.1", f"{low}..{high}")
    return next((Surprise(meaning) for shape, meaning in _SHAPES if shape.fullmatch(text)), None)


def _based(text: str) -> str:
    """Return the same number in the spelling that is allowed, or nothing if it is odd."""
    digits = text.replace("_", "").lstrip("+-")
    if text[0] == "-" or not 3 <= len(digits) <= 18:
        return ""
    return hex(int(digits, 16)) if digits[1] in "xX" else str(int(digits, 0))
