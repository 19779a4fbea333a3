# SPDX-License-Identifier: GPL-2.0-only
"""The tree of an expression. Offsets are into the text that was parsed, half-open.

expr  = "if" expr "then" expr "else" expr | or
or    = and {"or" and}      and = not {"and" not}      not = ["not"] cmp
cmp   = calc [relation calc | ["not"] "in" "(" expr {"," expr} ")"]
calc  = unary {operator unary}        + - | * / % | << >> | & | "|" | ^
unary = ["~" | "ref" | "out"] atom { "." field | "[" expr "]" | "(" args ")" }
atom  = number[unit] | "text {expr}" | name | CONSTANT | "struct" name | "(" expr ")"
call  = expr ["->" returns]        assignment = place "=" expr
"""

from __future__ import annotations

from collections.abc import Iterator

from vfiogen.records import Value

#: Words that are no names, except as a field after `.`.
KEYWORDS = frozenset(["if", "then", "else", "or", "and", "not", "in", "ref", "out", "struct", "union"])


class Expression(Value):
    """Any expression; `start` and `end` are its place in the text."""

    start: int
    end: int


class Number(Expression):
    """A number; `value` has its unit applied (bytes, or microseconds for a duration)."""

    value: int
    hexadecimal: bool
    unit: str | None  # "KiB", "MiB", "GiB" or "us", "ms", "s"
    digits: str  # as written, without the unit


class Text(Expression):
    """A string; parts are literal text and embedded expressions, in order."""

    parts: tuple[str | Expression, ...]


class Name(Expression):
    """A name of the spec (kebab-case), of the kernel (snake_case) or a CONSTANT."""

    name: str


class KernelType(Expression):
    """`struct x` or `union x`, as an operand of `size` and `end`."""

    keyword: str
    name: str


class Member(Expression):
    """`base.field`; `name_start` is where the field's name begins."""

    base: Expression
    name: str
    name_start: int


class Index(Expression):
    """`base[index]`."""

    base: Expression
    index: Expression


class Argument(Value):
    """An argument; `name` and where it begins for `name = value`."""

    value: Expression
    name: str | None = None
    name_start: int = -1


class Call(Expression):
    """`function(arguments)`."""

    function: Expression
    arguments: tuple[Argument, ...]


class Unary(Expression):
    """`not`, `~`, `ref` or `out`, and its operand."""

    operator: str
    operand: Expression


class Binary(Expression):
    """`left operator right`, with the spelling of the spec (`and`, `or`, `==`, `<<`, ...)."""

    operator: str
    left: Expression
    right: Expression
    operator_start: int


class Membership(Expression):
    """`value in (items)`, or `not in`."""

    value: Expression
    items: tuple[Expression, ...]
    negated: bool


class Conditional(Expression):
    """`if condition then value else otherwise`."""

    condition: Expression
    value: Expression
    otherwise: Expression


class Returns(Value):
    """What a kernel function returns, as written after `->`.

    `type` is a type's text (`errno`, `void`, `bool`, `u32`, `struct x *`, `size`), `failure` is
    `errno` (a negative integer or an ERR_PTR), `null` (no pointer) or nothing. A function that
    returns nothing but its error, the default, has `errno` as both. Without `->`, the range is
    empty and lies at the end of the call.
    """

    start: int
    end: int
    type: str
    failure: str | None


class KernelCall(Expression):
    """`function(arguments) -> returns`."""

    call: Call
    returns: Returns


class Assignment(Expression):
    """`place = value`."""

    place: Expression
    value: Expression


class TypeName(Value):
    """A type: `u32`, `struct x *`, `u8[LENGTH]`, or the name of a structure of the spec.

    `keyword` is `struct`, `union` or nothing; `name` is one word, or two (`unsigned long`).
    """

    start: int
    end: int
    keyword: str | None
    name: str
    pointer: bool = False
    length: Expression | None = None


class SyntaxProblem(Exception):  # noqa: N818 - what a person wrote, not a fault
    """What is wrong with an expression: a place in its text, and what was expected there."""

    def __init__(self, message: str, start: int, end: int, *hints: str) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.hints = hints


def children(expression: Expression) -> tuple[Expression, ...]:
    """Return the expressions directly inside of `expression`, in the order of the text."""
    match expression:
        case Text():
            return tuple(part for part in expression.parts if isinstance(part, Expression))
        case Member():
            return (expression.base,)
        case Index():
            return (expression.base, expression.index)
        case Call():
            return (expression.function, *(item.value for item in expression.arguments))
        case Unary():
            return (expression.operand,)
        case Binary():
            return (expression.left, expression.right)
        case Membership():
            return (expression.value, *expression.items)
        case Conditional():
            return (expression.condition, expression.value, expression.otherwise)
        case KernelCall():
            return (expression.call,)
        case Assignment():
            return (expression.place, expression.value)
    return ()


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield `expression` and everything inside of it, each before what it contains."""
    waiting = [expression]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(children(current)))
