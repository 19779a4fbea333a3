# SPDX-License-Identifier: GPL-2.0-only
"""How large the value of an expression can be, as far as it can be told from the expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vfiogen.model import typed as t

FULL = (1 << 64) - 1


def most(node: t.Typed) -> int | None:
    """Return the largest value that an expression can have; nothing for constants of the kernel."""
    rule = _RULES.get(type(node))
    return rule(node) if rule else _of_type(node)


def literal(node: t.Typed) -> int | None:
    """Return the value of an expression that is made of numbers only."""
    if isinstance(node, t.Literal):
        return node.value
    if not isinstance(node, t.Operation):
        return None
    left, right = literal(node.left), literal(node.right)
    return None if left is None or right is None else calculate(node.operator, left, right)


def calculate(operator: str, left: int, right: int) -> int | None:
    """Return the exact result of a calculation: maybe negative, or nothing if there is none."""
    if operator in ("/", "%") and not right:
        return None
    if operator in ("<<", ">>") and right > 64:
        return None
    rule = _CALCULATIONS.get(operator)
    return rule(left, right) if rule else None


_CALCULATIONS: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "<<": lambda a, b: a << b,
    ">>": lambda a, b: a >> b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
}


def _of_type(node: t.Typed) -> int | None:
    return None if node.type.kind == "constant" else (1 << node.type.bits) - 1


def _of_bits(node: t.ReadBits) -> int:
    return (1 << (node.bits.high - node.bits.low + 1)) - 1


def _of_operation(node: t.Operation) -> int | None:
    exact = literal(node)
    if exact is not None or node.type.kind == "constant":
        return exact
    left, right, whole = most(node.left), most(node.right), _of_type(node)
    known = [bound for bound in (left, right, whole) if bound is not None]
    if node.operator == "&":
        return min(known, default=None)
    if node.operator == "%":
        divisor = literal(node.right)
        return divisor - 1 if divisor else left
    if left is None or right is None:
        return whole
    return min(_largest(node.operator, left, right, literal(node.right)), *known[2:])


def _largest(operator: str, left: int, right: int, exact: int | None) -> int:
    """Return the largest result for operands up to `left` and `right`; `exact` is the right one if known."""
    if operator in ("+", "*"):
        return left + right if operator == "+" else left * right
    if operator in ("|", "^"):
        return (1 << max(left.bit_length(), right.bit_length())) - 1
    if operator in ("<<", ">>", "/") and exact is not None:
        found = calculate(operator, left, exact)
        return FULL if found is None else found
    return FULL if operator == "<<" else left


def _of_builtin(node: t.Builtin) -> int | None:
    # VF numbers are bounded by NumVFs, 16 bits wide (PCI Express, SR-IOV Extended Capability).
    return 0xFFFF if node.name == "vf-id" else _of_type(node)


def _of_function(node: t.Function) -> int | None:
    bounds = [most(argument) for argument in node.arguments]
    known = [bound for bound in bounds if bound is not None]
    if node.name == "min":
        return min(known, default=None)
    return max(known) if node.name == "max" and len(known) == len(bounds) else _of_type(node)


def _of_aligned(node: t.Aligned) -> int | None:
    return most(node.value) if node.macro == "ALIGN_DOWN" else _of_type(node)


def _of_choice(node: t.Choice) -> int | None:
    bounds = [most(node.value), most(node.otherwise)]
    known = [bound for bound in bounds if bound is not None]
    return max(known, default=None)


_RULES: dict[type[t.Typed], Callable[[Any], int | None]] = {
    t.Literal: literal,
    t.Builtin: _of_builtin,
    t.ReadBits: _of_bits,
    t.Operation: _of_operation,
    t.Function: _of_function,
    t.Aligned: _of_aligned,
    t.Choice: _of_choice,
}
