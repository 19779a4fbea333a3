# SPDX-License-Identifier: GPL-2.0-only
"""The functions of a driver's commands."""

from __future__ import annotations

from collections.abc import Iterable

from vfiogen.c import layout as c
from vfiogen.c.names import c_name
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.types import VOID, address_of, read_type
from vfiogen.model.walk import formulas, names
from vfiogen.plan.channels import post
from vfiogen.plan.lower import Body, Lowering, can_fail
from vfiogen.plan.view import Function, function
from vfiogen.records import replace


def plan_commands(lowering: Lowering) -> tuple[Function, ...]:
    """Return the functions of the commands that need one, callees first."""
    shared = used_by_hooks(lowering.spec)
    commands = [x for x in lowering.spec.commands if not x.bodies[0].hook]
    wanted = [x for x in commands if x.name.text in shared or not lowering.is_inline(x)]
    return tuple(_function(lowering, command) for command in _callees_first(wanted))


def plan_prototypes(lowering: Lowering) -> tuple[str, ...]:
    """Return the prototypes that the driver's header needs: of its hooks, and of what these run."""
    shared = used_by_hooks(lowering.spec)
    commands = [x for x in lowering.spec.commands if x.bodies[0].hook or x.name.text in shared]
    return tuple(_prototype(lowering, command) for command in commands)


def used_by_hooks(spec: m.Spec) -> set[str]:
    """Return the names of the commands that hand-written sources run."""
    return {used.text for command in spec.commands if command.bodies[0].hook for used in command.uses}


def _prototype(lowering: Lowering, command: m.Command) -> str:
    name = lowering.names.own(command.name.text)
    return c.function_head(return_type(command), name, parameters(lowering, command), False, ";")


def parameters(lowering: Lowering, command: m.Command) -> list[str]:
    """Return the C parameters of a command's function."""
    own = [_declare(p, "") for p in command.params] + [_declare(r, "*") for r in command.results]
    area = ["const struct " + lowering.names.own("area") + " *area"]
    mapped = area if lowering.analysis.reach.uses_area(command) else []
    provider = lowering.spec.provider
    passed = provider and lowering.is_core and lowering.reaches_handle(command)
    handle = [_declare(m.Parameter(provider.handle, provider.type), "")] if provider and passed else []
    device = [] if command.before_init else [lowering.names.device_parameter]
    return [*device, *mapped, *handle, *own]


def return_type(command: m.Command, body: m.Body | None = None) -> str:
    """Return the C return type of a command's function, for its first body or the one given."""
    body = body or command.bodies[0]
    tree = body.call.tree if body.call else None
    returns = getattr(tree, "returns", None)
    if returns is not None and returns.failure is None and not command.results:
        kind = read_type(returns.type)
        return kind.c if kind else "void"
    if command.returns is not None and command.returns.text != "errno":
        return command.returns.text
    return "int" if can_fail(command) else "void"


def _declare(parameter: m.Parameter, star: str) -> str:
    kind = read_type(parameter.type.text)
    spelling = kind.c if kind else "u64"
    return c.declare(address_of(kind).c if star and kind else spelling, c_name(parameter.name.text))


def _callees_first(commands: list[m.Command]) -> list[m.Command]:
    known = {command.name.text: command for command in commands}
    ordered: dict[str, m.Command] = {}

    def visit(command: m.Command) -> None:
        if command.name.text in ordered:
            return
        for name in mentioned(command):
            if name in known and name != command.name.text:
                visit(known[name])
        ordered[command.name.text] = command

    for command in commands:
        visit(command)
    return list(ordered.values())


def mentioned(command: m.Command) -> Iterable[str]:
    """Yield the names that the bodies of a command mention."""
    return names(formulas(command.bodies))


def _function(lowering: Lowering, command: m.Command) -> Function:
    body = Body(lowering, lowering.scope.within(command), lowering.names.variable)
    body.silent = return_type(command) == "void"
    chosen = command.bodies[0]
    lock = lowering.names.own(f"{command.name}-lock")
    unlock = _take(body, lock) if command.exclusive else ()
    put = body.look_up_parent() if lowering.holds_per_call and lowering.uses_handle(command) else ()
    put = body.giving = (*put, *unlock)
    if lowering.uses_handle(command):
        body.expect_usable()
    if chosen.call is not None:
        _call(body, command, chosen.call, put)
    if chosen.post is not None:
        post(body, chosen.post)
    for step in chosen.steps or ():
        body.step(step)
    if not (body.statements and isinstance(body.statements[-1], c.Return)):
        _finish(body, put)
    note = command.note or chosen.note
    made = function(
        return_type(command),
        lowering.names.own(command.name.text),
        parameters(lowering, command),
        body.lines,
        note.text if note else None,
        command.name.span,
        command.name.text not in used_by_hooks(lowering.spec),
    )
    made = replace(made, config=command.config.text if command.config else None)
    if command.exclusive is None:
        return made
    head = f"{c.comment(command.exclusive.text)}\nstatic DEFINE_MUTEX({lock});\n\n"
    return replace(made, text=head + made.text)


def _take(body: Body, lock: str) -> tuple[c.Stmt, ...]:
    """Take the lock of a command that no two devices run at once; return what gives it back."""
    unlock = (c.Expr(f"mutex_unlock(&{lock})"),)
    body.add(c.Expr(f"mutex_lock(&{lock})"))
    body.unwinding.append(("err_unlock", unlock))
    return unlock


def _finish(body: Body, put: tuple[c.Stmt, ...]) -> None:
    """End a function that gives back the parent's handle, if it looked it up."""
    if body.silent:
        body.add(*put)
    elif put:
        body.finish(*put, c.Return("0"))
    else:
        body.finish()


def _call(body: Body, command: m.Command, formula: m.Formula, put: tuple[c.Stmt, ...]) -> None:
    call = body.lowering.analysis.call(formula, body.scope)
    if call is None:
        return
    returned = command.results and call.type is not VOID
    target = f"*{c_name(command.results[0].name.text)}" if returned else None
    text = body.kernel_call(call)
    if call.pointer:
        text = _through_pointer(body, call, text)
    if text and target is None and call.failure and not body.texts and not put:
        body.finish(c.Return(text))
    elif target is None and call.failure and not body.texts:
        body.add(c.Expr(f"{body.ret()} = {text}"), *put, c.Return("ret"))
    elif target is None and call.type is not VOID:
        body.add(c.Return(text))
    elif text:
        body.checked_text(call, text, target)


def _through_pointer(body: Body, call: t.KernelFunction, text: str) -> str:
    """Append the test whether there is somebody to call; return what is left to be done."""
    if call.failure is None:
        body.add(c.If(call.function, (c.Expr(text),)))
        return ""
    body.add(c.If(f"!{call.function}", body.leave("-ENOENT")), c.Blank())
    return text
