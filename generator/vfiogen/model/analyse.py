# SPDX-License-Identifier: GPL-2.0-only
"""Resolves the names of an expression and gives every part its type.

`Analysis` reports what doesn't fit and remembers which names were used; the checks run it for its
problems, the plan for its trees.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from vfiogen.c import syntax as s
from vfiogen.diagnostics import Problems
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model import types
from vfiogen.model.types import BOOL, CONSTANT, PCI_DEVICE, TEXT, VOID, Type

T = TypeVar("T")

BUILTINS: dict[str, Type] = {
    "device": PCI_DEVICE,
    "parent": PCI_DEVICE,
    "vf-id": types.integer(32),
    "domain": types.integer(32),
    "pci-id": types.integer(16),
}
STREAM_NAMES: dict[str, Type] = {"loaded": types.integer(64), "capacity": types.integer(64)}
FUNCTIONS = ("end", "join", "max", "min", "size")
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
LOGIC = ("and", "or")


@dataclass(frozen=True)
class Scope:
    """What names mean in one place: a command adds its parameters and results, a stream its own names."""

    spec: m.Spec
    locals: tuple[tuple[m.Parameter, bool], ...] = ()
    stream: bool = False

    def within(self, command: m.Command) -> Scope:
        """Return the scope inside a command; whoever runs it must have the stream's names if it uses them."""
        names = [(p, False) for p in command.params] + [(r, True) for r in command.results]
        return replace(self, locals=tuple(names), stream=True)

    def in_stream(self) -> Scope:
        """Return the scope of the migration stream, with its own names."""
        return replace(self, stream=True)


@dataclass
class Analysis:
    """Typing of the expressions of one spec."""

    spec: m.Spec
    problems: Problems
    used: set[tuple[str, str]] = field(default_factory=set)

    def value(self, formula: m.Formula | None, scope: Scope) -> t.Typed | None:
        """Type an expression that has a value."""
        return self._on(formula, scope, lambda one, tree: one.value(tree))

    def condition(self, formula: m.Formula | None, scope: Scope) -> t.Typed | None:
        """Type an expression that must be true or false."""
        return self._on(formula, scope, lambda one, tree: one.condition(tree))

    def action(self, formula: m.Formula | None, scope: Scope) -> t.Run | None:
        """Type the command that a step runs."""
        return self._on(formula, scope, lambda one, tree: one.action(tree))

    def assignment(self, formula: m.Formula | None, scope: Scope) -> t.Assign | None:
        """Type `place = value`."""
        return self._on(formula, scope, lambda one, tree: one.assignment(tree))

    def place(self, formula: m.Formula | None, scope: Scope) -> t.Typed | None:
        """Type a place that a value can be stored in."""
        return self._on(formula, scope, lambda one, tree: one.place(tree))

    def call(self, formula: m.Formula | None, scope: Scope) -> t.KernelFunction | None:
        """Type a call of a kernel function."""
        return self._on(formula, scope, lambda one, tree: one.call(tree))

    def _on(
        self, formula: m.Formula | None, scope: Scope, action: Callable[[_Typing, s.Expression], T]
    ) -> T | None:
        if formula is None or formula.tree is None:
            return None
        try:
            return action(_Typing(self, formula, scope), formula.tree)
        except _UntypedError:
            return None


class _UntypedError(Exception):
    """A part has no type; the problem has been reported."""


