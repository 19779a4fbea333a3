# SPDX-License-Identifier: GPL-2.0-only
"""The parser of the expression language: text of a spec to tree (see `syntax` for the grammar).

Every function here takes any text at all, returns a tree or raises `SyntaxProblem`, and takes
time and stack in proportion to limits that no honest expression reaches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from vfiogen.c.hints import hints_for
from vfiogen.c.lex import Token, tokenize
from vfiogen.c.spell import BITS, KINDS, RELATIONS, spell, spell_type
from vfiogen.c.syntax import (
    Argument,
    Assignment,
    Binary,
    Call,
    Conditional,
    Expression,
    Index,
    KernelCall,
    KernelType,
    Member,
    Membership,
    Name,
    Number,
    Returns,
    SyntaxProblem,
    Text,
    TypeName,
    Unary,
    children,
)

__all__ = [
    "parse_assignment",
    "parse_expression",
    "parse_kernel_call",
    "parse_type",
    "spell",
    "spell_type",
]

MAX_LENGTH = 4096
# Of parentheses and whatever else nests: the parser recurses about a dozen frames for each.
MAX_DEPTH = 32
# Of the tree, for those who walk it: `a + b + c` is three high without nesting anything.
MAX_HEIGHT = 100

_CONTINUATION = "an operator or the end"
_AFTER_UNSIGNED = frozenset(["char", "short", "int", "long"])
_QUALIFIERS = frozenset(["const", "volatile", "signed", "enum"])

_Tree = TypeVar("_Tree", bound=Expression)


def parse_expression(text: str, *, symbols: bool = False) -> Expression:
    """Parse an expression.

    With `symbols`, names are Kconfig symbols, which may start with a digit (64BIT).
    """
    parser = _Parser(text, symbols)
    return parser.finish(parser.expression())


def parse_kernel_call(text: str) -> KernelCall:
    """Parse `function(arguments)` with or without `-> returns`; without, it returns an errno."""
    parser = _Parser(text)
    call = parser.kernel_function()
    returns = parser.returns()
    return parser.finish(KernelCall(call.start, returns.end, call, returns))


def parse_assignment(text: str) -> Assignment:
    """Parse `place = value`, where the place is a name, a field or an element."""
    parser = _Parser(text)
    place = parser.place()
    hints = ["`==` compares, `=` assigns"] if parser.at("==") else []
    parser.expect("=", "and a value", *hints)
    value = parser.expression()
    return parser.finish(Assignment(0, parser.end, place, value))


def parse_type(text: str) -> TypeName:
    """Parse the form of a type; whether its name exists is not looked at."""
    parser = _Parser(text)
    type_name = parser.type_name()
    hints = ["a type has one `*` at the most"] if parser.at("*", "**") else []
    parser.expect_end("the end of the type", *hints)
    if type_name.length is not None:
        _check_height(type_name.length)
    return type_name


class _Parser:
    """Recursive descent: one method for each rule of the grammar."""

    def __init__(self, text: str, symbols: bool = False) -> None:
        if len(text) > MAX_LENGTH:
            message = f"longer than {MAX_LENGTH} characters"
            raise SyntaxProblem(message, MAX_LENGTH, len(text), "give a part of it a name")
        self.text = text
        self.tokens = tokenize(text, symbols)
        self.index = 0
        self.depth = 0
        self.end = 0  # of the last token taken

    # Tokens

    def peek(self) -> Token:
        token = self.tokens[self.index]
        if token.kind == "wrong":
            raise SyntaxProblem(token.text, token.start, token.end, *token.hints)
        return token

    def take(self) -> Token:
        token = self.peek()
        self.index += 1
        self.end = token.end
        return token

    def at(self, *signs: str) -> bool:
        token = self.peek()
        return token.kind not in ("name", "number", "piece") and token.text in signs

    def accept(self, *signs: str) -> Token | None:
        return self.take() if self.at(*signs) else None

    def expect(self, sign: str, addition: str = "", *hints: str) -> Token:
        if token := self.accept(sign):
            return token
        raise self.unexpected(f"`{sign}` {addition}".rstrip(), *hints)

    def close(self, opening: Token, sign: str, expected: str) -> Token:
        """Take the `sign` that ends what `opening` began."""
        if token := self.accept(sign):
            return token
        unclosed = self.text[opening.start : opening.start + 20]
        hints = (f"`{unclosed}` is not closed",) if self.peek().kind == "end" else ()
        raise self.unexpected(expected, *hints)

    def name(self, expected: str) -> Token:
        if self.peek().kind == "name":
            return self.take()
        raise self.unexpected(expected)

    def kernel_name(self, expected: str) -> Token:
        token = self.name(expected)
        if "-" in token.text:
            raise SyntaxProblem(f"expected {expected}, found `{token.text}`", token.start, token.end)
        return token

    def unexpected(self, expected: str, *hints: str, operand: bool = False) -> SyntaxProblem:
        token = self.peek()
        before = self.tokens[self.index - 1] if self.index else None
        found = f"`{token.text}`" if token.text else "nothing" if not before else "the end"
        known = hints_for(token, before, operand)
        message = f"expected {expected}, found {found}"
        return SyntaxProblem(message, token.start, token.end, *(hints or known))

    def expect_end(self, expected: str, *hints: str) -> None:
        if self.peek().kind != "end":
            raise self.unexpected(expected, *hints)

    def finish(self, tree: _Tree) -> _Tree:
        self.expect_end(_CONTINUATION)
        _check_height(tree)
        return tree

    # Expressions

    def expression(self) -> Expression:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            token = self.peek()
            message = f"nested deeper than {MAX_DEPTH} levels"
            raise SyntaxProblem(message, token.start, token.end, "give a part of it a name")
        tree = self.conditional() if self.at("if") else self.disjunction()
        self.depth -= 1
        return tree

    def conditional(self) -> Conditional:
        start = self.take().start
        condition = self.expression()
        self.expect("then", "after the condition")
        value = self.expression()
        self.expect("else", "and the other value")
        otherwise = self.expression()
        return Conditional(start, self.end, condition, value, otherwise)

    def disjunction(self) -> Expression:
        return self.chain("or", self.conjunction)

    def conjunction(self) -> Expression:
        return self.chain("and", self.negation)

    def chain(self, word: str, operand: Callable[[], Expression]) -> Expression:
        start = self.peek().start
        tree = operand()
        while operator := self.accept(word):
            right = operand()
            tree = Binary(start, self.end, word, tree, right, operator.start)
        return tree

    def negation(self) -> Expression:
        if not (word := self.accept("not")):
            return self.comparison()
        operand = self.comparison()
        return Unary(word.start, self.end, "not", operand)

    def comparison(self) -> Expression:
        start = self.peek().start
        left = self.calculation()
        if self.at(*RELATIONS):
            tree = self.relation(start, left)
        elif self.at("in") or (self.at("not") and self.tokens[self.index + 1].text == "in"):
            tree = self.membership(start, left)
        else:
            return left
        if self.at("in", *RELATIONS):
            raise self.chained(tree)
        return tree

    def relation(self, start: int, left: Expression) -> Expression:
        operator = self.take()
        self.refuse_bits(left, start, f"({{}}) {operator.text} ...")
        right_start = self.peek().start
        right = self.calculation()
        self.refuse_bits(right, right_start, f"... {operator.text} ({{}})")
        return Binary(start, self.end, operator.text, left, right, operator.start)

    def membership(self, start: int, value: Expression) -> Expression:
        self.refuse_bits(value, start, "({}) in ...")
        negated = self.accept("not") is not None
        self.take()
        opening = self.expect("(", "and the values", "the values stand in parentheses: `in (a, b)`")
        items = [self.expression()]
        while self.accept(","):
            items.append(self.expression())
        self.close(opening, ")", "an operator, `,` or `)`")
        return Membership(start, self.end, value, tuple(items), negated)

    def refuse_bits(self, tree: Expression, start: int, form: str) -> None:
        """Refuse a bit operator beside a comparison; a tree in parentheses starts after `start`."""
        if isinstance(tree, Binary) and tree.operator in BITS and tree.start == start:
            message = f"`{tree.operator}` beside a comparison needs parentheses"
            place = tree.operator_start
            hint = f"write `{form.format(spell(tree))}`"
            raise SyntaxProblem(message, place, place + len(tree.operator), hint)

    def chained(self, tree: Expression) -> SyntaxProblem:
        token = self.peek()
        hints = ["compare twice: `a < b and b < c`"]
        if isinstance(tree, Binary) and token.text in RELATIONS:
            shared = spell(tree.right)
            hints = [f"write `{spell(tree)} and {shared} {token.text} ...`"]
        message = f"a comparison is not compared again: found `{token.text}`"
        return SyntaxProblem(message, token.start, token.end, *hints)

    def calculation(self) -> Expression:
        start = self.peek().start
        tree = self.unary()
        operator_before = None
        while self.at(*KINDS):
            operator = self.operator()
            right = self.unary()
            if operator_before and KINDS[operator_before] != KINDS[operator.text]:
                raise self.mixed(tree, operator, right)
            operator_before = operator.text
            tree = Binary(start, self.end, operator.text, tree, right, operator.start)
        return tree

    def operator(self) -> Token:
        token = self.take()
        around = self.text[token.start - 1 : token.start], self.text[token.end : token.end + 1]
        if token.text == "-" and not (around[0].isspace() and (around[1] or " ").isspace()):
            hint = "`-` is also a part of names, so a difference is `a - b`"
            raise SyntaxProblem("`-` needs a space on each side", token.start, token.end, hint)
        return token

    def mixed(self, tree: Expression, operator: Token, right: Expression) -> SyntaxProblem:
        assert isinstance(tree, Binary)
        message = f"`{tree.operator}` and `{operator.text}` need parentheses between them"
        first, middle, last = spell(tree.left), spell(tree.right), spell(right)
        choices = (
            f"`({spell(tree)}) {operator.text} {last}`",
            f"`{first} {tree.operator} ({middle} {operator.text} {last})`",
        )
        return SyntaxProblem(message, operator.start, operator.end, f"write {' or '.join(choices)}")

    def unary(self) -> Expression:
        if not (sign := self.accept("~", "ref", "out")):
            return self.postfix()
        operand = self.postfix()
        return Unary(sign.start, self.end, sign.text, operand)

    def postfix(self) -> Expression:
        start = self.peek().start
        tree = self.atom()
        while sign := self.accept(".", "[", "("):
            self.refuse_suffix(tree, start, sign)
            tree = self.suffix(start, tree, sign)
        return tree

    def suffix(self, start: int, base: Expression, sign: Token) -> Expression:
        if sign.text == ".":
            field = self.field()
            return Member(start, self.end, base, field.text, field.start)
        if sign.text == "[":
            index = self.expression()
            self.close(sign, "]", "an operator or `]`")
            return Index(start, self.end, base, index)
        arguments = self.arguments(sign)
        return Call(start, self.end, base, arguments)

    def refuse_suffix(self, base: Expression, start: int, sign: Token) -> None:
        """Refuse a suffix of a bare literal, and any but a field of a bare kernel type."""
        literals = Number | Text if sign.text == "." else Number | Text | KernelType
        if isinstance(base, literals) and base.start == start:
            what = {".": "has no fields", "[": "has no elements", "(": "is no function"}[sign.text]
            raise SyntaxProblem(f"`{spell(base)}` {what}", sign.start, sign.end)

    def field(self) -> Token:
        """The kernel has fields called `in` and `out`, so that a field may be a keyword."""
        return self.take() if self.peek().kind == "keyword" else self.name("the name of a field")

    def arguments(self, opening: Token) -> tuple[Argument, ...]:
        found: list[Argument] = []
        if self.accept(")"):
            return ()
        while not found or self.accept(","):
            found.append(self.argument(found))
        self.close(opening, ")", "an operator, `,` or `)`")
        return tuple(found)

    def argument(self, before: list[Argument]) -> Argument:
        value = self.expression()
        if not self.at("="):
            if before and before[-1].name:
                message = "an argument without a name follows one with a name"
                raise SyntaxProblem(message, value.start, value.end)
            return Argument(value)
        if not isinstance(value, Name):
            raise self.unexpected("an operator, `,` or `)`")
        if value.name in [argument.name for argument in before]:
            raise SyntaxProblem(f"`{value.name}` is given twice", value.start, value.end)
        self.take()
        return Argument(self.expression(), value.name, value.start)

    def atom(self) -> Expression:
        token = self.peek()
        match token.kind:
            case "number":
                assert token.number
                self.take()
                return token.number
            case "name":
                self.take()
                return Name(token.start, token.end, token.text)
            case "quote":
                return self.string()
        if self.at("struct", "union"):
            return self.kernel_type()
        if opening := self.accept("("):
            return self.parenthesis(opening)
        raise self.unexpected("a value", operand=True)

    def kernel_type(self) -> KernelType:
        keyword = self.take()
        name = self.kernel_name(f"the name of a kernel {keyword.text}")
        return KernelType(keyword.start, name.end, keyword.text, name.text)

    def parenthesis(self, opening: Token) -> Expression:
        tree = self.expression()
        self.close(opening, ")", "an operator or `)`")
        return tree

    def string(self) -> Text:
        start = self.take().start
        parts: list[str | Expression] = []
        while not (end := self.accept('"')):
            parts.append(self.part())
        return Text(start, end.end, tuple(parts))

    def part(self) -> str | Expression:
        token = self.take()
        if token.kind == "piece":
            return token.text
        tree = self.expression()
        self.close(token, "}", "an operator or `}`")
        return tree

    # Calls, assignments, types

    def kernel_function(self) -> Call:
        tree = self.expression()
        if isinstance(tree, Call):
            return tree
        hints = [f"without arguments, `{tree.name}()`"] if isinstance(tree, Name) else []
        if isinstance(tree, Name) and tree.name == "none":
            hints = ["take the command out: where nothing is to be done, the steps are `none`"]
        if self.at("->") and "(" in [token.text for token in self.tokens[self.index :]]:
            hints = ["a call begins with the name of a function, and a field is `.`"]
        elif self.peek().kind == "name" or self.at("*"):
            hints = ["what a call returns stands behind it: `function(arguments) -> u32`"]
        raise SyntaxProblem("expected a call, `function(arguments)`", tree.start, tree.end, *hints)

    def returns(self) -> Returns:
        if not (arrow := self.accept("->")):
            return Returns(self.end, self.end, "errno", "errno")
        type_name = self.type_name()
        failure = "errno" if type_name.name == "errno" else None
        if self.accept("or"):
            failure = self.failure(type_name)
        return Returns(arrow.start, self.end, spell_type(type_name), failure)

    def failure(self, type_name: TypeName) -> str:
        token = self.name("`errno` or `null`")
        spelled = spell_type(type_name)
        if token.text not in ("errno", "null"):
            message = f"expected `errno` or `null`, found `{token.text}`"
            raise SyntaxProblem(message, token.start, token.end)
        if token.text == "null" and not type_name.pointer:
            hint = f"`{spelled} * or null`, or `{spelled} or errno`"
            raise SyntaxProblem(f"`{spelled}` cannot be null", token.start, token.end, hint)
        if token.text == "errno" and spelled in ("errno", "void"):
            message = f"`{spelled} or errno` returns nothing else"
            raise SyntaxProblem(message, token.start, token.end, "write `-> errno`, or nothing at all")
        return token.text

    def place(self) -> Expression:
        start = self.peek().start
        tree = self.postfix()
        base = tree
        while isinstance(base, Member | Index):
            base = children(base)[0]
        if not isinstance(base, Name):
            message = f"cannot assign to `{spell(tree)}`"
            raise SyntaxProblem(message, start, self.end, "a place is a name, a field or an element")
        return tree

    def type_name(self) -> TypeName:
        start = self.peek().start
        keyword, name = self.type_words()
        pointer = self.accept("*") is not None
        length = self.length()
        return TypeName(start, self.end, keyword, name, pointer, length)

    def type_words(self) -> tuple[str | None, str]:
        if self.at("struct", "union"):
            kernel_type = self.kernel_type()
            return kernel_type.keyword, kernel_type.name
        name = self.name("a type")
        if name.text == "unsigned":
            if self.peek().text not in _AFTER_UNSIGNED:
                raise self.unexpected("`int` or `long`")
            return None, f"unsigned {self.take().text}"
        if name.text in _QUALIFIERS:
            message = f"a type is written without `{name.text}`"
            raise SyntaxProblem(message, name.start, name.end)
        return None, name.text

    def length(self) -> Expression | None:
        if not (opening := self.accept("[")):
            return None
        length = self.expression()
        self.close(opening, "]", "an operator or `]`")
        return length


def _check_height(tree: Expression) -> None:
    """Refuse a tree that would exhaust the stack of those who walk it."""
    level: list[Expression] = [tree]
    for _ in range(MAX_HEIGHT):
        level = [child for node in level for child in children(node)]
        if not level:
            return
    message = f"the expression has more than {MAX_HEIGHT} levels"
    raise SyntaxProblem(message, level[0].start, level[0].end, "give a part of it a name")
