# SPDX-License-Identifier: GPL-2.0-only
"""Types the expressions of one spec; the checks run it for its problems, the plan for its trees."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

from msgspec import Struct

from vfiogen.c import syntax as s
from vfiogen.diagnostics import Problems
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.infer import Inference, UntypedError, field_of
from vfiogen.model.reach import Reach
from vfiogen.model.scope import Scope
from vfiogen.model.types import Type, read_type

__all__ = ["Analysis", "Scope"]

T = TypeVar("T")


class Analysis(Struct, dict=True):
    """Each method types an expression as it is used in one place, or reports why it can't be.

    Nothing is returned for an expression that has a problem or isn't there.
    """

    spec: m.Spec
    problems: Problems

    @cached_property
    def reach(self) -> Reach:
        """What the commands of the spec need."""
        return Reach(self.spec)

    def value(self, formula: m.Formula | None, scope: Scope) -> t.Typed | None:
        """Type an expression that has a value."""
        return self._on(formula, scope, lambda one, tree: one.value(tree))

    def number(self, formula: m.Formula | None, scope: Scope) -> t.Typed | None:
        """Type an expression that must be a number."""
        return self._on(formula, scope, lambda one, tree: one.number(tree))

    def fitting(self, formula: m.Formula | None, kind: Type, scope: Scope) -> t.Typed | None:
        """Type an expression whose value is stored as a type."""
        return self._on(formula, scope, lambda one, tree: one.fitting(tree, kind))

    def condition(self, formula: m.Formula | None, scope: Scope) -> t.Typed | None:
        """Type an expression that must be true or false."""
        return self._on(formula, scope, lambda one, tree: one.condition(tree))

    def action(self, formula: m.Formula | None, scope: Scope) -> t.Run | None:
        """Type the command that a step runs."""
        return self._on(formula, scope, lambda one, tree: one.action(tree))

    def transfer(self, formula: m.Formula | None, scope: Scope) -> t.Run | None:
        """Type the command that moves data and returns how much."""
        return self._on(formula, scope, lambda one, tree: one.transfer(tree))

    def post(self, formula: m.Formula | None, scope: Scope) -> t.Posted | None:
        """Type a request that is posted."""
        return self._on(formula, scope, lambda one, tree: one.post(tree))

    def field(self, structure: str, path: str) -> t.Typed | None:
        """Type a field of a structure of the kernel, by its path; nothing if the spec doesn't name it."""
        typed = t.Typed(read_type(structure) or Type("struct", structure, structure))
        for name in path.split("."):
            found = self.spec.kernel_field(typed.type.target, name)
            kind = read_type(found.type.text) if found else None
            if kind is None:
                return None
            typed = field_of(kind, typed, name)
        return typed

    def assignment(self, formula: m.Formula | None, scope: Scope) -> t.Assign | None:
        """Type `place = value`."""
        return self._on(formula, scope, lambda one, tree: one.assignment(tree))

    def place(self, formula: m.Formula | None, scope: Scope) -> t.Typed | None:
        """Type a place that a value can be stored in."""
        return self._on(formula, scope, lambda one, tree: one.place(tree))

    def register(self, formula: m.Formula | None, scope: Scope) -> t.Typed | None:
        """Type what should be a register, whatever its access."""
        return self._on(formula, scope, lambda one, tree: one.register(tree))

    def call(self, formula: m.Formula | None, scope: Scope) -> t.KernelFunction | None:
        """Type a call of a kernel function."""
        return self._on(formula, scope, lambda one, tree: one.call(tree))

    def _on(
        self, formula: m.Formula | None, scope: Scope, action: Callable[[Inference, s.Expression], T]
    ) -> T | None:
        if formula is None or formula.tree is None:
            return None
        try:
            return action(Inference(self.problems, self.reach, formula, scope), formula.tree)
        except UntypedError:
            return None