class _Typing:
    """Types one formula."""

    def __init__(self, analysis: Analysis, formula: m.Formula, scope: Scope) -> None:
        self._analysis = analysis
        self._formula = formula
        self._scope = scope
        self._spec = scope.spec

    def value(self, node: s.Expression) -> t.Typed:
        handler = _HANDLERS.get(type(node))
        if handler is None:
            raise self._fail("expression", "this can't be used as a value", node)
        return handler(self, node)

    def condition(self, node: s.Expression) -> t.Typed:
        typed = self.value(node)
        if typed.type.kind != "bool":
            raise self._fail(
                "type",
                f"a condition is true or false, and this is {typed.type.name}",
                node,
                "compare it with something: an integer is no condition",
            )
        return typed

    def number(self, node: s.Expression) -> t.Typed:
        typed = self.value(node)
        if not typed.type.numeric:
            raise self._fail("type", f"a number is needed here, and this is {typed.type.name}", node)
        return typed

    def action(self, node: s.Expression) -> t.Run:
        function = node.function if isinstance(node, s.Call) else node
        if not isinstance(function, s.Name):
            raise self._fail("step-verb", "a step runs a command of the spec", node)
        command = self._spec.command(function.name)
        if command is None:
            raise self._unknown(
                "command", function.name, function, (c.name.text for c in self._spec.commands)
            )
        return self._run(command, node)

    def assignment(self, node: s.Expression) -> t.Assign:
        assert isinstance(node, s.Assignment)
        place = self.place(node.place)
        value = self._fitting(node.value, place.type)
        return t.Assign(place.type, place, value)

    def place(self, node: s.Expression) -> t.Typed:
        typed = self.value(node)
        if isinstance(typed, t.Read | t.ReadBits):
            return self._writable(typed, node)
        if isinstance(typed, t.Kept) or (isinstance(typed, t.Local) and typed.result):
            return typed
        raise self._fail(
            "not-a-place",
            "nothing can be stored here",
            node,
            "a place is a register, a value of the context or a result of the command",
        )

    def call(self, node: s.Expression) -> t.KernelFunction:
        assert isinstance(node, s.KernelCall)
        assert isinstance(node.call.function, s.Name)
        returned = types.read_type(node.returns.type) if node.returns.type != "errno" else VOID
        if returned is None:
            raise self._fail("type", f"{node.returns.type} isn't a type", node.returns, _TYPES_HINT)
        failure = "errno" if node.returns.type == "errno" else node.returns.failure
        arguments = tuple(self._argument(argument) for argument in node.call.arguments)
        return t.KernelFunction(returned, node.call.function.name, arguments, failure)

    def _argument(self, argument: s.Argument) -> t.Typed:
        if argument.name is not None:
            raise self._fail("expression", "arguments of a kernel function have no names", argument.value)
        return self.value(argument.value)

    def _writable(self, typed: t.Read | t.ReadBits, node: s.Expression) -> t.Typed:
        access = typed.bits.access if isinstance(typed, t.ReadBits) else typed.register.access
        if access == "ro":
            raise self._fail("register-access", "this register is read-only", node)
        return typed

    # -- the kinds of nodes ------------------------------------------------------------------

    def _number(self, node: s.Number) -> t.Typed:
        return t.Literal(CONSTANT, node.value, node.hexadecimal)

    def _text(self, node: s.Text) -> t.Typed:
        parts = tuple(part if isinstance(part, str) else self.value(part) for part in node.parts)
        return t.Format(TEXT, parts)

    def _name(self, node: s.Name) -> t.Typed:
        name = node.name
        if name.isupper() or (name[:1].isupper() and name.upper() == name):
            return t.Constant(CONSTANT, name)
        for parameter, result in self._scope.locals:
            if parameter.name.text == name:
                return t.Local(self._type(parameter.type), name, result)
        return self._declared(node)

    def _declared(self, node: s.Name) -> t.Typed:
        name = node.name
        provider = self._spec.provider
        if provider is not None and provider.handle.text == name:
            self._analysis.used.add(("provider", name))
            return t.Handle(self._type(provider.type))
        for kept in self._spec.context:
            if kept.name.text == name:
                self._analysis.used.add(("context", name))
                return t.Kept(self._type(kept.type), name)
        command = self._spec.command(name)
        if command is not None:
            return self._result(command, node)
        return self._builtin(node)

    def _builtin(self, node: s.Name) -> t.Typed:
        names = BUILTINS | (STREAM_NAMES if self._scope.stream else {})
        if node.name not in names:
            raise self._unknown("name", node.name, node, self._names())
        if node.name in ("parent", "vf-id") and any(d.function != "vf" for d in self._spec.devices):
            raise self._fail(
                "needs-vf",
                f"{node.name} exists for virtual functions only",
                node,
                "write function: vf in every entry of devices",
            )
        return t.Builtin(names[node.name], node.name)

    def _names(self) -> list[str]:
        spec = self._spec
        names = [*BUILTINS, *(STREAM_NAMES if self._scope.stream else ())]
        names += [p.name.text for p, _ in self._scope.locals]
        names += [k.name.text for k in spec.context] + [c.name.text for c in spec.commands]
        names += [b.name.text for b in spec.registers]
        return names + ([spec.provider.handle.text] if spec.provider else [])

    def _member(self, node: s.Member) -> t.Typed:
        block = self._block(node.base)
        if block is not None:
            return self._register(block, node)
        base = self.value(node.base)
        if isinstance(base, t.Read):
            return self._bits(base, node)
        if base.type.kind == "pointer":
            return self._field(base, node)
        raise self._fail("type", f"{base.type.name} has no fields", node)

    def _block(self, node: s.Expression) -> m.RegisterBlock | None:
        if not isinstance(node, s.Name):
            return None
        return next((b for b in self._spec.registers if b.name.text == node.name), None)

    def _register(self, block: m.RegisterBlock, node: s.Member) -> t.Typed:
        for register in block.registers:
            if register.name.text == node.name:
                self._analysis.used.add(("register", f"{block.name}.{register.name}"))
                return t.Read(types.integer(register.width), block, register)
        raise self._unknown(
            "register",
            node.name,
            s.Expression(node.name_start, node.end),
            (r.name.text for r in block.registers),
        )

    def _bits(self, read: t.Read, node: s.Member) -> t.Typed:
        for bits in read.register.bits:
            if bits.name.text == node.name:
                kind = BOOL if bits.low == bits.high else types.integer(_holding(bits.high - bits.low + 1))
                return t.ReadBits(kind, read, bits)
        raise self._unknown(
            "bits",
            node.name,
            s.Expression(node.name_start, node.end),
            (b.name.text for b in read.register.bits),
        )

    def _field(self, base: t.Typed, node: s.Member) -> t.Typed:
        structure = next((x for x in self._spec.kernel_structures if x.name.text == base.type.target), None)
        fields = structure.fields if structure else ()
        for one in fields:
            if one.name.text == node.name:
                self._analysis.used.add(("field", f"{base.type.target}.{node.name}"))
                return t.Field(self._type(one.type), base, node.name)
        raise self._unknown(
            "field",
            node.name,
            s.Expression(node.name_start, node.end),
            (f.name.text for f in fields),
            f"declare the fields that are used of {base.type.target} in structures",
        )

    def _index(self, node: s.Index) -> t.Typed:
        base = self.value(node.base)
        if not isinstance(base, t.Read) or base.register.count is None:
            raise self._fail("type", "only registers with a count have an index", node)
        return replace(base, index=self.number(node.index))

    def _call(self, node: s.Call) -> t.Typed:
        name = node.function.name if isinstance(node.function, s.Name) else ""
        command = self._spec.command(name)
        if command is not None:
            return self._result(command, node)
        if name in ("size", "end"):
            return self._extent(name, node)
        if name in FUNCTIONS:
            return self._function(name, node)
        commands = [c.name.text for c in self._spec.commands]
        raise self._unknown("command", name, node.function, [*commands, *FUNCTIONS])

    def _result(self, command: m.Command, node: s.Expression) -> t.Typed:
        run = self._run(command, node)
        if run.type is VOID:
            raise self._fail("type", f"{command.name} has no result", node)
        return run

    def _run(self, command: m.Command, node: s.Expression) -> t.Run:
        self._analysis.used.add(("command", command.name.text))
        given = node.arguments if isinstance(node, s.Call) else ()
        if len(given) != len(command.params):
            raise self._fail("arguments", _counted(command, len(given)), node, _signature(command))
        arguments = tuple(
            self._fitting(argument.value, self._type(parameter.type))
            for argument, parameter in zip(given, command.params, strict=True)
        )
        return t.Run(self._returned(command), command, arguments)

    def _returned(self, command: m.Command) -> Type:
        if command.results:
            return self._type(command.results[0].type)
        call = command.bodies[0].call
        if call is not None and isinstance(call.tree, s.KernelCall) and call.tree.returns.type != "errno":
            return types.read_type(call.tree.returns.type) or VOID
        return VOID

    def _extent(self, name: str, node: s.Call) -> t.Typed:
        argument = node.arguments[0].value if len(node.arguments) == 1 else None
        base = argument.base if isinstance(argument, s.Member) and name == "end" else argument
        if not isinstance(base, s.Name) or self._spec.layout(base.name) is None:
            layouts = (x.name.text for x in self._spec.layouts)
            wanted = "a layout" if name == "size" else "a field of a layout"
            raise self._unknown("layout", "this", argument or node, layouts, f"{name}() takes {wanted}")
        member = argument.name if isinstance(argument, s.Member) else None
        return t.Extent(types.integer(64), base.name, member)

    def _function(self, name: str, node: s.Call) -> t.Typed:
        if len(node.arguments) != 2:
            raise self._fail(
                "arguments",
                f"{name}() takes two arguments, and this has {len(node.arguments)}",
                node,
            )
        arguments = tuple(self.number(argument.value) for argument in node.arguments)
        kind = types.integer(64) if name == "join" else _wider(arguments[0].type, arguments[1].type)
        return t.Function(kind, name, arguments)

    def _unary(self, node: s.Unary) -> t.Typed:
        if node.operator == "not":
            return t.Prefix(BOOL, "not", self.condition(node.operand))
        if node.operator == "~":
            operand = self.number(node.operand)
            return t.Prefix(operand.type, "~", operand)
        operand = self.value(node.operand)
        return t.Prefix(
            Type("pointer", f"{operand.type.name} *", f"{operand.type.c} *"), node.operator, operand
        )

    def _binary(self, node: s.Binary) -> t.Typed:
        if node.operator in LOGIC:
            return t.Operation(BOOL, node.operator, self.condition(node.left), self.condition(node.right))
        if node.operator in ("==", "!="):
            return self._equality(node)
        left, right = self.number(node.left), self.number(node.right)
        kind = BOOL if node.operator in COMPARISONS else _wider(left.type, right.type)
        return t.Operation(kind, node.operator, left, right)

    def _equality(self, node: s.Binary) -> t.Typed:
        left = self.value(node.left)
        right = self._fitting(node.right, left.type)
        return t.Operation(BOOL, node.operator, left, right)

    def _membership(self, node: s.Membership) -> t.Typed:
        items = tuple(self.number(item) for item in node.items)
        return t.OneOf(BOOL, self.number(node.value), items, node.negated)

    def _conditional(self, node: s.Conditional) -> t.Typed:
        condition = self.condition(node.condition)
        value = self.value(node.value)
        otherwise = self._fitting(node.otherwise, value.type)
        return t.Choice(_wider(value.type, otherwise.type), condition, value, otherwise)

    # -- helpers -----------------------------------------------------------------------------

    def _fitting(self, node: s.Expression, wanted: Type) -> t.Typed:
        typed = self.value(node)
        if wanted.numeric and typed.type.numeric:
            return typed
        if wanted.kind == typed.type.kind and (wanted.kind != "pointer" or wanted.c == typed.type.c):
            return typed
        raise self._fail("type", f"{wanted.name} is needed here, and this is {typed.type.name}", node)

    def _type(self, word: m.Word) -> Type:
        found = types.read_type(word.text)
        if found is None:
            self._analysis.problems.report("type", f"{word.text} isn't a type", word.span, _TYPES_HINT)
            raise _UntypedError
        return found

    def _unknown(
        self, kind: str, name: str, node: s.Expression, known: Iterable[str], *hints: str
    ) -> _UntypedError:
        names = sorted(set(known))
        close = difflib.get_close_matches(name, names, 1)
        guess = f"did you mean {close[0]}?" if close else ""
        listed = f"known here: {', '.join(names)}" if names else f"the spec declares no {kind}"
        return self._fail("unknown-name", f"no {kind} is called {name}", node, guess, listed, *hints)

    def _fail(self, code: str, message: str, node: s.Expression | s.Returns, *hints: str) -> _UntypedError:
        span = self._formula.scalar.span_of(node.start, node.end)
        self._analysis.problems.report(code, message, span, *hints)
        return _UntypedError()


