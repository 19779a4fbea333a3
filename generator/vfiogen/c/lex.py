# SPDX-License-Identifier: GPL-2.0-only
"""The words of an expression. Never fails: what is no word is a token that says what is wrong."""

from __future__ import annotations

import re

from vfiogen.c.syntax import KEYWORDS, Number
from vfiogen.c.text import unwanted_character
from vfiogen.records import Value

UNITS = {
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "us": 1,
    "ms": 1000,
    "s": 1000 * 1000,
}
LARGEST = (1 << 64) - 1

# What a person may have meant by a unit that does not exist.
_MEANT_UNITS = {
    **dict.fromkeys(["k", "kb", "kib"], "KiB"),
    **dict.fromkeys(["m", "mb", "mib"], "MiB"),
    **dict.fromkeys(["g", "gb", "gib"], "GiB"),
    **dict.fromkeys(["usec", "usecs", "µs"], "us"),
    **dict.fromkeys(["msec", "msecs"], "ms"),
    **dict.fromkeys(["sec", "secs"], "s"),
}

# Longest first. Those of the first two rows are no part of the language: each is known in order to
# be refused as a whole. A single character of any kind is an operator.
_OPERATOR = re.compile(
    r"\.\.\.?|[=!]==|<>|=[<>]|&&|\|\||\*\*|\+\+|--|//|/\*|::|:="
    r"|(?:<<|>>|[-+*/%&|^])="
    r"|[=!<>]=|<<|>>|->|.",
    re.DOTALL,
)

_SPACE = re.compile(r"[ \t\r\n]+")
_WORD = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_]|-(?!>))*")
_DIGITS = re.compile(r"[0-9](?:[A-Za-z0-9_µ]|\.(?=[0-9]))*")
_KEBAB = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_NUMBER = re.compile(r"(0x[0-9a-fA-F]+|0|[1-9][0-9]*)(KiB|MiB|GiB|us|ms|s)?")
_SYMBOL = re.compile(r"(?=.*[A-Z])[A-Za-z0-9_]+")
_PIECE = re.compile(r'(?:[^"\\{}]|\{\{|\}\}|\\.)+', re.DOTALL)
_ESCAPES = {'\\"': '"', "\\\\": "\\", "\\n": "\n", "{{": "{", "}}": "}"}
_ESCAPE = re.compile(r"\\.|\{\{|\}\}", re.DOTALL)


class Token(Value):
    """A word at `start` to `end` of the text.

    `kind` is name, keyword, number, operator, quote (either end of a text), piece (of a text,
    `text` as it reads), brace (around an expression in a text), wrong or end.
    """

    kind: str
    text: str
    start: int
    end: int
    number: Number | None = None
    hints: tuple[str, ...] = ()


def tokenize(text: str, symbols: bool = False) -> list[Token]:
    """Return the words of `text`; the last is the first that is wrong, or the end.

    With `symbols`, a word in capitals that starts with a digit (64BIT) is a name.
    """
    return _Lexer(text, symbols).run()


