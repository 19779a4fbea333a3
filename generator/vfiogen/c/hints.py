# SPDX-License-Identifier: GPL-2.0-only
"""What people mean when they write what the expression language does not have."""

from __future__ import annotations

from vfiogen.c.lex import UNITS, Token

_NO_SIGN_BEFORE = "there is no address or pointer to follow: a name stands for its value"
_CONDITIONAL = "a choice is written `if condition then value else other`"
_STEP = "write the calculation out: `x = x + 1`"
_COMMENT = "a comment is YAML's, outside of the expression"
_QUOTE = "a text stands in double quotes"
_BRACE = "braces stand only inside of a text, around an expression"

# By what was found, wherever it was.
_ANYWHERE = {
    "&&": "write `and`",
    "||": "write `or`",
    "!": "write `not x`",
    "=": "`==` compares; `=` assigns a step's value or names an argument",
    "===": "write `==`",
    "!==": "write `!=`",
    "<>": "write `!=`",
    "=>": "write `>=`",
    "=<": "write `<=`",
    "≠": "write `!=`",
    "≤": "write `<=`",
    "≥": "write `>=`",
    "×": "write `*`",
    "÷": "write `/`",
    "−": "write an ASCII `-`",
    "–": "write an ASCII `-`",
    "**": "there are no powers; `1 << n` is a power of two",
    "->": "a field is `.`, behind a pointer too",
    "?": _CONDITIONAL,
    ":": _CONDITIONAL,
    ";": "nothing ends with a semicolon; a step is an entry of the list",
    "//": _COMMENT,
    "/*": _COMMENT,
    "#": _COMMENT,
    "'": _QUOTE,
    "`": _QUOTE,
    "“": _QUOTE,
    "”": _QUOTE,
    "„": _QUOTE,
    "{": _BRACE,
    "}": _BRACE,
    "..": "a range `a..b` stands only where bits are given",
    "$": "a name is written as it is, without a sign",
    "@": "a name is written as it is, without a sign",
    "\u00a0": "this space is not an ordinary one",
}
_STEPS = frozenset(["++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", ":="])

# Where a value was expected.
_FOR_OPERAND = {
    "-": "no value is negative; an error is named, not given as a number",
    "+": "a number needs no sign",
    "&": "the address of a place is `ref x`, of a result `out x`",
    "*": _NO_SIGN_BEFORE,
    "**": _NO_SIGN_BEFORE,
    "not": "`not` inside of a comparison or calculation needs parentheses",
    "if": "`if` inside of a calculation needs parentheses",
    "ref": "`ref` and `out` stand alone before a place",
    "out": "`ref` and `out` stand alone before a place",
    "~": "`~` twice needs parentheses",
}

# Where an operator or the end was expected.
_FOR_OPERATOR = {
    "~": "`~` has one value, behind it; exclusive or is `^`",
    "not": "write `not in (...)` or `and not`",
    "then": "`then` belongs to an `if` before it",
    "else": "`else` belongs to an `if` before it",
    "in": "only a calculation stands before `in`",
    ",": "several values or steps are a list: `[a, b]`",
}

# Types of C and of the kernel, by what the spec calls them.
_TYPES = {
    **dict.fromkeys(["char", "unsigned char", "byte", "__u8", "uint8"], "u8"),
    **dict.fromkeys(
        ["short", "unsigned short", "uint16", "le16", "be16", "__le16", "__be16", "__u16"], "u16"
    ),
    **dict.fromkeys(["int", "unsigned", "unsigned int", "uint"], "u32"),
    **dict.fromkeys(["uint32", "le32", "be32", "__le32", "__be32", "__u32", "s32", "int32_t"], "u32"),
    **dict.fromkeys(["long", "unsigned long", "long long", "unsigned long long", "dma_addr_t"], "u64"),
    **dict.fromkeys(["uint64", "le64", "be64", "__le64", "__be64", "__u64", "s64", "int64_t"], "u64"),
    **{f"uint{bits}_t": f"u{bits}" for bits in (8, 16, 32, 64)},
    **dict.fromkeys(["size_t", "ssize_t", "loff_t"], "size"),
    **dict.fromkeys(["phys_addr_t", "resource_size_t"], "phys"),
    **dict.fromkeys(["boolean", "_Bool"], "bool"),
}

_NAMES = {
    "xor": "exclusive or is `^`",
    "mod": "the remainder is `%`",
    "is": "write `==`",
    "eq": "write `==`",
    "ne": "write `!=`",
    "shl": "write `<<`",
    "shr": "write `>>`",
    "elif": "write `else if`",
}
_SHOUTED = frozenset(["AND", "OR", "NOT", "IN", "IF", "THEN", "ELSE"])


def hints_for(token: Token, before: Token | None, operand: bool) -> tuple[str, ...]:
    """Return what was probably meant by an unexpected `token` after `before`.

    `operand` says that a value was expected there, else an operator or the end.
    """
    if token.kind == "name" and not operand:
        hint = _name_hint(token, before)
    else:
        special = _FOR_OPERAND if operand else _FOR_OPERATOR
        step = _STEP if token.text in _STEPS else ""
        hint = special.get(token.text) or _ANYWHERE.get(token.text, step)
    return (hint,) if hint else ()


def meant_type(text: str) -> str:
    """Return what a type of C is called in a spec; nothing if that is unknown."""
    plain, star, rest = text.removeprefix("const ").partition("*")
    plain = plain.strip()
    if not star:
        return _TYPES.get(plain, "")
    pointed = (
        "u8" if plain == "char" else plain if plain.startswith(("struct ", "union ")) else _TYPES.get(plain)
    )
    pointed = pointed or (f"struct {plain}" if plain.isidentifier() else None)
    return f"{pointed} *" if pointed and not rest else ""


def _name_hint(token: Token, before: Token | None) -> str:
    if token.text in _SHOUTED:
        return f"write `{token.text.lower()}`"
    if before and before.kind == "number" and token.text in UNITS:
        return f"no space before the unit: `{before.text}{token.text}`"
    if before and before.text == ")":
        return "there are no casts: a type follows from the use"
    return _NAMES.get(token.text, "")
