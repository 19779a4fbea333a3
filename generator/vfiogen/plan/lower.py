# SPDX-License-Identifier: GPL-2.0-only
"""Typed expressions and steps to statements of C.

A `Body` writes one C function. What an expression needs first (a command that is run, an addition that may
overflow) becomes statements in front of it; what remains is printed with the parentheses that C needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from msgspec import Struct, field

from vfiogen.c import layout as c
from vfiogen.c.names import c_name, reserved_reason
from vfiogen.c.text import c_string
from vfiogen.check.texts import every_step
from vfiogen.kernel.target import Kernel
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis
from vfiogen.model.bounds import literal, most
from vfiogen.model.scope import Scope
from vfiogen.model.typed import walk
from vfiogen.model.types import IOMEM, VOID, Type, integer, read_type
from vfiogen.model.walk import formulas
from vfiogen.model.walk import names as names_in
from vfiogen.plan.names import Names
from vfiogen.records import Value, astuple, replace

# C's operators, by how tightly they bind.
PRECEDENCE = {
    "or": 1, "and": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, "<=": 7, ">": 7, ">=": 7,
    "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip
SPELLING = {"or": "||", "and": "&&"}
CHECKED = {"+": "add", "-": "sub", "*": "mul"}
NAMED = {"+": "sum", "-": "difference", "*": "product"}
TIGHT = 12
UNARY = 11
TERNARY = 0
# Names of variables that functions have beside those that are made up for values.
VARIABLES = frozenset(
    [
        "area",
        "cmd",
        "comp",
        "completion",
        "envelope",
        "request",
        "core_vdev",
        "expected",
        "i",
        "length",
        "loaded",
        "migf",
        "pdev",
        "ret",
        "state",
        "timeout",
    ]
)
MAX_INT_CONSTANT = 0xFFFFFFFF
# The kernel's functions for registers of a width.
READS = {8: "readb", 16: "readw", 32: "readl", 64: "readq"}
WRITES = {8: "writeb", 16: "writew", 32: "writel", 64: "writeq"}
# Who waits longer than this for a device can be killed meanwhile; in microseconds.
KILLABLE_FROM = 10_000_000


class Lowering(Value):
    """What is the same for all functions of a driver."""

    spec: m.Spec
    names: Names
    analysis: Analysis
    kernel: Kernel | None = None

    def has(self, feature: str) -> bool:
        """Tell whether the kernel that this is for has a feature."""
        return self.kernel is not None and self.kernel.has(feature)

    @property
    def scope(self) -> Scope:
        """The scope outside of commands."""
        return Scope(self.spec)

    def is_inline(self, command: m.Command) -> bool:
        """Tell whether a command is nothing but a call, so that it needs no function of its own."""
        body = command.bodies[0]
        if body.call is None or command.results or self._looked_up(command) or self._is_apart(command):
            return False
        if self.analysis.reach.uses_area(command):
            return False
        call = self.analysis.call(body.call, self.scope.within(command))
        return (
            call is not None
            and not call.pointer
            and not any(is_dynamic(argument) for argument in call.arguments)
        )

    def _is_apart(self, command: m.Command) -> bool:
        """Tell whether the call stands in another file than what runs it: a step that is under a symbol."""
        return command.config is not None and any(
            step.config and step.formula and command.name.text in names_in([step.formula])
            for step in every_step(self.spec)
        )

    def _looked_up(self, command: m.Command) -> bool:
        """Tell whether a command has to see to the handle itself."""
        provider = self.spec.provider
        return provider is not None and provider.is_seen_to and self.uses_handle(command)

    @property
    def holds_per_call(self) -> bool:
        """Whether the parent is looked up around each command."""
        return self.spec.provider is not None and self.spec.provider.hold == "call"

    def uses_handle(self, command: m.Command) -> bool:
        """Tell whether the command itself needs the parent's handle."""
        return self.mentions_handle(command.bodies[0])

    @property
    def is_core(self) -> bool:
        """Whether it is a part of vfio-pci-core, whose functions pass the parent's handle on."""
        return self.spec.driver.core_object is not None

    def reaches_handle(self, part: object) -> bool:
        """Tell whether a part of the spec needs the parent's handle, itself or through commands."""
        provider = self.spec.provider
        return provider is not None and any(
            provider.handle.text in self.analysis.reach.reached(formula) for formula in formulas(part)
        )

    def mentions_handle(self, part: m.Body | m.Channel) -> bool:
        """Tell whether an expression in a part of the spec has the parent's handle."""
        provider = self.spec.provider
        return provider is not None and provider.handle.text in names_in(formulas(part))


