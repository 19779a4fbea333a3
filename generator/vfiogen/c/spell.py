# SPDX-License-Identifier: GPL-2.0-only
"""Prints a tree of the expression language in the syntax of the spec, with no spare parenthesis."""

from __future__ import annotations

from collections.abc import Iterable

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
    Text,
    TypeName,
    Unary,
)

#: Operators of calculations by kind: two kinds need a parenthesis between them.
KINDS = {
    **dict.fromkeys(["+", "-"], "sum"),
    **dict.fromkeys(["*", "/", "%"], "product"),
    **dict.fromkeys(["<<", ">>"], "shift"),
    "&": "&",
    "|": "|",
    "^": "^",
}
#: Operators of calculations that need a parenthesis beside a comparison.
BITS = frozenset(["<<", ">>", "&", "|", "^"])
RELATIONS = frozenset(["==", "!=", "<", "<=", ">", ">="])

# How tightly a tree holds together: the levels of the grammar.
_ANY, _OR, _AND, _NOT, _COMPARISON, _CALCULATION, _UNARY, _ATOM = range(8)

_ESCAPES = str.maketrans({'"': '\\"', "\\": "\\\\", "\n": "\\n", "{": "{{", "}": "}}"})


def spell(expression: Expression) -> str:
    """Return the text of `expression`; parsed, it gives the same tree apart from places.

    Equal trees have equal text, so it also serves to find equal expressions.
    """
    match expression:
        case Number():
            return expression.digits + (expression.unit or "")
        case Text():
            return f'"{"".join(map(_spell_part, expression.parts))}"'
        case Name():
            return expression.name
        case KernelType():
            return f"{expression.keyword} {expression.name}"
        case Unary() | Binary() | Membership() | Conditional():
            return _spell_operation(expression)
        case KernelCall() | Assignment():
            return _spell_statement(expression)
    return _spell_postfix(expression)


def spell_type(type_name: TypeName) -> str:
    """Return the text of `type_name`."""
    words = [type_name.keyword or "", type_name.name, "*" if type_name.pointer else ""]
    length = f"[{spell(type_name.length)}]" if type_name.length else ""
    return " ".join(filter(None, words)) + length


def _spell_part(part: str | Expression) -> str:
    return part.translate(_ESCAPES) if isinstance(part, str) else f"{{{spell(part)}}}"


def _spell_statement(statement: KernelCall | Assignment) -> str:
    if isinstance(statement, Assignment):
        return f"{spell(statement.place)} = {spell(statement.value)}"
    returns, call = statement.returns, spell(statement.call)
    if returns.type == "errno":
        return call
    return f"{call} -> {returns.type}" + (f" or {returns.failure}" if returns.failure else "")


def _spell_postfix(expression: Expression) -> str:
    match expression:
        case Member():
            return f"{_spell_base(expression.base, member=True)}.{expression.name}"
        case Index():
            return f"{_spell_base(expression.base)}[{spell(expression.index)}]"
        case Call():
            arguments = ", ".join(map(_spell_argument, expression.arguments))
            return f"{_spell_base(expression.function)}({arguments})"
    raise TypeError(f"no expression: {expression!r}")


def _spell_base(base: Expression, member: bool = False) -> str:
    """Print what a suffix follows: a bare literal takes none, a bare kernel type only a field."""
    literals = Number | Text if member else Number | Text | KernelType
    return f"({spell(base)})" if isinstance(base, literals) else _at_least(_ATOM, base)


def _spell_argument(argument: Argument) -> str:
    name = f"{argument.name} = " if argument.name else ""
    return name + spell(argument.value)


def _spell_operation(expression: Unary | Binary | Membership | Conditional) -> str:
    match expression:
        case Unary():
            return _spell_unary(expression)
        case Binary():
            return _spell_binary(expression)
        case Membership():
            return _spell_membership(expression)
    condition, value = spell(expression.condition), spell(expression.value)
    return f"if {condition} then {value} else {spell(expression.otherwise)}"


def _spell_unary(expression: Unary) -> str:
    if expression.operator == "not":
        return f"not {_at_least(_COMPARISON, expression.operand)}"
    space = "" if expression.operator == "~" else " "
    return expression.operator + space + _at_least(_ATOM, expression.operand)


def _spell_binary(expression: Binary) -> str:
    operator, left, right = expression.operator, expression.left, expression.right
    match _level(expression):
        case 4:
            sides = _beside_relation(left), _beside_relation(right)
        case 5:
            same = isinstance(left, Binary) and KINDS.get(left.operator) == KINDS[operator]
            sides = spell(left) if same else _at_least(_UNARY, left), _at_least(_UNARY, right)
        case level:
            sides = _at_least(level, left), _at_least(level + 1, right)
    return f"{sides[0]} {operator} {sides[1]}"


def _spell_membership(expression: Membership) -> str:
    word = "not in" if expression.negated else "in"
    return f"{_beside_relation(expression.value)} {word} ({_list(expression.items)})"


def _list(expressions: Iterable[Expression]) -> str:
    return ", ".join(map(spell, expressions))


def _beside_relation(expression: Expression) -> str:
    bits = isinstance(expression, Binary) and expression.operator in BITS
    return f"({spell(expression)})" if bits else _at_least(_CALCULATION, expression)


def _at_least(level: int, expression: Expression) -> str:
    text = spell(expression)
    return text if _level(expression) >= level else f"({text})"


def _level(expression: Expression) -> int:
    match expression:
        case Conditional() | KernelCall() | Assignment():
            return _ANY
        case Binary():
            return _level_of_operator(expression.operator)
        case Unary():
            return _NOT if expression.operator == "not" else _UNARY
        case Membership():
            return _COMPARISON
    return _ATOM


def _level_of_operator(operator: str) -> int:
    if operator in KINDS:
        return _CALCULATION
    return _COMPARISON if operator in RELATIONS else {"and": _AND, "or": _OR}[operator]
