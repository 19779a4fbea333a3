# SPDX-License-Identifier: GPL-2.0-only
"""What an expression stands for, so that two specs can be compared whatever they call things.

A register is its place in the device, a value of the context what it is set to. A command is known by its
name, and so is a field of the parent: what they do isn't looked into.
"""

from __future__ import annotations

from collections.abc import Hashable

from vfiogen.c import syntax as s
from vfiogen.model import spec as m
from vfiogen.model.bounds import calculate
from vfiogen.records import Value


class Place(Value):
    """A register, or bits of it; `block` is the number of its BAR, or where it is in config space."""

    block: Hashable
    at: int
    width: int
    bits: tuple[int, int] | None = None


def meaning(spec: m.Spec, formula: m.Formula | None) -> Hashable:
    """Return what an expression stands for: equal for two that mean the same."""
    return _of(spec, formula.tree) if formula and formula.tree else None


def _of(spec: m.Spec, tree: s.Expression) -> Hashable:
    match tree:
        case s.Number():
            return tree.value
        case s.Text():
            return tuple(part if isinstance(part, str) else _of(spec, part) for part in tree.parts)
        case s.Name():
            return _of_name(spec, tree.name)
        case s.Member():
            return _register(spec, tree) or (".", _of(spec, tree.base), tree.name)
        case s.Binary():
            return _calculated(tree.operator, _of(spec, tree.left), _of(spec, tree.right))
    return (*_labels(tree), *(_of(spec, child) for child in s.children(tree)))


def _of_name(spec: m.Spec, name: str) -> Hashable:
    """A value of the context that never changes is what it is set to."""
    kept = next((value for value in spec.context if value.name.text == name), None)
    return meaning(spec, kept.value) if kept and kept.value else name


def _calculated(operator: str, left: Hashable, right: Hashable) -> Hashable:
    """What is made of numbers alone is a number."""
    exact = calculate(operator, left, right) if isinstance(left, int) and isinstance(right, int) else None
    return (operator, left, right) if exact is None else exact


def _labels(tree: s.Expression) -> tuple[Hashable, ...]:
    """Return what tells a tree from others with the same parts."""
    match tree:
        case s.Unary():
            return (tree.operator,)
        case s.Membership():
            return ("not in" if tree.negated else "in",)
        case s.Call():
            return ("call", *(argument.name for argument in tree.arguments))
        case s.KernelType():
            return (tree.keyword, tree.name)
        case s.KernelCall():
            return ("->", tree.returns.type, tree.returns.failure)
    return (type(tree).__name__,)


def _register(spec: m.Spec, tree: s.Member) -> Place | None:
    """Return the register that `block.register` is, or the bits that `block.register.bits` are."""
    base = tree.base
    if isinstance(base, s.Name):
        return _whole_register(spec, base.name, tree.name)
    if not (isinstance(base, s.Member) and isinstance(base.base, s.Name)):
        return None
    found = _find(spec, base.base.name, base.name)
    bits = next((bits for bits in found[1].bits if bits.name.text == tree.name), None) if found else None
    if found is None or bits is None:
        return None
    return _place(spec, found, (bits.low, bits.high))


def _whole_register(spec: m.Spec, block: str, register: str) -> Place | None:
    found = _find(spec, block, register)
    return _place(spec, found, None) if found else None


def _place(spec: m.Spec, found: tuple[m.RegisterBlock, m.Register], bits: tuple[int, int] | None) -> Place:
    block, register = found
    return Place(_where(spec, block), register.at.value, register.width, bits)


def _where(spec: m.Spec, block: m.RegisterBlock) -> Hashable:
    """Return the BAR of a block, or what says where it is instead."""
    if block.position:
        return ("config-space", meaning(spec, block.position))
    if block.memory:
        return ("memory", meaning(spec, block.memory))
    return block.bar.value if block.bar else meaning(spec, block.base)


def _find(spec: m.Spec, block: str, register: str) -> tuple[m.RegisterBlock, m.Register] | None:
    blocks = (one for one in spec.registers if one.name.text == block)
    return next(((b, r) for b in blocks for r in b.registers if r.name.text == register), None)