_TYPES_HINT = "types are bool, u8 to u64, size, phys, struct x and struct x *"
# Each takes the node that it stands beside.
_HANDLERS: dict[type[s.Expression], Callable[[_Typing, Any], t.Typed]] = {
    s.Number: _Typing._number,
    s.Text: _Typing._text,
    s.Name: _Typing._name,
    s.Member: _Typing._member,
    s.Index: _Typing._index,
    s.Call: _Typing._call,
    s.Unary: _Typing._unary,
    s.Binary: _Typing._binary,
    s.Membership: _Typing._membership,
    s.Conditional: _Typing._conditional,
}


def _wider(left: Type, right: Type) -> Type:
    if left.kind == "constant":
        return right
    return left if right.kind == "constant" or left.bits >= right.bits else right


def _holding(bits: int) -> int:
    return next(width for width in (8, 16, 32, 64) if bits <= width)


def _counted(command: m.Command, given: int) -> str:
    plural = "" if len(command.params) == 1 else "s"
    return f"{command.name} takes {len(command.params)} argument{plural}, and this has {given}"


def _signature(command: m.Command) -> str:
    params = ", ".join(f"{p.name}: {p.type}" for p in command.params)
    return f"it is declared as {command.name}({params})" if params else f"write {command.name} alone"