class Body(Struct):
    """One C function while it is written.

    `read` prints the read of a register, which `settled` says is a variable; `device` is the expression of
    the driver's structure, `core` that of the PCI device where no variable can be declared; `unwinding` holds
    what undoes the steps so far, latest last, and `giving` what is done at every end; a `silent` function
    returns nothing, not even an error; `lost` is the call for a device whose steps can't be undone; `ran` is
    the variable that has what a command returned. `substitutes` are the arguments of a command that is
    written in place, and `operators` what joins them.
    """

    lowering: Lowering
    scope: Scope
    device: str
    declarations: dict[str, c.Declaration] = field(default_factory=dict)
    statements: list[c.Stmt] = field(default_factory=list)
    substitutes: dict[str, tuple[str, int]] = field(default_factory=dict)
    operators: dict[str, str] = field(default_factory=dict)
    unwinding: list[tuple[str, tuple[c.Stmt, ...]]] = field(default_factory=list)
    fails: bool = False
    read: Callable[[Body, t.Read], str] | None = None
    settled: bool = False
    core: str = ""
    pdev_source: str = ""
    silent: bool = False
    texts: list[str] = field(default_factory=list)
    polled: dict[m.Register, str] = field(default_factory=dict)
    lost: str = ""
    giving: tuple[c.Stmt, ...] = ()
    ran: str = ""
    properties: dict[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[list[c.Declaration], list[c.Stmt]]:
        """What is between the braces, as view.function() takes it."""
        return list(self.declarations.values()), self.statements

    @property
    def names(self) -> Names:
        """The driver's C names."""
        return self.lowering.names

    # -- statements ---------------------------------------------------------------------------

    def add(self, *statements: c.Stmt) -> None:
        """Append statements."""
        self.statements.extend(statements)

    def local(self, type_name: str, name: str, init: str | None = None) -> str:
        """Declare a local variable, once."""
        self.declarations.setdefault(name, c.Declaration(type_name, name, init))
        return name

    def fresh(self, type_name: str, name: str) -> str:
        """Declare a local variable that is no other's, and return its name."""
        taken = VARIABLES | {
            self.device,
            *self.declarations,
            *(c_name(p.name.text) for p, _ in self.scope.locals),
        }
        free = (one for one in _variants(name) if one not in taken and not reserved_reason(one))
        return self.local(type_name, next(free))

    def array(self, type_name: str, name: str, init: str) -> str:
        """Declare an array that is no other's, and return its name."""
        array = next(one for one in _variants(name) if f"{one}[]" not in self.declarations)
        self.local(type_name, f"{array}[]", init)
        return array

    def ret(self) -> str:
        """Return the variable that holds an error."""
        return self.local("int", "ret")

    def leave(self, error: str = "ret") -> tuple[c.Stmt, ...]:
        """Return the statements that leave the function with an error."""
        self.fails = True
        if not self.unwinding:
            return (c.Return(None if self.silent else error),)
        set_error = () if error == "ret" else (c.Expr(f"{self.ret()} = {error}"),)
        return (*set_error, c.Goto(self.unwinding[-1][0]))

    def attempt(self, call: str) -> None:
        """Append a call that returns 0 or an error, and leave on an error."""
        self.add(c.Expr(f"{self.ret()} = {call}"), c.If("ret", self.leave()), c.Blank())

    def finish(self, *last: c.Stmt) -> None:
        """Append the end of a function: `return 0` unless told otherwise, and what gotos lead to."""
        targets = {statement.label for statement in nested(self.statements) if isinstance(statement, c.Goto)}
        used = [at for at, (label, _) in enumerate(self.unwinding) if label in targets]
        if not last and not used:
            last = self._last_call()
        self.add(*(last or (c.Return("0"),)))
        if not used:
            return
        for label, undo in reversed(self.unwinding[: used[-1] + 1]):
            self.add(*((c.Label(label),) if label in targets else ()), *undo)
        self.add(c.Return("ret"))

    def _last_call(self) -> tuple[c.Stmt, ...]:
        """Turn `ret = f(); if (ret) return ret; return 0;` into `return f();`."""
        match [s for s in self.statements if not isinstance(s, c.Blank)][-2:]:
            case [c.Expr(text), c.If("ret", (c.Return("ret"),), ())] if text.startswith("ret = "):
                while not isinstance(self.statements.pop(), c.Expr):
                    pass
                if not any("ret" in str(s).split() or "'ret'" in str(s) for s in self.statements):
                    self.declarations.pop("ret", None)
                return (c.Return(text.removeprefix("ret = ")),)
        return ()

    def pdev(self) -> str:
        """Return a local variable for the PCI device."""
        if self.core:
            return self.core
        if self.lowering.is_core:
            return f"{self.device}->pdev"
        source = self.pdev_source or f"{self.device}->core_device.pdev"
        return self.local("struct pci_dev *", "pdev", source)

    def expect_usable(self) -> None:
        """Append the test whether the parent's handle still leads to it, if it may not."""
        provider = self.lowering.spec.provider
        usable = self.lowering.analysis.condition(provider.usable if provider else None, self.scope)
        if usable is not None and provider is not None:
            error = provider.error.text if provider.error else "ENODEV"
            self.add(c.If(self.negated(usable), self.leave(f"-{error}")), c.Blank())

    def look_up_parent(self) -> tuple[c.Stmt, ...]:
        """Append the call that gets the parent's handle, and return what gives it back."""
        provider = self.lowering.spec.provider
        assert provider is not None
        analysis, scope = self.lowering.analysis, self.lowering.scope
        call = analysis.call(provider.get, scope)
        if call is not None:
            handle = self.local(call.type.c, c_name(provider.handle.text))
            self.checked_call(call, handle)
        given = analysis.call(provider.put, scope)
        if given is None:
            return ()
        put = self.giving = (c.Expr(self.kernel_call(given)),)
        self.unwinding.append(("err_put", put))
        return put

    # -- steps ----------------------------------------------------------------------------------

    def step(self, step: m.Step) -> None:
        """Append one step and remember its undo."""
        if step.when or step.config:
            self._step_if(step)
            return
        if step.note:
            self.add(c.Comment(step.note.text))
        {
            "do": self._do,
            "set": self._set,
            "write": self._write,
            "poll": self._poll,
            "check": self._check,
            "wait": self._wait,
            "finish": self._finish_early,
            "repeat": self._repeat,
        }[step.verb](step)
        if step.undo:
            self._remember(step)

    def steps(self, steps: Iterable[m.Step]) -> None:
        """Append steps."""
        for step in steps:
            self.step(step)

    def _step_if(self, step: m.Step) -> None:
        condition = self.lowering.analysis.condition(step.when, self.scope)
        if condition is None and step.when:
            return
        said = [is_enabled(step.config.text)] if step.config else []
        said += [self.value(condition, PRECEDENCE["and"] if said else 0)] if condition else []
        text = " && ".join(said)
        outer, self.statements = self.statements, []
        self.step(replace(step, when=None, config=None))
        inner, self.statements = tuple(self.statements), outer
        self.add(c.If(text, inner), c.Blank())
        if step.when and step.undo:
            label, undo = self.unwinding.pop()
            self.unwinding.append((label, (c.If(text, undo),)))

    def take_back(self, step: m.Step) -> None:
        """Append the undo of a step, if that was done."""
        condition = self.lowering.analysis.condition(step.when, self.scope)
        if condition is None or not step.undo:
            self.undo(step.undo)
        else:
            text = self.value(condition)
            self.add(c.If(text, self.apart(lambda: self.undo(step.undo))))

    def _remember(self, step: m.Step) -> None:
        inner = Body(self.lowering, self.scope, self.device, dict(self.declarations))
        inner.pdev_source = self.pdev_source
        inner.lost = "" if step.ignore_error else self.lost
        inner.undo(step.undo)
        self.declarations |= inner.declarations
        label = f"err_{_step_label(step)}"
        if any(label == known for known, _ in self.unwinding):
            label = f"{label}{len(self.unwinding)}"
        self.unwinding.append((label, tuple(inner.statements)))

    def undo(self, steps: Iterable[m.Step]) -> None:
        """Append steps whose errors nobody can handle any more."""
        for step in steps:
            undone = c.Expr(f"fsleep({step.wait})") if step.verb == "wait" else self._undo_one(step)
            self.add(c.If(is_enabled(step.config.text), (undone,)) if step.config else undone)

    def _undo_one(self, step: m.Step) -> c.Stmt:
        analysis = self.lowering.analysis
        if step.verb == "do":
            run = analysis.action(step.formula, self.scope)
            if run is not None and self.lost and can_fail(run.command):
                return c.If(self.invocation(run), (c.Expr(self.lost),))
            return c.Expr(self.invocation(run)) if run else c.Blank()
        assign = analysis.assignment(step.formula, self.scope)
        if assign is None:
            return c.Blank()
        if step.verb == "write":
            return c.Expr(self._writing(assign))
        if isinstance(assign.value, t.Run) and assign.value.command.results:
            return c.Expr(self.invocation(assign.value, _address(self._place(assign.place))))
        return c.Expr(f"{self._place(assign.place)} = {self.value(assign.value)}")

    def _do(self, step: m.Step) -> None:
        run = self.lowering.analysis.action(step.formula, self.scope)
        if run is None:
            return
        if step.retry:
            self._retry(step, run)
        elif step.ignore_error:
            self.add(
                c.Comment(f"An error is ignored: {step.ignore_error.text}"),
                c.Expr(self.invocation(run)),
            )
        elif step.error and can_fail(run.command):
            self.add(c.If(self.invocation(run), self.leave(f"-{step.error}")), c.Blank())
        else:
            self.run(run)

    def run(self, run: t.Run, *results: str) -> None:
        """Append the call of a command, and leave if it fails, which not every command can."""
        call = self.invocation(run, *results)
        if can_fail(run.command):
            self.attempt(call)
        else:
            self.add(c.Expr(call))

    def _retry(self, step: m.Step, run: t.Run) -> None:
        """Poll the command itself: read_poll_timeout() takes any function with its arguments."""
        function, _, rest = self.invocation(run).partition("(")
        arguments = rest.removesuffix(")")
        every, limit = step.every or 1000, step.limit or 0
        condition = f"ret != -{step.retry}"
        ret = self.ret()
        timeout = self.local("int", "timeout")
        behind = f", {arguments}" if arguments else ""
        call = f"read_poll_timeout({function}, {ret}, {condition}, {every}, {limit}, false{behind})"
        self.add(
            c.Expr(f"{timeout} = {call}"),
            c.If(timeout, self.leave(timeout)),
            c.If(ret, self.leave()),
            c.Blank(),
        )

    def _set(self, step: m.Step) -> None:
        assign = self.lowering.analysis.assignment(step.formula, self.scope)
        if assign is None:
            return
        place = self._place(assign.place)
        if isinstance(assign.value, t.Run) and _is_direct(assign):
            self.run(assign.value, _address(place))
        else:
            self.add(c.Expr(f"{place} = {self.value(assign.value)}"))

    def _place(self, place: t.Typed) -> str:
        if isinstance(place, t.Local):
            return f"*{c_name(place.name)}"
        return self.value(place)

    def _write(self, step: m.Step) -> None:
        assign = self.lowering.analysis.assignment(step.formula, self.scope)
        if assign is None:
            return
        if not written(assign).block.is_plain:
            self.attempt(self._writing(assign))
        else:
            self.add(c.Expr(self._writing(assign)))

    def _writing(self, assign: t.Assign) -> str:
        """Return the call that writes a register."""
        place, read = assign.place, written(assign)
        value = self._bits_value(place, assign) if isinstance(place, t.ReadBits) else self.value(assign.value)
        if read.block.is_plain:
            return f"{WRITES[read.register.width]}({value}, {self.address(read)})"
        return f"{self.accessor('write', read)}({self.device}, {value}, {self.address(read)})"

    def _bits_value(self, place: t.ReadBits, assign: t.Assign) -> str:
        """Return a register's new value: the other bits stay, where the register can be read."""
        macro = self.names.bits(place.read.block, place.read.register, place.bits)
        value = self._field_value(place, macro, assign)
        if place.read.register.access != "rw":
            return value or "0"
        before = self.value(place.read)
        if value == macro:
            return f"{before} | {macro}"
        return f"({before} & ~{macro}) | {value}" if value else f"{before} & ~{macro}"

    def _field_value(self, place: t.ReadBits, macro: str, assign: t.Assign) -> str:
        value = self.value(assign.value, TERNARY + 1)
        if place.bits.low != place.bits.high:
            return f"FIELD_PREP({macro}, {value})"
        if value in ("0", "false"):
            return ""
        return macro if value in ("1", "true") else f"({value} ? {macro} : 0)"

    def _poll(self, step: m.Step) -> None:
        typed = self.lowering.analysis.condition(step.formula, self.scope)
        if typed is None:
            return
        killable = max(step.limit or 0, *step.limits, 0) >= KILLABLE_FROM
        call = self.poll_call(typed, step.every or 0, self._limit(step), killable and not step.into)
        place = self.lowering.analysis.place(step.into, self.scope)
        if place is not None:
            self.add(c.Expr(f"{self._place(place)} = !{call}"))
        elif killable:
            self._killable_poll(call, step)
        elif step.error:
            self.add(c.If(call, self.leave(f"-{step.error}")), c.Blank())
        else:
            self.attempt(call)

    def _killable_poll(self, call: str, step: m.Step) -> None:
        """Append a poll that is so long that a person may want to end it."""
        error = f"-{step.error}" if step.error else "ret"
        self.add(
            *(() if step.error else (c.Expr(f"{self.ret()} = {call}"),)),
            c.If(call if step.error else "ret", self.leave(error)),
            c.If("fatal_signal_pending(current)", self.leave("-EINTR")),
            c.Blank(),
        )

    def _limit(self, step: m.Step) -> str:
        """Return how long a poll goes on, in microseconds: a number, or what the device chooses."""
        by = self.lowering.analysis.number(step.by, self.scope)
        if by is None or not step.limits:
            return str(step.limit or 0)
        limits = ", ".join(str(limit) for limit in step.limits)
        array = self.array("static const u32", "limits", f"{{ {limits} }}")
        chosen = self.fresh("u32", "limit")
        self.add(c.Expr(f"{chosen} = min_t(u32, {self.value(by)}, ARRAY_SIZE({array}) - 1)"))
        return f"{array}[{chosen}]"

    def poll_call(self, typed: t.Typed, every: int, limit: str, killable: bool = False) -> str:
        """Return the call that polls a register or a command; it returns 0 or -ETIMEDOUT."""
        runs = [node for node in walk(typed) if isinstance(node, t.Run)]
        if runs:
            return self._poll_command(typed, runs[0], f"{every}, {limit}, false", killable)
        reads = [node for node in walk(typed) if isinstance(node, t.Read)]
        read = reads[0]
        if read.register not in self.polled:
            self.polled[read.register] = self.fresh(read.type.c, c_name(read.register.name.text))
        name = self.polled[read.register]
        inner = Body(self.lowering, self.scope, self.device, read=lambda _body, _read: name, settled=True)
        inner.substitutes, inner.operators = self.substitutes, self.operators
        condition = inner.value(typed)
        if killable:
            condition = f"{inner.value(typed, PRECEDENCE['or'] + 1)} || fatal_signal_pending(current)"
        self.declarations |= inner.declarations
        sleep = f"{every}, {limit}"
        if read.block.is_plain:
            access = f"{READS[read.register.width]}_poll_timeout"
            return f"{access}({self.address(read)}, {name}, {condition}, {sleep})"
        access = self.accessor("read", read)
        arguments = f"{sleep}, false, {self._accessed(read)}, {self.address(read)}"
        return f"read_poll_timeout({access}, {name}, {condition}, {arguments})"

    def _poll_command(self, typed: t.Typed, run: t.Run, bounds: str, killable: bool) -> str:
        function, _, rest = self.invocation(run).partition("(")
        arguments = rest.removesuffix(")")
        name = self.fresh(run.type.c, c_name(run.command.name.text))
        inner = Body(self.lowering, self.scope, self.device, settled=True)
        inner.ran = name
        behind = f", {arguments}" if arguments else ""
        condition = inner.value(typed, PRECEDENCE["or"] + 1 if killable else 0)
        condition += " || fatal_signal_pending(current)" if killable else ""
        return f"read_poll_timeout({function}, {name}, {condition}, {bounds}{behind})"

    def _check(self, step: m.Step) -> None:
        typed = self.lowering.analysis.condition(step.formula, self.scope)
        if typed is not None:
            self.add(c.If(self.negated(typed), self.leave(f"-{step.error or 'EIO'}")), c.Blank())

    def _finish_early(self, step: m.Step) -> None:
        typed = self.lowering.analysis.condition(step.formula, self.scope)
        if typed is not None:
            self.add(c.If(self.value(typed), (*self.giving, c.Return("0"))), c.Blank())

    def _repeat(self, step: m.Step) -> None:
        assert step.counter is not None
        typed = self.lowering.analysis.number(step.formula, self.scope)
        if typed is None:
            return
        limit = self._once(typed)
        name = self.local("u32", c_name(step.counter.name.text))
        outer, self.scope = self.scope, self.scope.counting(step.counter)
        inner = self.apart(lambda: self.steps(step.steps))
        self.scope = outer
        self.add(c.For(f"for ({name} = 0; {name} < {limit}; {name}++)", inner), c.Blank())

    def apart(self, action: Callable[[], object]) -> tuple[c.Stmt, ...]:
        """Return the statements that something appends, without a blank line at their end."""
        outer, self.statements = self.statements, []
        action()
        inner, self.statements = self.statements, outer
        while inner and isinstance(inner[-1], c.Blank):
            inner.pop()
        return tuple(inner)

    def _wait(self, step: m.Step) -> None:
        self.add(c.Expr(f"fsleep({step.wait})"))

    # -- commands -------------------------------------------------------------------------------

    def invocation(self, run: t.Run, *results: str) -> str:
        """Return the C call that runs a command: its function, or the kernel's own if it is one call."""
        if self.lowering.is_inline(run.command):
            return self._inlined(run)[0]
        area = [self._area()] if self.lowering.analysis.reach.uses_area(run.command) else []
        area += self._passed_handle(run.command)
        device = [] if run.command.before_init else [self.device]
        arguments = [*device, *area, *(self.value(a) for a in run.arguments), *results]
        return f"{self.names.own(run.command.name.text)}({', '.join(arguments)})"

    def _passed_handle(self, command: m.Command) -> list[str]:
        provider = self.lowering.spec.provider
        passed = self.lowering.is_core and self.lowering.reaches_handle(command)
        return [self._handle_name(provider)] if provider and passed else []

    def _inlined(self, run: t.Run) -> tuple[str, t.KernelFunction]:
        scope = self.scope.within(run.command)
        formula = run.command.bodies[0].call
        call = self.lowering.analysis.call(formula, scope)
        assert call is not None
        given = list(names_in(formulas(formula)))
        values = list(zip(run.command.params, run.arguments, strict=True))
        found = {c_name(p.name.text): self._argument(a, given.count(p.name.text)) for p, a in values}
        operators = {c_name(p.name.text): self._operator(a) for p, a in values}
        outer, self.substitutes = self.substitutes, self.substitutes | found
        before, self.operators = self.operators, self.operators | operators
        text = self.kernel_call(call)
        self.substitutes, self.operators = outer, before
        return text, call

    def _operator(self, operand: t.Typed) -> str:
        """Return what joins the operand that is printed, which may have been given to a command."""
        if isinstance(operand, t.Local):
            return self.operators.get(c_name(operand.name), "")
        return operand.operator if isinstance(operand, t.Operation) else ""

    def _argument(self, value: t.Typed, times: int) -> tuple[str, int]:
        """Print an argument; one that a call has several times is asked for once."""
        if times > 1 and _asks(value):
            return self._stored(value), TIGHT
        return self._printed(value)

    def _stored(self, value: t.Typed) -> str:
        """Keep a value in a variable."""
        text = self.value(value)
        name = self.fresh(value.type.c, "value")
        self.add(c.Expr(f"{name} = {text}"))
        return name

    def kernel_call(self, call: t.KernelFunction) -> str:
        """Return a call of a kernel function."""
        values = (self.truth(a) if a.type.kind == "bool" else self.value(a) for a in call.arguments)
        return f"{call.function}({', '.join(values)})"

    def checked_call(self, call: t.KernelFunction, target: str | None) -> None:
        """Append a call, leave if it fails, and store what it returns in `target`."""
        self.checked_text(call, self.kernel_call(call), target)

    def checked_text(self, call: t.KernelFunction, text: str, target: str | None) -> None:
        """Append a call that is printed already, likewise; texts that were made for it go."""
        cleanup = tuple(c.Expr(f"kfree({name})") for name in self.texts)
        self.texts.clear()
        if call.failure is None:
            self.add(c.Expr(f"{target} = {text}" if target else text), *cleanup)
        elif call.type.kind == "pointer":
            self.add(c.Expr(f"{target} = {text}"), *cleanup)
            self._check_pointer(call, target or "")
        elif call.type is VOID:
            self.add(c.Expr(f"{self.ret()} = {text}"), *cleanup, c.If("ret", self.leave()), c.Blank())
        else:
            name = self._signed(call.type)
            self.add(c.Expr(f"{name} = {text}"), *cleanup, c.If(f"{name} < 0", self.leave(name)), c.Blank())
            self.add(c.Expr(f"{target} = {name}"))

    def _check_pointer(self, call: t.KernelFunction, target: str) -> None:
        if call.failure == "null":
            self.add(c.If(f"!{target}", self.leave("-ENODEV")), c.Blank())
        else:
            self.add(c.If(f"IS_ERR({target})", self.leave(f"PTR_ERR({target})")), c.Blank())

    def _signed(self, kind: Type) -> str:
        """Return the variable for what is a value or a negative error; an int holds no 64 bits."""
        if kind.bits <= 32:
            return self.ret()
        return self.fresh("ssize_t" if kind.name == "size" else "s64", "found")

    # -- registers ------------------------------------------------------------------------------

    def accessor(self, verb: str, read: t.Read) -> str:
        """Return the name of the function that reads or writes a register."""
        kind = "_config" if read.block.position else ""
        return f"{self.names.prefix}_{verb}{kind}{read.register.width}"

    def _accessed(self, read: t.Read) -> str:
        """Return the device as the function that reads a register takes it."""
        return self.pdev() if read.block.position else self.device

    def address(self, read: t.Read) -> str:
        """Return the address of a register."""
        macro = self.names.register(read.block, read.register)
        base = f"{self.device}->{self.names.window(read.block)} + {macro}"
        if read.index is None:
            return base
        return f"{base} + {self._bounded(read)} * {read.register.width // 8}"

    def _bounded(self, read: t.Read) -> str:
        """Print an index, and leave if it goes beyond the registers that there are."""
        assert read.index is not None
        if literal(read.index) is not None or self.settled:
            return self.value(read.index, PRECEDENCE["*"])
        index = self._stored(read.index) if _asks(read.index) else self.value(read.index, PRECEDENCE["*"])
        count = read.register.count.value if read.register.count else 1
        bound = most(read.index)
        if bound is None or bound >= count:
            self.add(c.If(f"{index} >= {count}", self.leave("-ERANGE")), c.Blank())
        return index

    # -- expressions ----------------------------------------------------------------------------

    def negated(self, typed: t.Typed) -> str:
        """Return the opposite of a condition, in the way that reads best."""
        return self._opposite(typed)[0]

    def _opposite(self, typed: t.Typed) -> tuple[str, int]:
        opposite = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
        if isinstance(typed, t.Prefix) and typed.operator == "not":
            return self._printed(typed.operand)
        if isinstance(typed, t.Found):
            return self._lacking(), UNARY
        if isinstance(typed, t.Property):
            return self._property(typed)[0].removeprefix("!"), TIGHT
        if isinstance(typed, t.Operation) and typed.operator == ">" and literal(typed.right) == 0:
            return self._printed(t.Operation(typed.type, "==", typed.left, typed.right))
        if isinstance(typed, t.Operation) and typed.operator in opposite:
            return self._printed(t.Operation(typed.type, opposite[typed.operator], typed.left, typed.right))
        return f"!{self.value(typed, UNARY)}", UNARY

    def value(self, typed: t.Typed, binding: int = 0) -> str:
        """Return the C expression of a tree, in parentheses if it binds less tightly than `binding`."""
        text, tightness = self._printed(typed)
        return f"({text})" if tightness < binding else text

    def truth(self, typed: t.Typed) -> str:
        """Print a condition as 0 or 1, to be compared or stored; masked bits may be any other number."""
        if isinstance(typed, t.ReadBits | t.Choice):
            return f"!!{self.value(typed, TIGHT)}"
        return self.value(typed, TIGHT)

    def _printed(self, typed: t.Typed) -> tuple[str, int]:
        """Return the C expression of a tree, and how tightly it binds."""
        return _PRINTERS[type(typed)](self, typed)

    def _apart(self, typed: t.Typed, binding: int) -> tuple[tuple[c.Stmt, ...], str]:
        """Return the C expression of a tree, and the statements that go before it."""
        outer, self.statements = self.statements, []
        text = self.value(typed, binding)
        inner, self.statements = tuple(self.statements), outer
        return inner, text

    def _literal(self, node: t.Literal) -> tuple[str, int]:
        digits = f"{node.value:#x}" if node.hexadecimal else str(node.value)
        return digits + ("ULL" if node.value > MAX_INT_CONSTANT else ""), TIGHT

    def _constant(self, node: t.Constant) -> tuple[str, int]:
        return node.name, TIGHT

    def _of_file(self, node: t.OfFile) -> tuple[str, int]:
        place = self.substitutes.get("file", ("migf->", TIGHT))[0]
        return f"{place}{c_name(node.name)}", TIGHT

    def _builtin(self, node: t.Builtin) -> tuple[str, int]:
        if node.name in self.substitutes:
            return self.substitutes[node.name]
        if node.name == "event":
            return "comp", TIGHT
        if node.name == "state":
            return f"{self.device}->mig_state", TIGHT
        if node.name == "kvm":
            return f"{self.device}->{'' if self.lowering.is_core else 'core_device.'}vdev.kvm", TIGHT
        if node.name == "msix-enabled":
            return f"{self.device}->core_device.irq_type == VFIO_PCI_MSIX_IRQ_INDEX", PRECEDENCE["=="]
        pdev = self.pdev()
        return {
            "device": pdev,
            "parent": f"pci_physfn({pdev})",
            "vf-id": f"pci_iov_vf_id({pdev})",
            "is-vf": f"{pdev}->is_virtfn",
            "domain": f"pci_domain_nr({pdev}->bus)",
            "pci-id": f"pci_dev_id({pdev})",
        }[node.name], TIGHT

    def _area(self) -> str:
        """Return the pointer to the area that commands work on."""
        return self.substitutes.get("area", ("area", TIGHT))[0]

    def _of_area(self, node: t.OfArea) -> tuple[str, int]:
        given = self._area()
        base = f"{given.removeprefix('&')}." if given.startswith("&") else f"{given}->"
        return f"{base}{c_name(node.name)}", TIGHT

    def _handle(self, node: t.Handle) -> tuple[str, int]:
        provider = self.lowering.spec.provider
        assert provider is not None
        return self._handle_name(provider), TIGHT

    def _handle_name(self, provider: m.Provider) -> str:
        name = c_name(provider.handle.text)
        if self.lowering.holds_per_call or self.lowering.is_core or name in self.declarations:
            return name
        return f"{self.device}->{name}"

    def _found(self, node: t.Found) -> tuple[str, int]:
        lacking = self._lacking()
        return (lacking.removeprefix("!"), TIGHT) if lacking.startswith("!") else (f"!{lacking}", UNARY)

    def _lacking(self) -> str:
        """Return the test whether the parent's handle isn't there."""
        provider = self.lowering.spec.provider
        assert provider is not None
        get = self.lowering.analysis.call(provider.get, self.scope)
        handle = self._handle_name(provider)
        return f"!{handle}" if get and get.failure == "null" else f"IS_ERR({handle})"

    def _located(self, node: t.Located) -> tuple[str, int]:
        return f"{self.device}->{c_name(node.block.name.text)}", TIGHT

    def _property(self, node: t.Property) -> tuple[str, int]:
        """Read a property; what `found()` has read isn't read again."""
        known = node.key in self.properties
        if not known:
            self.properties[node.key] = self.fresh("u64", c_name(re.sub(r"\W+", "-", node.key).lower()))
        name = self.properties[node.key]
        call = f"device_property_read_u64(&{self.pdev()}->dev, {c_string(node.key)}, &{name})"
        if node.type.kind == "bool":
            return f"!{call}", UNARY
        if not known:
            self.attempt(call)
        return name, TIGHT

    def _bar_size(self, node: t.BarSize) -> tuple[str, int]:
        return f"pci_resource_len({self.pdev()}, {node.bar})", TIGHT

    def _config(self, node: t.Config) -> tuple[str, int]:
        name = f"{self.names.prefix}_read_config{node.type.bits}"
        return f"{name}({self.pdev()}, {self.value(node.offset)})", TIGHT

    def _lookup(self, node: t.Lookup) -> tuple[str, int]:
        arguments = ", ".join([self.pdev(), *(self.value(argument) for argument in node.arguments)])
        return f"{node.function}({arguments})", TIGHT

    def _aligned(self, node: t.Aligned) -> tuple[str, int]:
        return f"{node.macro}({self.value(node.value)}, {self.value(node.step)})", TIGHT

    def _field(self, node: t.Field) -> tuple[str, int]:
        sign = "->" if node.base.type.kind == "pointer" else "."
        text = f"{self.value(node.base, TIGHT)}{sign}{node.name}"
        if node.changes:
            text = f"READ_ONCE({text})"
        return from_order(node.order, text), TIGHT

    def _kept(self, node: t.Kept) -> tuple[str, int]:
        return f"{self.device}->{c_name(node.name)}", TIGHT

    def _setting(self, node: t.Setting) -> tuple[str, int]:
        return c_name(node.name), TIGHT

    def _local(self, node: t.Local) -> tuple[str, int]:
        name = c_name(node.name)
        if name in self.substitutes:
            return self.substitutes[name]
        return (f"*{name}", UNARY) if node.result else (name, TIGHT)

    def _read(self, node: t.Read) -> tuple[str, int]:
        if self.read is not None:
            return self.read(self, node), TIGHT
        if node.block.is_plain:
            return f"{READS[node.register.width]}({self.address(node)})", TIGHT
        if node.block.memory:
            width = node.register.width
            order = f"get_unaligned_le{width}" if width > 8 else "*(u8 *)"
            return f"{order}({self.address(node)})", TIGHT
        return f"{self.accessor('read', node)}({self._accessed(node)}, {self.address(node)})", TIGHT

    def _arrived(self, node: t.Arrived) -> tuple[str, int]:
        order = byte_order(node.layout, node.field)
        index = "" if node.index is None else f"[{node.index}]"
        text = f"{self.substitutes['image'][0]}{c_name(node.field.name.text)}{index}"
        return from_order(order, text), TIGHT

    def _of_id(self, node: t.OfId) -> tuple[str, int]:
        text = f"{self.names.prefix}_id({self.pdev()})->{c_name(node.name)}"
        return f"{text}()" if node.called else text, TIGHT

    def _window(self, node: t.Window) -> tuple[str, int]:
        return f"{self.device}->{self.names.window(node.block)}", TIGHT

    def _bar(self, node: t.Bar) -> tuple[str, int]:
        return f"{self.device}->{self.names.bar(node.number)}", TIGHT

    def _read_bits(self, node: t.ReadBits) -> tuple[str, int]:
        macro = self.names.bits(node.read.block, node.read.register, node.bits)
        if node.bits.low == node.bits.high:
            return f"{self.value(node.read, PRECEDENCE['&'])} & {macro}", PRECEDENCE["&"]
        return f"FIELD_GET({macro}, {self.value(node.read)})", TIGHT

    def _run(self, node: t.Run) -> tuple[str, int]:
        if self.ran:
            return self.ran, TIGHT
        results = node.command.results
        if not results and can_fail(node.command):
            return self._called(node), TIGHT
        if not results:
            return self.invocation(node), TIGHT
        names = [self.fresh(c_type(result), c_name(result.name.text)) for result in results]
        self.run(node, *(f"&{name}" for name in names))
        return names[node.chosen], TIGHT

    def _called(self, node: t.Run) -> str:
        """Call a function of the kernel that returns a value or an error, and return the value's variable."""
        text, call = self._inlined(node)
        pointer = call.type.kind == "pointer"
        name = self.fresh(call.type.c, c_name(node.command.name.text)) if pointer else ""
        if pointer:
            self.checked_text(call, text, name)
            return name
        kind = "ssize_t" if call.type.name == "size" else "int" if call.type.bits <= 32 else "s64"
        name = self.fresh(kind, c_name(node.command.name.text))
        self.add(c.Expr(f"{name} = {text}"), c.If(f"{name} < 0", self.leave(name)), c.Blank())
        return name

    def _extent(self, node: t.Extent) -> tuple[str, int]:
        structure = self.names.structure(node.structure)
        if node.field is None:
            return f"sizeof({structure})", TIGHT
        return f"offsetofend({structure}, {c_name(node.field)})", TIGHT

    def _size_of(self, node: t.SizeOf) -> tuple[str, int]:
        return f"sizeof({self.value(node.field) if node.field else node.structure})", TIGHT

    def _function(self, node: t.Function) -> tuple[str, int]:
        left, right = node.arguments
        if node.name == "join":
            low = self.value(right, self._operand_binding("|", right, PRECEDENCE["|"]))
            return f"(u64){self.value(left, UNARY)} << 32 | {low}", PRECEDENCE["|"]
        texts = f"{self.value(left)}, {self.value(right)}"
        if left.type.c == right.type.c and "constant" not in (left.type.kind, right.type.kind):
            return f"{node.name}({texts})", TIGHT
        return f"{node.name}_t({node.type.c}, {texts})", TIGHT

    def _prefix(self, node: t.Prefix) -> tuple[str, int]:
        if node.operator == "not":
            return self._opposite(node.operand)
        if node.operator == "~" and node.type.kind == "int" and node.type.bits < 32:
            # C would complement an int.
            return f"({node.type.c})~{self.value(node.operand, UNARY)}", UNARY
        if node.operator in ("ref", "out") and isinstance(node.operand, t.Local) and node.operand.result:
            return c_name(node.operand.name), TIGHT
        sign = {"~": "~", "ref": "&", "out": "&"}[node.operator]
        operand = node.operand
        if sign == "&" and isinstance(operand, t.Field):
            operand = replace(operand, changes=False)
        return f"{sign}{self.value(operand, UNARY)}", UNARY

    def _operation(self, node: t.Operation) -> tuple[str, int]:
        if node.type is IOMEM:
            return f"{self.value(node.left)} + {self.value(node.right)}", PRECEDENCE["+"]
        if node.operator in CHECKED and _may_overflow(node):
            return self._checked(node), TIGHT
        tightness = PRECEDENCE[node.operator]
        if node.operator in SPELLING:
            return self._logic(node, tightness)
        if node.left.type.kind == "bool":
            return f"{self.truth(node.left)} {node.operator} {self.truth(node.right)}", tightness
        if node.operator == "<<" and literal(node.left) == 1 and literal(node) is None:
            return f"BIT_ULL({self.value(node.right)})", TIGHT
        left = self._left(node, tightness)
        right = self.value(node.right, self._operand_binding(node.operator, node.right, tightness + 1))
        return f"{left} {SPELLING.get(node.operator, node.operator)} {right}", tightness

    def _left(self, node: t.Operation, tightness: int) -> str:
        """Print the left operand. What is shifted to the left is unsigned and as wide as the result."""
        narrow = node.left.type.kind == "int" and node.left.type.bits < 32
        if node.operator == "<<" and (narrow or literal(node.left) is not None) and literal(node) is None:
            return f"({integer(32).c if narrow else 'u64'}){self.value(node.left, UNARY)}"
        return self.value(node.left, self._operand_binding(node.operator, node.left, tightness))

    def _logic(self, node: t.Operation, tightness: int) -> tuple[str, int]:
        """Print `and` and `or`. What the right side needs first is done only where C would come to it."""
        left = self.value(node.left, self._operand_binding(node.operator, node.left, tightness))
        binding = self._operand_binding(node.operator, node.right, tightness + 1)
        inner, right = self._apart(node.right, binding)
        if not inner:
            return f"{left} {SPELLING[node.operator]} {right}", tightness
        name = self.fresh("bool", "holds")
        condition = name if node.operator == "and" else f"!{name}"
        self.add(
            c.Expr(f"{name} = {left}"), c.If(condition, (*inner, c.Expr(f"{name} = {right}"))), c.Blank()
        )
        return name, TIGHT

    def _operand_binding(self, operator: str, operand: t.Typed, tightness: int) -> int:
        """Ask for the parentheses that gcc's -Wparentheses wants, beside those that C needs."""
        mixing = ("or", "|", "&", "^", "==", "!=", "<<", ">>")
        inner = self._operator(operand)
        if operator in mixing and inner not in ("", operator) and operator != "or":
            return TIGHT
        if operator == "or" and inner == "and":
            return TIGHT
        return tightness

    def _checked(self, node: t.Operation) -> str:
        left, right = (self._wide(operand) for operand in (node.left, node.right))
        name = self.fresh("u64" if node.type.kind == "constant" else node.type.c, NAMED[node.operator])
        arguments = f"{left}, {right}, &{name}"
        test = f"check_{CHECKED[node.operator]}_overflow({arguments})"
        self.add(c.If(test, self.leave("-EOVERFLOW")), c.Blank())
        return name

    def _wide(self, operand: t.Typed) -> str:
        """Print an operand of a checked calculation: of constants, C would take a signed int."""
        text = self.value(operand, UNARY if operand.type.kind == "constant" else TERNARY)
        plain = isinstance(operand, t.Literal) or operand.type.kind != "constant"
        return text if plain else f"(u64){text}"

    def _once(self, value: t.Typed) -> str:
        """Print a value that is used several times; a device is read only once."""
        if self.settled or not _asks(value):
            return self.value(value, PRECEDENCE["=="] + 1)
        return self._stored(value)

    def _one_of(self, node: t.OneOf) -> tuple[str, int]:
        compare, join = ("!=", " && ") if node.negated else ("==", " || ")
        value = self._once(node.value)
        tests = [f"{value} {compare} {self.value(item, PRECEDENCE['=='] + 1)}" for item in node.items]
        return join.join(tests), PRECEDENCE["and" if node.negated else "or"] if len(
            tests
        ) > 1 else PRECEDENCE["=="]

    def _choice(self, node: t.Choice) -> tuple[str, int]:
        condition = self.value(node.condition, 1)
        first, value = self._apart(node.value, 1)
        second, otherwise = self._apart(node.otherwise, TERNARY)
        if not first and not second:
            return f"{condition} ? {value} : {otherwise}", TERNARY
        name = self.fresh(node.type.c, "chosen")
        chosen = (*first, c.Expr(f"{name} = {value}")), (*second, c.Expr(f"{name} = {otherwise}"))
        self.add(c.If(condition, *chosen), c.Blank())
        return name, TIGHT

    def _format(self, node: t.Format) -> tuple[str, int]:
        """Return a text: a literal, or a variable that checked_call() frees."""
        if not is_dynamic(node):
            return c_string("".join(str(part) for part in node.parts)), TIGHT
        template = "".join(
            part.replace("%", "%%") if isinstance(part, str) else _conversion(part) for part in node.parts
        )
        values = [_passed(part, self.value(part, UNARY)) for part in node.parts if isinstance(part, t.Typed)]
        name = self.fresh("char *", "name")
        arguments = ", ".join(["GFP_KERNEL", c_string(template), *values])
        self.add(
            c.Expr(f"{name} = kasprintf({arguments})"),
            c.If(f"!{name}", (*(c.Expr(f"kfree({text})") for text in self.texts), *self.leave("-ENOMEM"))),
            c.Blank(),
        )
        self.texts.append(name)
        return name, TIGHT


_PRINTERS: dict[type[t.Typed], Callable[..., tuple[str, int]]] = {
    t.Literal: Body._literal,
    t.Constant: Body._constant,
    t.Builtin: Body._builtin,
    t.OfArea: Body._of_area,
    t.Handle: Body._handle,
    t.Found: Body._found,
    t.Located: Body._located,
    t.Property: Body._property,
    t.BarSize: Body._bar_size,
    t.Config: Body._config,
    t.Lookup: Body._lookup,
    t.Aligned: Body._aligned,
    t.Field: Body._field,
    t.Kept: Body._kept,
    t.Setting: Body._setting,
    t.Local: Body._local,
    t.Read: Body._read,
    t.ReadBits: Body._read_bits,
    t.Arrived: Body._arrived,
    t.OfFile: Body._of_file,
    t.OfId: Body._of_id,
    t.Window: Body._window,
    t.Bar: Body._bar,
    t.Run: Body._run,
    t.Extent: Body._extent,
    t.SizeOf: Body._size_of,
    t.Function: Body._function,
    t.Prefix: Body._prefix,
    t.Operation: Body._operation,
    t.OneOf: Body._one_of,
    t.Choice: Body._choice,
    t.Format: Body._format,
}


def is_enabled(symbol: str) -> str:
    """Return the condition that a symbol is on."""
    return f"IS_ENABLED(CONFIG_{symbol})"


def byte_order(layout: m.Layout, field: m.LayoutField) -> str:
    """Return the infix of a field's byte order as in cpu_to_le32(), or nothing for a byte."""
    return "" if field.bits == 8 else f"{layout.endian[0]}e{field.bits}"


def written(assign: t.Assign) -> t.Read:
    """Return the register that an assignment writes."""
    read = assign.place.read if isinstance(assign.place, t.ReadBits) else assign.place
    assert isinstance(read, t.Read)
    return read


def nested(statements: Iterable[c.Stmt]) -> Iterable[c.Stmt]:
    """Yield statements and those inside of them."""
    for statement in statements:
        yield statement
        for value in astuple(statement):
            if isinstance(value, tuple):
                yield from nested(
                    item for item in value if not isinstance(item, str | c.Declaration | c.Case)
                )


def is_dynamic(node: t.Typed) -> bool:
    """Tell whether a text has values in it, so that it must be put together."""
    return isinstance(node, t.Format) and any(isinstance(part, t.Typed) for part in node.parts)


def can_fail(command: m.Command) -> bool:
    """Tell whether running a command can end in an error."""
    if command.returns is not None:
        return command.returns.text == "errno"
    body = command.bodies[0]
    call = body.call.tree if body.call else None
    returns = getattr(call, "returns", None)
    return returns is None or returns.failure is not None


def _may_overflow(node: t.Operation) -> bool:
    """Tell whether a calculation may leave its type; what can't be told may."""
    if literal(node) is not None:
        return False
    left, right = most(node.left), most(node.right)
    if node.operator == "-" or left is None or right is None:
        return True
    result = left + right if node.operator == "+" else left * right
    return result >> max(node.type.bits, 32) != 0


def _is_direct(assign: t.Assign) -> bool:
    """Tell whether a command can store its only result where it is wanted."""
    run = assign.value
    if not isinstance(run, t.Run) or len(run.command.results) != 1:
        return False
    return run.type.c == assign.place.type.c


def order_of(field: t.Typed | None) -> str:
    """Return the byte order of a field of a kernel structure as in le16, or nothing for the CPU's own."""
    return field.order if isinstance(field, t.Field) else ""


def to_order(order: str, text: str) -> str:
    """Return a number of the CPU's in a byte order."""
    return f"cpu_to_{order}({text})" if order else text


def from_order(order: str, text: str) -> str:
    """Return a number in a byte order as one of the CPU's."""
    return f"{order}_to_cpu({text})" if order else text


def c_type(parameter: m.Parameter) -> str:
    """Return the C type of a parameter or a result."""
    found = read_type(parameter.type.text)
    return found.c if found else "u64"


def _asks(node: t.Typed) -> bool:
    """Tell whether a value comes from the device or the kernel, who may tell another the next time."""
    return any(
        isinstance(part, t.Read | t.Run | t.Config) or (isinstance(part, t.Field) and part.changes)
        for part in walk(node)
    )


def _variants(name: str) -> Iterable[str]:
    yield name
    yield from (f"{name}{number}" for number in range(2, 1000))


def _is_calculated(part: t.Typed) -> bool:
    """Tell whether C may give a number another type than the spec does."""
    return isinstance(part, t.Operation | t.Function | t.Choice | t.Prefix) or part.type.name == "phys"


def _conversion(part: t.Typed) -> str:
    if part.type.kind == "constant":
        return "%s"
    if part.type.name == "size":
        return "%zu"
    return "%llu" if part.type.bits == 64 or _is_calculated(part) else "%u"


def _passed(part: t.Typed, text: str) -> str:
    """Print a value of a text as its conversion takes it."""
    return f"(u64){text}" if _is_calculated(part) and part.type.name != "size" else text


def _address(place: str) -> str:
    return place.removeprefix("*") if place.startswith("*") else f"&{place}"


def _step_label(step: m.Step) -> str:
    """Name a label after what it undoes."""
    undo = step.undo[0]
    named = undo.verb == "do" and undo.formula is not None
    return c_name(undo.formula.scalar.text.partition("(")[0]) if named and undo.formula else undo.verb