class _Lexer:
    def __init__(self, text: str, symbols: bool) -> None:
        self.text = text
        self.symbols = symbols
        self.at = 0
        self.tokens: list[Token] = []
        # Where the texts and the expressions inside of them begin, alternating.
        self.open: list[int] = []

    def run(self) -> list[Token]:
        while not (self.tokens and self.tokens[-1].kind in ("wrong", "end")):
            if len(self.open) % 2:
                self._inside_text()
            else:
                self._inside_code()
        return self.tokens

    def _add(self, kind: str, text: str, size: int, number: Number | None = None) -> None:
        self.tokens.append(Token(kind, text, self.at, self.at + size, number))
        self.at += size

    def _wrong(self, message: str, start: int, end: int, *hints: str) -> None:
        self.tokens.append(Token("wrong", message, start, end, hints=hints))

    def _inside_code(self) -> None:
        if space := _SPACE.match(self.text, self.at):
            self.at = space.end()
        if self.at == len(self.text):
            self._add("end", "", 0)
        elif word := _WORD.match(self.text, self.at):
            self._word(word[0])
        elif digits := _DIGITS.match(self.text, self.at):
            self._number(digits[0])
        else:
            self._sign()

    def _word(self, word: str) -> None:
        if "-" in word and not _KEBAB.fullmatch(word):
            self._wrong_word(word)
        else:
            self._add("keyword" if word in KEYWORDS else "name", word, len(word))

    def _wrong_word(self, word: str) -> None:
        hint = "`-` in a calculation has a space on each side; names of the spec are like-this"
        reason = "ends with `-`" if word.endswith("-") else "is no name"
        self._wrong(f"`{word}` {reason}", self.at, self.at + len(word), hint)

    def _number(self, word: str) -> None:
        if self.symbols and _SYMBOL.fullmatch(word):
            return self._add("name", word, len(word))
        if not (match := _NUMBER.fullmatch(word)):
            return self._wrong(f"`{word}` is no number", *self._next(word), *_number_hints(word))
        digits, unit = match.groups()
        value = int(digits, 0) * UNITS.get(unit, 1)
        if value > LARGEST:
            return self._wrong(f"`{word}` does not fit into 64 bits", *self._next(word))
        number = Number(*self._next(word), value, digits.startswith("0x"), unit, digits)
        return self._add("number", word, len(word), number)

    def _next(self, word: str) -> tuple[int, int]:
        return self.at, self.at + len(word)

    def _sign(self) -> None:
        sign = self.text[self.at]
        if sign == '"':
            self.open.append(self.at)
            self._add("quote", sign, 1)
        elif sign == "}" and self.open:
            self.open.pop()
            self._add("brace", sign, 1)
        else:
            operator = next(_OPERATOR.finditer(self.text, self.at))[0]
            self._add("operator", operator, len(operator))

    def _inside_text(self) -> None:
        if self.at == len(self.text):
            self._unclosed()
        elif piece := _PIECE.match(self.text, self.at):
            self._piece(piece[0])
        elif self.text[self.at] == '"':
            self.open.pop()
            self._add("quote", '"', 1)
        elif self.text[self.at] == "{":
            self.open.append(self.at)
            self._add("brace", "{", 1)
        else:
            self._stray()

    def _unclosed(self) -> None:
        start = self.open[-1]
        hint = "`{` begins an expression in a text; a brace itself is `{{`"
        hints = (hint,) if len(self.open) > 1 else ()
        self._wrong('the text is not closed: expected `"`', start, len(self.text), *hints)

    def _stray(self) -> None:
        sign = self.text[self.at]
        if sign == "}":
            self._wrong("found a single `}` in a text", self.at, self.at + 1, "a brace is `}}`")
        else:
            self._wrong("the text ends after `\\`", self.at, self.at + 1, _ESCAPE_HINT)

    def _piece(self, raw: str) -> None:
        if place := unwanted_character(raw.replace("\n", "\0")):
            return self._wrong_character(raw, *place)
        for escape in _ESCAPE.finditer(raw):
            if escape[0] not in _ESCAPES:
                start = self.at + escape.start()
                return self._wrong(f"unknown escape `{escape[0]}`", start, start + 2, _ESCAPE_HINT)
        return self._add("piece", _ESCAPE.sub(lambda found: _ESCAPES[found[0]], raw), len(raw))

    def _wrong_character(self, raw: str, index: int, name: str) -> None:
        start = self.at + index
        if raw[index] == "\n":
            self._wrong("the text goes over a line end", start, start + 1, "a line end is `\\n`")
        else:
            self._wrong(f"a text cannot hold {name}", start, start + 1)


_ESCAPE_HINT = 'the escapes are `\\"`, `\\\\` and `\\n`'


def _number_hints(word: str) -> tuple[str, ...]:
    return tuple(hint for rule in _NUMBER_RULES if (hint := rule(word)))[:1] or (
        "numbers are like 10, 0x1f, 64KiB or 5ms",
    )


def _octal_hint(word: str) -> str:
    if not re.fullmatch(r"0[0-9]+", word):
        return ""
    plain = word.lstrip("0") or "0"
    octal = f", or {int(word, 8):#x} if octal was meant" if re.search("^0+[1-7][0-7]", word) else ""
    return f"no leading zeros: {plain}{octal}"


def _hex_hint(word: str) -> str:
    if re.fullmatch(r"0X[0-9a-fA-F]+", word):
        return f"write 0x{word[2:]}"
    if re.fullmatch(r"[0-9][0-9a-fA-F]+", word):
        return f"a hexadecimal number starts with 0x: 0x{word}"
    return ""


def _unit_hint(word: str) -> str:
    match = re.fullmatch(r"([0-9]+)([A-Za-zµ]+)", word)
    if not match:
        return ""
    if match[2].lower() in ("u", "l", "ul", "ull", "ll"):
        return f"the type follows from the use: {match[1]}"
    meant = _MEANT_UNITS.get(match[2].lower())
    return f"write {match[1]}{meant}" if meant else f"the units are {', '.join(UNITS)}"


def _form_hint(word: str) -> str:
    if "." in word:
        return "no fractions: choose a smaller unit (1500ms)"
    return "no `_` inside of a number" if "_" in word else ""


_NUMBER_RULES = (_octal_hint, _hex_hint, _unit_hint, _form_hint)
