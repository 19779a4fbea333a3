# SPDX-License-Identifier: GPL-2.0-only
"""Resolves the names of an expression and gives every part its type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from vfiogen.c import syntax as s
from vfiogen.c.hints import meant_type
from vfiogen.c.names import c_name, is_c_identifier
from vfiogen.c.spell import spell
from vfiogen.diagnostics import Problems, Span, listing, quote, suggestions
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model import types
from vfiogen.model.arcs import STATES
from vfiogen.model.bounds import FULL, calculate, literal, most
from vfiogen.model.columns import column_type
from vfiogen.model.reach import Reach
from vfiogen.model.scope import (
    ALIGNMENTS,
    AREA_LIST,
    AREA_MEMORY,
    BOOLEANS,
    BUILTINS,
    CONFIG_READS,
    EVENT_NAMES,
    FUNCTIONS,
    LOOKUPS,
    STREAM_NAMES,
    Scope,
)
from vfiogen.model.types import BOOL, CONSTANT, RETURNS_HINT, TEXT, VOID, Type
from vfiogen.records import replace

T = TypeVar("T")
U = TypeVar("U")

LARGEST_INT = 0x7FFFFFFF
LAST_BAR = 5
CONFIG_SIZE = 4096
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
LOGIC = ("and", "or")
SHIFTS = ("<<", ">>")


class UntypedError(Exception):
    """A part has no type; the problem has been reported."""


class Inference:
    """Types one formula. Every method raises UntypedError after it has reported a problem."""

    def __init__(self, problems: Problems, reach: Reach, formula: m.Formula, scope: Scope) -> None:
        self._problems = problems
        self._reach = reach
        self._formula = formula
        self._scope = scope
        self._spec = scope.spec

    # -- what an expression is used as ----------------------------------------------------------

    def value(self, node: s.Expression) -> t.Typed:
        """Type anything that has a value."""
        handler = _HANDLERS.get(type(node))
        if handler is None:
            raise self._fail("expression", "this can't be used as a value", node)
        return handler(self, node)

    def condition(self, node: s.Expression) -> t.Typed:
        """Type what is true or false."""
        typed = self.value(node)
        if typed.type.kind != "bool":
            hint = f"compare it, as in `{self._part(node)} != 0`" if typed.type.numeric else ""
            message = f"a condition is true or false, and this is {_kind(typed)}"
            raise self._fail("type", message, node, hint)
        return typed

    def number(self, node: s.Expression) -> t.Typed:
        """Type a number."""
        return self._numeric(self.value(node), node)

    def _numeric(self, typed: t.Typed, node: s.Expression) -> t.Typed:
        """Refuse what isn't a number."""
        if not typed.type.numeric:
            hint = "a bit is a condition, not a number" if isinstance(typed, t.ReadBits) else ""
            raise self._fail("type", f"a number is needed here, and this is {_kind(typed)}", node, hint)
        return typed

    def fitting(self, node: s.Expression, kind: Type) -> t.Typed:
        """Type what is stored as a type."""
        return self._fitting(node, kind, kind.bits)

    def action(self, node: s.Expression) -> t.Run:
        """Type a command that is run."""
        function = node.function if isinstance(node, s.Call) else node
        if not isinstance(function, s.Name):
            hint = "what is done is declared in commands, and run by its name"
            raise self._fail("step-verb", "a step runs a command of the spec", node, hint)
        command = self._spec.command(function.name)
        if command is None:
            raise self._no_command(function)
        return self._run(command, node)

    def post(self, node: s.Expression) -> t.Posted:
        """Type `channel(member, parameter = value)`, or `channel(request, completion, ...)`."""
        if not isinstance(node, s.Call) or not isinstance(node.function, s.Name):
            hint = "write `channel(member)`, with `parameter = value` for each parameter"
            raise self._fail("channel", "a request is posted to a channel", node, hint)
        channel = self._spec.channel(node.function.name)
        if channel is None:
            known = [x.name.text for x in self._spec.channels]
            message = f"no channel is called {quote(node.function.name)}"
            raise self._unknown(message, node.function.name, node.function, known)
        first = node.arguments[0] if node.arguments else None
        if first is None or first.name is not None or not isinstance(first.value, s.Name):
            message = "the first argument is the member of the request that the command fills in"
            raise self._fail("channel", message, first.value if first else node)
        if channel.request is None:
            request, completion = self._all(lambda at: self._bits_structure(node, at), (0, 1))
            return t.Posted(channel, "", request, completion, self._for_channel(channel, node, 2))
        member = self._request_member(channel.request, first.value)
        answer = channel.completion.text if channel.completion else None
        arguments = self._for_channel(channel, node, 1)
        return t.Posted(channel, member.name.text, member.type.text, answer, arguments)

    def _for_channel(self, channel: m.Channel, node: s.Call, first: int) -> tuple[t.Typed, ...]:
        """Type the parameters of a channel, which follow what is posted."""
        named = node.arguments[first:]
        self._all_named(channel, named)
        given = {argument.name: argument for argument in named}
        return self._all(lambda p: self._given(channel, p, given, node), channel.params)

    def _bits_structure(self, node: s.Call, at: int) -> str:
        """Return the name in `structures` of a request that a command names, or of a completion.

        A completion is declared only where something of it is read.
        """
        named = node.arguments[at].value if len(node.arguments) > at and not node.arguments[at].name else None
        if not isinstance(named, s.Name):
            message = "a command names its request and its completion: `channel(request, completion)`"
            raise self._fail("channel", message, named or node)
        known = [x.name.text.removeprefix("bits ") for x in self._spec.kernel_structures if x.is_bits]
        if at == 0 and named.name not in known:
            message = f"nothing is known of {quote(f'bits {named.name}')}"
            hint = f"structures names the fields that are used: `bits {named.name}: {{ fields: ... }}`"
            raise self._unknown(message, named.name, named, known, hint)
        return f"bits {named.name}"

    def _all_named(self, channel: m.Channel, named: Iterable[s.Argument]) -> None:
        known = [parameter.name.text for parameter in channel.params]
        for argument in named:
            if argument.name not in known:
                message = f"{quote(channel.name.text)} has no parameter {quote(argument.name or '')}"
                if argument.name is None:
                    message = "the parameters of a channel are named: `parameter = value`"
                raise self._unknown(message, argument.name or "", argument.value, known)

    def _given(
        self, channel: m.Channel, parameter: m.Parameter, given: dict[str | None, s.Argument], node: s.Call
    ) -> t.Typed:
        argument = given.get(parameter.name.text)
        if argument is None:
            name = parameter.name.text
            message = f"{quote(channel.name.text)} needs {quote(name)}"
            raise self._fail("arguments", message, node, f"add `{name} = ...`")
        return self._passed(argument.value, parameter)

    def _request_member(self, request: m.Word, node: s.Name) -> m.KernelField:
        found = self._spec.kernel_field(request.text, node.name)
        if found is None:
            structure = next((x for x in self._spec.kernel_structures if x.name.text == request.text), None)
            known = [field.name.text for field in structure.fields] if structure else []
            message = f"nothing is known of a member {quote(node.name)} of {quote(request.text)}"
            hint = f"structures names the members of {quote(request.text)} that are used"
            raise self._unknown(message, node.name, node, known, hint)
        return found

    def transfer(self, node: s.Expression) -> t.Run:
        """Type a command that moves data: it is a call that returns how much, or an error."""
        run = self.action(node)
        call = run.command.bodies[0].call
        returns = call.tree.returns if call and isinstance(call.tree, s.KernelCall) else None
        if returns is None or returns.type != "size" or returns.failure != "errno":
            hint = "it is a single call of the parent: `f(handle, data, count) -> size or errno`"
            message = f"{quote(run.command.name.text)} doesn't return how much it has moved"
            raise self._fail("stream-store", message, node, hint)
        return run

    def assignment(self, node: s.Expression) -> t.Assign:
        """Type `place = value`."""
        assert isinstance(node, s.Assignment)
        place = self.place(node.place)
        return t.Assign(place.type, place, self._stored(node.value, place))

    def register(self, node: s.Expression) -> t.Typed:
        """Type a register without a look at its access, or whatever stands there instead."""
        typed = self._base(node)
        return self._one_element(typed, node) if isinstance(typed, t.Read | t.ReadBits) else typed

    def place(self, node: s.Expression) -> t.Typed:
        """Type what a value can be stored in."""
        typed = self._base(node)
        if isinstance(typed, t.Read | t.ReadBits):
            return self._writable(self._one_element(typed, node), node)
        if isinstance(typed, t.Kept) or (isinstance(typed, t.Local) and typed.result) or _is_own(typed):
            return typed
        if isinstance(typed, t.OfArea) and typed.kept and self._scope.attaching:
            return typed
        raise self._fail(
            "not-a-place",
            "nothing can be stored here",
            node,
            "a place is a register, a value of the context or a result of the command",
        )

    def call(self, node: s.Expression) -> t.KernelFunction:
        """Type a call of a kernel function."""
        assert isinstance(node, s.KernelCall)
        function = node.call.function
        names = _pointer_path(function)
        if not names or not all(is_c_identifier(name) for name in names):
            raise self._no_function(function)
        returned = self._call_type(node.returns)
        failure = "errno" if node.returns.type == "errno" else node.returns.failure
        if names[1:] and (returned is not VOID):
            message = "what is called through a pointer returns `errno` or `void`"
            raise self._fail("type", message, node.returns, "it may be missing, which is ENOENT then")
        arguments = self._all(self._argument, node.call.arguments)
        return t.KernelFunction(returned, ".".join(names), arguments, failure, bool(names[1:]))

    # -- places -----------------------------------------------------------------------------------

    def _stored(self, node: s.Expression, place: t.Typed) -> t.Typed:
        """Type what a place gets. A single bit takes 0 and 1 too, as a datasheet has it."""
        one_bit = isinstance(place, t.ReadBits) and place.type.kind == "bool"
        if one_bit and isinstance(node, s.Number):
            self._narrow(self.value(node), 1, node)
            return t.Constant(BOOL, BOOLEANS[node.value])
        return self._fitting(node, place.type, _room(place))

    def _writable(self, typed: t.Read | t.ReadBits, node: s.Expression) -> t.Typed:
        self._refuse_access(typed, node, "ro", "can't be written")
        return typed

    def _readable(self, typed: t.Read | t.ReadBits, node: s.Expression) -> t.Typed:
        self._refuse_access(typed, node, "wo", "can't be read")
        return typed

    def _refuse_access(self, typed: t.Read | t.ReadBits, node: s.Expression, access: str, why: str) -> None:
        bits = (typed.bits,) if isinstance(typed, t.ReadBits) else ()
        for part in (_register_of(typed), *bits):
            if part.access == access:
                message = f"{self._text_of(node)} {why}: {quote(part.name.text)} is declared `{access}`"
                related = ((part.name.span, "declared here"),)
                raise self._fail("register-access", message, node, related=related)

    def _one_element(self, typed: t.Read | t.ReadBits, node: s.Expression) -> t.Read | t.ReadBits:
        """Refuse a register with a count that is named as if it were one."""
        read = typed.read if isinstance(typed, t.ReadBits) else typed
        whole = self._scope.arrays and read is typed
        if read.register.count is None or read.index is not None or whole:
            return typed
        name = f"{read.block.name}.{read.register.name}"
        message = f"{quote(name)} is {read.register.count.value} registers"
        raise self._fail("type", message, node, f"say which one: `{name}[0]`")

    # -- calls of the kernel ------------------------------------------------------------------------

    def _no_function(self, node: s.Expression) -> UntypedError:
        hint = ""
        if isinstance(node, s.Name):
            hint = f"write {quote(c_name(node.name))}" if is_c_identifier(c_name(node.name)) else ""
            if self._spec.command(node.name):
                hint = f"{quote(node.name)} is a command of the spec, and this calls a function of the kernel"
        message = f"no function of the kernel can be called {self._text_of(node)}"
        return self._fail("kernel-name", message, node, hint)

    def _call_type(self, returns: s.Returns) -> Type:
        found = types.read_type(returns.type) if returns.type != "errno" else VOID
        if found is None or found.kind == "struct":
            meant = f"{returns.type} *" if found else meant_type(returns.type)
            hint = f"write `-> {meant}`" if meant else ""
            if returns.type == "int":
                hint = "0 or a negative errno is what a call returns without `->`; a number is `-> u32`"
            message = f"a call can't return {quote(returns.type)}"
            raise self._fail("type", message, returns, hint or RETURNS_HINT)
        return found

    def _argument(self, argument: s.Argument) -> t.Typed:
        self._unnamed(argument)
        if isinstance(argument.value, s.Text):
            return self._format(argument.value)
        return self.value(argument.value)

    def _unnamed(self, argument: s.Argument) -> None:
        if argument.name is not None:
            name = s.Expression(argument.name_start, argument.name_start + len(argument.name))
            raise self._fail("arguments", "arguments are given in order, without names", name)

    def _format(self, node: s.Text) -> t.Typed:
        parts = tuple(part if isinstance(part, str) else self._embedded(part) for part in node.parts)
        return t.Format(TEXT, parts)

    def _embedded(self, node: s.Expression) -> t.Typed:
        typed = self.value(node)
        if not isinstance(typed, t.Constant) and typed.type.kind != "int":
            hint = "a number is written into the text itself" if typed.type.numeric else ""
            message = f"a text takes numbers and constants that are texts, and this is {_kind(typed)}"
            raise self._fail("type", message, node, hint)
        return typed

    # -- the kinds of nodes ---------------------------------------------------------------------------

    def _number(self, node: s.Number) -> t.Typed:
        return t.Literal(CONSTANT, node.value, node.hexadecimal or bool(node.unit))

    def _text(self, node: s.Text) -> t.Typed:
        raise self._fail("type", "a text can only be an argument of a call of the kernel", node)

    def _name(self, node: s.Name) -> t.Typed:
        name = node.name
        if name.isupper():
            state = self._scope.event is not None and name in STATES
            return t.Constant(CONSTANT, f"VFIO_DEVICE_STATE_{name}" if state else name)
        if name in BOOLEANS:
            return t.Constant(BOOL, name)
        for parameter, result in self._scope.locals:
            if parameter.name.text == name:
                return t.Local(self._type(parameter.type), name, result)
        return self._declared(node)

    def _declared(self, node: s.Name) -> t.Typed:
        name = node.name
        provider = self._spec.provider
        if provider is not None and provider.handle.text == name:
            return self._handle(provider, node)
        for kept in self._spec.context:
            if kept.name.text == name:
                return t.Kept(self._type(kept.type), name)
        for setting in self._spec.parameters:
            if setting.name.text == name and setting.type == "bool":
                return t.Setting(BOOL, name)
        block = self._block(node)
        if block is not None:
            return t.Window(types.IOMEM, self._mapped(block, node))
        command = self._spec.command(name)
        if command is not None:
            return self._result(command, node)
        return self._builtin(node)

    def _handle(self, provider: m.Provider, node: s.Name) -> t.Typed:
        if not self._scope.held:
            absent, hint = _ABSENT[self._formula is not provider.get]
            raise self._fail("provider-handle", f"the handle {quote(node.name)} {absent}", node, hint)
        kind = self._type(provider.type)
        if kind.kind != "pointer":
            raise UntypedError  # likewise
        return t.Handle(kind)

    def _builtin(self, node: s.Name) -> t.Typed:
        name = node.name
        event = self._event(name)
        if event is not None:
            return event
        if name in STREAM_NAMES and name not in self._scope.stream:
            hint = _STREAM_HINTS[name]
            if self._scope.inside:
                hint = f"give the command a parameter, and pass {quote(name)} where the stream runs it"
            raise self._fail("stream-name", f"{quote(name)} {_STREAM_PLACES[name]}", node, hint)
        names = BUILTINS | STREAM_NAMES
        if name not in names:
            hint = _MEANT.get(name, "")
            raise self._unknown(f"nothing is called {quote(name)}", name, node, self._names(), hint)
        if name in ("kvm", "msix-enabled") and not self._scope.mapped:
            what = "MSI-X can't be enabled" if name == "msix-enabled" else "no virtual machine is known"
            message = f"{what} {_UNREACHED[self._scope.unmapped]}"
            raise self._fail("register-early", message, node)
        if name in ("parent", "vf-id") and not self._spec.is_virtual:
            message = f"{quote(name)} exists for virtual functions only"
            hint = "write `function: vf` in every entry of devices, or `is-vf and ...` in every variant"
            raise self._fail("needs-vf", message, node, hint)
        if "bar-number" in self._scope.stream and not self._scope.inside and name in ("count", "data"):
            return t.Builtin(types.BLOCK if name == "data" else types.integer(32), name)
        if name == "data" and "offset" in self._scope.stream and not self._scope.inside:
            return t.Builtin(types.DATA, name)
        return t.Builtin(names[name], name)

    def _event(self, name: str) -> t.Typed | None:
        """Type what is known of an event."""
        data = self._scope.event
        if data is None or name not in EVENT_NAMES:
            return None
        if name == "state":
            return t.Builtin(types.integer(32), name)
        return t.Builtin(types.address_of(data), name) if data is not VOID else None

    def _names(self) -> list[str]:
        spec = self._spec
        found = [p.name.text for p, _ in self._scope.locals]
        found += [k.name.text for k in spec.context] + [c.name.text for c in spec.commands]
        found += [b.name.text for b in spec.registers]
        found += [one.name.text for one in spec.parameters if one.type == "bool"]
        found += [spec.provider.handle.text] if spec.provider else []
        return [*found, *BUILTINS, *sorted(self._scope.stream)]

    def _member(self, node: s.Member) -> t.Typed:
        typed = self._of_member(node)
        if isinstance(typed, t.Read | t.ReadBits):
            return self._readable(self._one_element(typed, node), node)
        return typed

    def _of_member(self, node: s.Member) -> t.Typed:
        """Type a register, bits, a result or a field, without a look at whether it may be read."""
        block = self._block(node.base)
        if block is not None:
            return self._register(block, node)
        if isinstance(node.base, s.Name) and node.base.name == "area":
            return self._area(node)
        if isinstance(node.base, s.Name) and node.base.name == "file":
            return self._of_file(node)
        layout = self._scope.image
        if layout is not None and isinstance(node.base, s.Name) and node.base.name == layout.name.text:
            return self._arrived(layout, node)
        if isinstance(node.base, s.Name) and node.base.name == "id" and self._spec.columns:
            return self._of_id(node)
        command = self._command(node.base)
        if command is not None and command.results:
            return self._chosen(command, node)
        base = self._base(node.base)
        if isinstance(base, t.Read):
            return self._bits(base, node)
        if base.type.kind in ("pointer", "struct"):
            return self._field(base, node)
        raise self._fail("type", f"{_kind(base)} has no fields", _last(node))

    def _base(self, node: s.Expression) -> t.Typed:
        """Type anything, registers without a look at whether they may be read."""
        if isinstance(node, s.Member):
            return self._of_member(node)
        return self._element(node) if isinstance(node, s.Index) else self.value(node)

    def _block(self, node: s.Expression) -> m.RegisterBlock | None:
        if not isinstance(node, s.Name):
            return None
        return next((b for b in self._spec.registers if b.name.text == node.name), None)

    def _command(self, node: s.Expression) -> m.Command | None:
        function = node.function if isinstance(node, s.Call) else node
        return self._spec.command(function.name) if isinstance(function, s.Name) else None

    def _mapped(self, block: m.RegisterBlock, node: s.Expression) -> m.RegisterBlock:
        """Refuse registers where they can't be reached."""
        if not block.is_early and not self._scope.mapped:
            message = f"registers can't be reached {_UNREACHED[self._scope.unmapped]}"
            raise self._fail("register-early", message, node, _UNREACHED_HINT[self._scope.unmapped])
        return block

    def _register(self, block: m.RegisterBlock, node: s.Member) -> t.Typed:
        self._mapped(block, node)
        for register in block.registers:
            if register.name.text == node.name:
                return t.Read(types.integer(register.width), block, register)
        known = [r.name.text for r in block.registers]
        message = f"{quote(block.name.text)} has no register {quote(node.name)}"
        raise self._unknown(message, node.name, _last(node), known)

    def _area(self, node: s.Member) -> t.Typed:
        if not self._scope.inside and not self._scope.attaching:
            hint = "a command that the stream runs is the place for it"
            raise self._fail("stream-name", "`area` is known only while it is mapped", node, hint)
        stream = self._spec.migration.stream if self._spec.migration else None
        area = stream.area if stream else None
        kept = {field.name.text: self._type(field.type) for field in area.fields} if area else {}
        known = AREA_LIST if area is None or area.list else AREA_MEMORY | kept
        if node.name not in known:
            message = f"an area has no {quote(node.name)}"
            raise self._unknown(message, node.name, _last(node), list(known))
        return t.OfArea(known[node.name], node.name, node.name in kept)

    def _of_file(self, node: s.Member) -> t.Typed:
        stream = self._spec.migration.stream if self._spec.migration else None
        found = {value.name.text: value for value in stream.files} if stream else {}
        if not self._scope.filed:
            hint = "give the command a parameter, and pass it where the stream runs it" if found else ""
            raise self._fail("stream-name", "`file` is known only in the stream", node, hint)
        if node.name not in found:
            message = f"a file has no {quote(node.name)}"
            raise self._unknown(message, node.name, _last(node), list(found))
        return t.OfFile(self._type(found[node.name].type), node.name)

    def _arrived(self, layout: m.Layout, node: s.Member, index: int | None = None) -> t.Typed:
        """Type a field of the data. A derived one is what it is derived from, whatever has arrived."""
        field = layout.field(node.name)
        if field is None:
            known = [one.name.text for one in layout.fields]
            message = f"{quote(layout.name.text)} has no field {quote(node.name)}"
            raise self._unknown(message, node.name, _last(node), known)
        if field.count and index is None:
            message = f"{quote(node.name)} is an array"
            raise self._fail("type", message, node, f"say which one: `{layout.name}.{node.name}[0]`")
        if field.derive and field.derive.tree:
            silent = Problems()
            return Inference(silent, self._reach, field.derive, self._scope).value(field.derive.tree)
        return t.Arrived(types.integer(field.bits), layout, field, index)

    def _arrived_element(self, layout: m.Layout, node: s.Index) -> t.Typed:
        assert isinstance(node.base, s.Member)
        field = layout.field(node.base.name)
        count = field.count.value if field and field.count else 0
        if field is not None and not count:
            raise self._fail("type", f"{quote(node.base.name)} is no array", node)
        if not isinstance(node.index, s.Number) or node.index.value >= max(count, 1):
            hint = f"they count from 0 to {count - 1}" if count else ""
            message = "an element of the data is named by its number"
            raise self._fail("value-range", message, node.index, hint)
        return self._arrived(layout, node.base, node.index.value)

    def _of_id(self, node: s.Member) -> t.Typed:
        column = next((x for x in self._spec.columns if x.name.text == node.name), None)
        kind = column_type(self._spec, node.name)
        if column is None:
            known = [x.name.text for x in self._spec.columns]
            message = f"nothing is known of the IDs by the name {quote(node.name)}"
            raise self._unknown(message, node.name, _last(node), known)
        if kind is None:
            raise UntypedError  # reported where it is declared
        return t.OfId(kind, node.name, column.call is not None)

    def _bits(self, read: t.Read, node: s.Member) -> t.Typed:
        for bits in read.register.bits:
            if bits.name.text == node.name:
                kind = BOOL if bits.low == bits.high else types.holding(bits.high - bits.low + 1)
                return t.ReadBits(kind, read, bits)
        known = [b.name.text for b in read.register.bits]
        message = f"{quote(read.register.name.text)} has no bits {quote(node.name)}"
        raise self._unknown(message, node.name, _last(node), known)

    def _chosen(self, command: m.Command, node: s.Member) -> t.Typed:
        known = [result.name.text for result in command.results]
        if node.name not in known:
            message = f"{quote(command.name.text)} has no result {quote(node.name)}"
            raise self._unknown(message, node.name, _last(node), known)
        run = self._run(command, node.base)
        at = known.index(node.name)
        return replace(run, type=self._type(command.results[at].type), chosen=at)

    def _field(self, base: t.Typed, node: s.Member) -> t.Typed:
        target = base.type.target
        structure = next((x for x in self._spec.kernel_structures if x.name.text == target), None)
        fields = structure.fields if structure else ()
        for one in fields:
            if one.name.text == node.name:
                return replace(field_of(self._type(one.type), base, node.name), changes=one.changes)
        message = f"nothing is known of a field {quote(node.name)} of {quote(target)}"
        hint = f"structures names the fields of {quote(target)} that are used, with their types"
        if structure is None:
            hint = f"name it in structures: `{target}: {{ fields: {{ {node.name}: u32 }} }}`, say"
        raise self._unknown(message, node.name, _last(node), [f.name.text for f in fields], hint)

    def _index(self, node: s.Index) -> t.Typed:
        layout = self._scope.image
        whole = node.base.base if isinstance(node.base, s.Member) else None
        if layout and isinstance(whole, s.Name) and whole.name == layout.name.text:
            return self._arrived_element(layout, node)
        return self._readable(self._element(node), node)

    def _element(self, node: s.Index) -> t.Read:
        base = self._of_member(node.base) if isinstance(node.base, s.Member) else self.value(node.base)
        if not isinstance(base, t.Read) or base.register.count is None:
            raise self._fail("type", "only registers with a count have an index", node)
        index = self.number(node.index)
        bound, count = literal(index), base.register.count.value
        if bound is not None and bound >= count:
            message = f"{quote(base.register.name.text)} has no element {bound}"
            raise self._fail("value-range", message, node.index, f"they count from 0 to {count - 1}")
        return replace(base, index=index)

    def _call(self, node: s.Call) -> t.Typed:
        if not isinstance(node.function, s.Name):
            raise self._fail("expression", f"{self._text_of(node.function)} can't be called", node.function)
        name = node.function.name
        command = self._spec.command(name)
        if command is not None:
            return self._result(command, node)
        if name in ("size", "end"):
            return self._extent(name, node)
        if name == "found":
            return self._found(node)
        if name == "bar":
            return self._bar(node)
        if name == "property":
            return self._property(node, types.integer(64))
        if name == "bar-size":
            return self._bar_size(node)
        if name in CONFIG_READS:
            return self._config(name, node)
        if name in LOOKUPS:
            return self._lookup(name, node)
        if name in FUNCTIONS:
            return self._function(name, node)
        raise self._no_command(node.function, *FUNCTIONS)

    def _no_command(self, node: s.Name, *functions: str) -> UntypedError:
        known = [*(c.name.text for c in self._spec.commands), *functions]
        hint = _MEANT.get(node.name, "")
        if caller := next((c.name.text for c in self._spec.commands if node.name in _called(c)), None):
            message = f"{quote(node.name)} is a function of the kernel, and this runs a command of the spec"
            return self._fail("unknown-name", message, node, f"did you mean {quote(caller)}?")
        if _ACCESSOR.fullmatch(node.name):
            hint = "a register is read by its name, and written by the verb `write`"
        elif "_" in node.name and node.name.replace("_", "-") not in known:
            hint = "a function of the kernel is called by a command: declare one in commands"
        if node.name == "none":
            hint = "`none` stands alone, where there are no steps at all"
        return self._unknown(f"no command is called {quote(node.name)}", node.name, node, known, hint)

    def _result(self, command: m.Command, node: s.Expression) -> t.Typed:
        run = self._run(command, node)
        if run.type is VOID:
            raise self._fail("type", f"{quote(command.name.text)} has no result", node)
        if len(command.results) > 1:
            names = [result.name.text for result in command.results]
            message = f"{quote(command.name.text)} has the results {listing(names, 'and')}"
            raise self._fail("type", message, node, f"say which one: `{self._raw(node)}.{names[0]}`")
        return run

    def _run(self, command: m.Command, node: s.Expression) -> t.Run:
        self._reachable(command, node)
        given = node.arguments if isinstance(node, s.Call) else ()
        for argument in given:
            self._unnamed(argument)
        if len(given) != len(command.params):
            message = _counted(command.name.text, len(command.params), len(given))
            raise self._fail("arguments", message, node, _signature(command))
        pairs = zip(given, command.params, strict=True)
        arguments = self._all(lambda pair: self._passed(pair[0].value, pair[1]), pairs)
        return t.Run(self._returned(command), command, arguments)

    def _reachable(self, command: m.Command, node: s.Expression) -> None:
        """Refuse a command that needs what isn't there where it is run."""
        name = quote(command.name.text)
        if not self._scope.mapped and self._reach.uses_registers(command):
            message = f"{name} needs registers, which can't be reached {_UNREACHED[self._scope.unmapped]}"
            raise self._fail("register-early", message, node, _UNREACHED_HINT[self._scope.unmapped])
        if self._reach.uses_area(command) and not self._scope.inside and not self._scope.area:
            message = f"{name} needs `area`, which is there only while the stream is saved or loaded"
            raise self._fail("stream-name", message, node)
        for missing in sorted(self._reach.stream_names(command) - self._scope.stream):
            message = f"{name} needs {quote(missing)}, which {_STREAM_PLACES[missing]}"
            hint = "give the command a parameter instead"
            raise self._fail("stream-name", message, node, hint)

    def _passed(self, node: s.Expression, parameter: m.Parameter) -> t.Typed:
        kind = self._type(parameter.type)
        if kind.kind == "struct":
            raise UntypedError  # likewise
        return self._fitting(node, kind, kind.bits)

    def _returned(self, command: m.Command) -> Type:
        if command.results:
            return self._type(command.results[0].type)
        if command.returns is not None and command.returns.text == "bool":
            return BOOL
        call = command.bodies[0].call
        if call is not None and isinstance(call.tree, s.KernelCall) and call.tree.returns.type != "errno":
            return types.read_type(call.tree.returns.type) or VOID
        return VOID

    def _extent(self, name: str, node: s.Call) -> t.Typed:
        wanted = "a layout" if name == "size" else "a field of a layout: `layout.field`"
        argument = node.arguments[0].value if len(node.arguments) == 1 else None
        base = argument.base if isinstance(argument, s.Member) else argument
        own = isinstance(base, s.Name) and self._spec.layout(base.name) is not None
        if name == "size" and isinstance(argument, s.KernelType | s.Member) and not own:
            return self._size_of(argument)
        base = base if name == "end" else argument
        if not isinstance(base, s.Name) or (name == "end") != isinstance(argument, s.Member):
            raise self._fail("arguments", f"{quote(name + '()')} takes {wanted}", argument or node)
        layout = self._spec.layout(base.name)
        if layout is None:
            known = [x.name.text for x in self._spec.layouts]
            raise self._unknown(f"no layout is called {quote(base.name)}", base.name, base, known)
        field = self._field_of(layout, argument) if isinstance(argument, s.Member) else None
        return t.Extent(types.integer(64), base.name, field)

    def _size_of(self, node: s.KernelType | s.Member) -> t.Typed:
        """Type the size of a structure of the kernel, or of bytes in one."""
        if isinstance(node, s.KernelType):
            return t.SizeOf(CONSTANT, f"{node.keyword} {node.name}")
        field = self.value(node)
        if field.type is not types.BYTES:
            hint = "`bytes` is the type of an array in a structure of the kernel"
            raise self._fail("arguments", f"`size()` of a field is that of bytes: {_kind(field)}", node, hint)
        return t.SizeOf(CONSTANT, "", field)

    def _field_of(self, layout: m.Layout, node: s.Member) -> str:
        known = [field.name.text for field in layout.fields]
        if node.name not in known:
            message = f"{quote(layout.name.text)} has no field {quote(node.name)}"
            raise self._unknown(message, node.name, _last(node), known)
        return node.name

    def _found(self, node: s.Call) -> t.Typed:
        """Type `found(x)`: whether there is a parent, a structure in config space or a property."""
        provider = self._spec.provider
        argument = node.arguments[0].value if len(node.arguments) == 1 else None
        called = argument.function if isinstance(argument, s.Call) else None
        if isinstance(called, s.Name) and called.name == "property":
            assert isinstance(argument, s.Call)
            return self._property(argument, BOOL)
        block = self._block(argument) if argument is not None else None
        if block is not None and block.position is not None:
            return t.Located(BOOL, block)
        if isinstance(argument, s.Name) and argument.name == "kvm":
            return replace(self._builtin(argument), type=BOOL)
        if provider is None or not isinstance(argument, s.Name) or argument.name != provider.handle.text:
            raise self._fail("arguments", "`found()` takes the parent's handle", argument or node)
        return t.Found(BOOL)

    def _property(self, node: s.Call, kind: Type) -> t.Typed:
        """Type `property("name")`: a number of the firmware's."""
        argument = node.arguments[0].value if len(node.arguments) == 1 else None
        parts = argument.parts if isinstance(argument, s.Text) else ()
        if len(parts) != 1 or not isinstance(parts[0], str):
            hint = 'write `property("vendor,name")`'
            raise self._fail("arguments", "`property()` takes the name of a property", argument or node, hint)
        return t.Property(kind, parts[0])

    def _bar_size(self, node: s.Call) -> t.Typed:
        argument = node.arguments[0].value if len(node.arguments) == 1 else None
        if not isinstance(argument, s.Number) or argument.value > LAST_BAR:
            raise self._fail("arguments", "`bar-size()` takes the number of a BAR, 0 to 5", argument or node)
        return t.BarSize(types.integer(64), argument.value)

    def _config(self, name: str, node: s.Call) -> t.Typed:
        """Type `config32(offset)`: a number in the device's config space."""
        bits = CONFIG_READS[name]
        if len(node.arguments) != 1:
            raise self._fail("arguments", _counted(f"{name}()", 1, len(node.arguments)), node)
        place = node.arguments[0].value
        at = self.number(place)
        exact = literal(at)
        if exact is not None and (exact % (bits // 8) or exact + bits // 8 > CONFIG_SIZE):
            message = f"{_bits(bits)} of config space can't be read at {exact:#x}"
            raise self._fail("value-range", message, place, f"offsets are multiples of {bits // 8}")
        return t.Config(types.integer(bits), at)

    def _lookup(self, name: str, node: s.Call) -> t.Typed:
        wanted = 2 if name == "dvsec" else 1
        if len(node.arguments) != wanted:
            raise self._fail("arguments", _counted(f"{name}()", wanted, len(node.arguments)), node)
        numbers = self._all(lambda argument: self.number(argument.value), node.arguments)
        return t.Lookup(types.integer(16), LOOKUPS[name], numbers)

    def _aligned(self, name: str, value: t.Typed, step: t.Typed, node: s.Expression) -> t.Typed:
        by = literal(step)
        if not by or by & (by - 1):
            message = f"{self._text_of(node)} isn't a power of two that is known here"
            raise self._fail("value-range", message, node)
        return t.Aligned(value.type, ALIGNMENTS[name], value, step)

    def _function(self, name: str, node: s.Call) -> t.Typed:
        if len(node.arguments) != 2:
            raise self._fail("arguments", _counted(f"{name}()", 2, len(node.arguments)), node)
        for argument in node.arguments:
            self._unnamed(argument)
        values = [argument.value for argument in node.arguments]
        if name == "join":
            halves = tuple(self._fitting(value, types.integer(32), 32) for value in values)
            return t.Function(types.integer(64), name, halves)
        numbers = tuple(self.number(value) for value in values)
        if name in ALIGNMENTS:
            return self._aligned(name, numbers[0], numbers[1], values[1])
        return t.Function(types.wider(numbers[0].type, numbers[1].type), name, numbers)

    def _bar(self, node: s.Call) -> t.Typed:
        if not self._scope.base:
            hint = "name a block of registers: its name alone is where it lies"
            raise self._fail("register-base", "`bar` belongs to the base of a block of registers", node, hint)
        number = node.arguments[0].value if len(node.arguments) == 1 else None
        if not isinstance(number, s.Number) or number.value > 5:
            hint = "write `bar(0)` to `bar(5)`"
            raise self._fail("register-base", "`bar` takes the number of a BAR", node, hint)
        return t.Bar(types.IOMEM, number.value)

    def _unary(self, node: s.Unary) -> t.Typed:
        if node.operator == "not":
            return t.Prefix(BOOL, "not", self.condition(node.operand))
        if node.operator == "~":
            operand = self.number(node.operand)
            return t.Prefix(operand.type, "~", operand)
        return self._address(node)

    def _address(self, node: s.Unary) -> t.Typed:
        operand = self.value(node.operand)
        result = isinstance(operand, t.Local) and operand.result
        if not result and not isinstance(operand, t.Kept | t.Field):
            hint = f"{quote(node.operator)} goes before a value of the context, a result or a field"
            raise self._fail("not-a-place", "this has no address", node, hint)
        return t.Prefix(types.address_of(operand.type), node.operator, operand)

    def _binary(self, node: s.Binary) -> t.Typed:
        if node.operator in LOGIC:
            sides = self._all(self.condition, (node.left, node.right))
            return t.Operation(BOOL, node.operator, *sides)
        if node.operator in ("==", "!="):
            return self._equality(node)
        left, right = self._all(self.value, (node.left, node.right))
        if node.operator == "+" and left.type is types.IOMEM:
            return t.Operation(types.IOMEM, "+", left, self._numeric(right, node.right))
        left, right = self._all(lambda pair: self._numeric(*pair), ((left, node.left), (right, node.right)))
        if node.operator in COMPARISONS:
            self._comparable(node, left, right)
            return t.Operation(BOOL, node.operator, left, right)
        return self._calculation(node, left, right)

    def _equality(self, node: s.Binary) -> t.Typed:
        left = self.value(node.left)
        if left.type.kind == "bool" and isinstance(node.right, s.Number):
            raise self._needless(node)
        right = self._fitting(node.right, left.type)
        if left.type.kind == "struct":
            raise self._fail("type", f"{_kind(left)} can't be compared", node)
        self._comparable(node, left, right)
        return t.Operation(BOOL, node.operator, left, right)

    def _needless(self, node: s.Binary) -> UntypedError:
        """Refuse to compare what is true or false with a number."""
        assert isinstance(node.right, s.Number)
        plain = (node.operator == "==") == (node.right.value == 1)
        raw = self._raw(node.left)
        hint = f"write `{raw}` alone" if plain else f"write `not {raw}`"
        message = f"{quote(raw)} is true or false, and this is a number"
        return self._fail("type", message, node.right, hint if node.right.value in (0, 1) else "")

    def _comparable(self, node: s.Binary, left: t.Typed, right: t.Typed) -> None:
        """Refuse a comparison whose outcome is known."""
        for one, other, place in ((left, right, node.right), (right, left, node.left)):
            bound, exact = most(one), literal(other)
            if bound is not None and exact is not None and literal(one) is None and exact > bound:
                hint = f"{quote(self._raw(node.left if one is left else node.right))} is at most {bound:#x}"
                message = f"{self._text_of(place)} is out of reach, so the comparison has one outcome"
                raise self._fail("value-range", message, place, hint)
        if spell(node.left) == spell(node.right):
            raise self._fail(
                "value-range", "both sides are the same, so the comparison has one outcome", node
            )
        if literal(right) == 0 and node.operator in ("<", ">="):
            raise self._fail("value-range", "no value is negative, so the comparison has one outcome", node)

    def _calculation(self, node: s.Binary, left: t.Typed, right: t.Typed) -> t.Typed:
        exact = self._exact(node, left, right)
        if exact is not None:
            return exact
        if node.operator in ("/", "%"):
            self._divisor(node, right)
        if node.operator in SHIFTS:
            return self._shift(node, left, right)
        return t.Operation(types.wider(left.type, right.type), node.operator, left, right)

    def _exact(self, node: s.Binary, left: t.Typed, right: t.Typed) -> t.Typed | None:
        """Type a calculation with two numbers; one that C's int can't hold is carried out here."""
        one, other = literal(left), literal(right)
        if one is None or other is None:
            return None
        result = calculate(node.operator, one, other)
        if result is None or not 0 <= result <= FULL:
            raise self._fail("value-range", f"{quote(self._raw(node))} {_outcome(result)}", node)
        if max(one, other, result) > LARGEST_INT:
            return t.Literal(CONSTANT, result, True)
        return t.Operation(CONSTANT, node.operator, left, right)

    def _divisor(self, node: s.Binary, right: t.Typed) -> None:
        if literal(right) == 0:
            raise self._fail("value-range", "nothing can be divided by 0", node.right)
        if right.type.kind != "constant":
            hint = "divide by a number or a constant"
            raise self._fail("value-range", "the divisor can be 0 at run time", node.right, hint)

    def _shift(self, node: s.Binary, left: t.Typed, right: t.Typed) -> t.Typed:
        kind = left.type
        if kind.kind == "int" and node.operator == "<<":
            kind = types.holding(max(kind.bits, 32))
        by = literal(right)
        if by is not None and by >= kind.bits:
            hint = "`join(high, low)` makes 64 bits of two times 32" if kind.bits < 64 else ""
            message = f"a shift by {by} leaves nothing of {kind.bits} bits"
            raise self._fail("value-range", message, node.right, hint)
        return t.Operation(kind, node.operator, left, right)

    def _membership(self, node: s.Membership) -> t.Typed:
        value = self.number(node.value)
        items = self._all(lambda item: self._fitting(item, value.type), node.items)
        bound = most(value)
        for item, place in zip(items, node.items, strict=True):
            exact = literal(item)
            if bound is not None and exact is not None and exact > bound:
                message = f"{self._text_of(place)} is out of reach: the value is at most {bound:#x}"
                raise self._fail("value-range", message, place)
        return t.OneOf(BOOL, value, items, node.negated)

    def _conditional(self, node: s.Conditional) -> t.Typed:
        condition = self.condition(node.condition)
        value = self.value(node.value)
        otherwise = self._fitting(node.otherwise, value.type)
        kind = types.wider(value.type, otherwise.type) if value.type.numeric else value.type
        return t.Choice(kind, condition, value, otherwise)

    def _all(self, action: Callable[[T], U], parts: Iterable[T]) -> tuple[U, ...]:
        """Do something with all parts, even if one has a problem already."""
        found: list[U] = []
        failed = False
        for part in parts:
            try:
                found.append(action(part))
            except UntypedError:
                failed = True
        if failed:
            raise UntypedError
        return tuple(found)

    # -- helpers --------------------------------------------------------------------------------------

    def _fitting(self, node: s.Expression, wanted: Type, bits: int = 64) -> t.Typed:
        """Type what must be of a type, and a number of so many bits."""
        typed = self.value(node)
        if wanted.numeric and typed.type.numeric:
            self._narrow(typed, bits, node)
        elif not wanted.same(typed.type):
            hint = ""
            if wanted.kind == "bool" and typed.type.numeric:
                hint = _BOOL_HINTS.get(literal(typed), f"compare it, as in `{self._part(node)} != 0`")
            message = f"{_wanted(wanted)} is needed here, and this is {_kind(typed)}"
            raise self._fail("type", message, node, hint)
        return typed

    def _narrow(self, typed: t.Typed, bits: int, node: s.Expression) -> None:
        """Refuse a value that loses bits where it goes."""
        largest, exact = most(typed), literal(typed)
        if largest is None or largest < 1 << bits:
            return
        if exact is not None:
            message = f"{self._text_of(node)} doesn't fit into {_bits(bits)}"
            raise self._fail("value-range", message, node, f"the most is {(1 << bits) - 1:#x}")
        message = f"this can have {largest.bit_length()} bits, and there is room for {bits}"
        hint = f"say what is kept: `{self._part(node)} & {(1 << bits) - 1:#x}`"
        raise self._fail("width", message, node, hint)

    def _type(self, word: m.Word) -> Type:
        found = types.read_type(word.text)
        if found is None or found is VOID:
            raise UntypedError  # reported where it is declared
        return found

    def _raw(self, node: s.Expression) -> str:
        return self._formula.scalar.text[node.start : node.end]

    def _part(self, node: s.Expression) -> str:
        """Return an expression as a part of a larger one."""
        raw = self._raw(node)
        return raw if isinstance(node, s.Name | s.Member | s.Index | s.Call) else f"({raw})"

    def _text_of(self, node: s.Expression) -> str:
        return quote(self._raw(node))

    def _unknown(
        self, message: str, name: str, node: s.Expression, known: Iterable[str], *hints: str
    ) -> UntypedError:
        return self._fail("unknown-name", message, node, *suggestions(name, known), *hints)

    def _fail(
        self,
        code: str,
        message: str,
        node: s.Expression | s.Returns,
        *hints: str,
        related: tuple[tuple[Span, str], ...] = (),
    ) -> UntypedError:
        span = self._formula.scalar.span_of(node.start, node.end)
        self._problems.report(code, message, span, *hints, related=related)
        return UntypedError()


# Outside of commands, and in the call that gets it.
_ABSENT = {
    True: ("isn't kept", "with `hold: call` only commands have it: put this into one"),
    False: ("isn't there yet: this call gets it", "pass `device`, or `parent` for a virtual function"),
}
_UNREACHED = {
    "early": "before the device is opened",
    "reset": "around a reset",
    "event": "at an event",
}
_UNREACHED_HINT = {
    "early": "the driver maps the BARs when the device is opened: do this in `lifecycle: open`",
    "reset": "the core resets the device under the lock that an access needs: do this in `migration: reset`",
    "event": "an event may come while nobody has the device open: keep in the context what it means",
}
_STREAM_PLACES = {
    "loaded": "is known only while data is loaded",
    "capacity": "is known only in the stream's save and load",
    "data": "is known only while data is passed through",
    "count": "is known only while data is passed through",
    "offset": "is known only in an access to a range of a region",
    "bar-number": "is known only in `bar-access`",
    "pages": "is known only in what saves and loads a record",
    "follows": "is known only in what saves a record",
    "running": "is known only in what saves a record",
}
_STREAM_HINTS = {
    "loaded": "the stream's `load` is the place for it",
    "capacity": "write what `capacity` of the stream says",
    "data": "the stream's `pass-through` is the place for it",
    "count": "the stream's `pass-through` is the place for it",
    "offset": "the commands of `ranges` are the place for it",
    "bar-number": "a range of a region belongs to one BAR",
    "pages": "`save` and `load` of a record are the place for it",
    "follows": "`room` and `save` of a record are the place for it",
    "running": "`room` and `save` of a record are the place for it",
}
# Each takes the node that it stands beside.
_HANDLERS: dict[type[s.Expression], Callable[[Inference, Any], t.Typed]] = {
    s.Number: Inference._number,
    s.Text: Inference._text,
    s.Name: Inference._name,
    s.Member: Inference._member,
    s.Index: Inference._index,
    s.Call: Inference._call,
    s.Unary: Inference._unary,
    s.Binary: Inference._binary,
    s.Membership: Inference._membership,
    s.Conditional: Inference._conditional,
}


# What people call what has another name here.
_MEANT = {
    **dict.fromkeys(["on", "yes", "enable", "enabled", "set"], "write `true`"),
    **dict.fromkeys(["off", "no", "disable", "disabled", "clear"], "write `false`"),
    **dict.fromkeys(["nothing", "noop", "nop"], "where nothing is to be done, the steps are `none`"),
    **dict.fromkeys(["pdev", "pci-dev"], "the PCI device is `device`, and its physical function `parent`"),
}
_ACCESSOR = re.compile(r"(io)?(read|write)([bwlq]|8|16|32|64)")
# By the number that stands where true or false is needed.
_BOOL_HINTS: dict[int | None, str] = {0: "write `false`", 1: "write `true`"}


def _pointer_path(function: s.Expression) -> list[str]:
    """Return the name of a function, or of an object of the kernel and its member that points to one."""
    if isinstance(function, s.Member) and isinstance(function.base, s.Name):
        return [function.base.name, function.name]
    return [function.name] if isinstance(function, s.Name) else []


def _called(command: m.Command) -> set[str]:
    """Return the functions of the kernel that a command calls."""
    trees = (body.call.tree for body in command.bodies if body.call)
    calls = (tree.call.function for tree in trees if isinstance(tree, s.KernelCall))
    return {function.name for function in calls if isinstance(function, s.Name)}


def field_of(kind: Type, base: t.Typed, name: str) -> t.Field:
    """Return a field of a kernel structure; one in a byte order of its own is a plain number to the spec."""
    if kind.kind == "ordered":
        return t.Field(types.integer(kind.bits), base, name, kind.name)
    return t.Field(kind, base, name)


def _outcome(result: int | None) -> str:
    if result is None:
        return "has no result"
    return "is negative" if result < 0 else "doesn't fit into 64 bits"


def _kind(typed: t.Typed) -> str:
    """Return what an expression is, as a message says it."""
    if isinstance(typed, t.Literal):
        return "a number"
    names = {"constant": "a constant", "bool": "true or false", "text": "a text"}
    return names.get(typed.type.kind, quote(typed.type.name))


def _wanted(wanted: Type) -> str:
    names = {"bool": "true or false", "int": "a number", "constant": "a number"}
    return names.get(wanted.kind, quote(wanted.name))


def _bits(bits: int) -> str:
    return f"{bits} bits" if bits > 1 else "one bit"


def _room(place: t.Typed) -> int:
    """Return how many bits a place has."""
    if isinstance(place, t.ReadBits):
        return place.bits.high - place.bits.low + 1
    return place.type.bits


def _register_of(typed: t.Read | t.ReadBits) -> m.Register:
    return typed.read.register if isinstance(typed, t.ReadBits) else typed.register


def _is_own(typed: t.Typed) -> bool:
    """Tell whether it is a field of a structure in the context."""
    while isinstance(typed, t.Field) and typed.base.type.kind == "struct":
        typed = typed.base
        if isinstance(typed, t.Kept):
            return True
    return False


def _last(node: s.Member) -> s.Expression:
    return s.Expression(node.name_start, node.end)


def _counted(name: str, wanted: int, given: int) -> str:
    takes = {0: "no arguments", 1: "1 argument"}.get(wanted, f"{wanted} arguments")
    return f"{quote(name)} takes {takes}, and gets {given or 'none'} here"


def _signature(command: m.Command) -> str:
    params = ", ".join(f"{p.name}: {p.type}" for p in command.params)
    name = command.name.text
    return f"it is declared as `{name}({params})`" if params else f"write {quote(name)} alone"
