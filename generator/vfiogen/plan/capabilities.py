# SPDX-License-Identifier: GPL-2.0-only
"""What device info and region info say besides: structures that are filled where the core puts them."""

from __future__ import annotations

from vfiogen.c import layout as c
from vfiogen.check.kernel import symbol_of_section
from vfiogen.model import spec as m
from vfiogen.model.types import BYTES
from vfiogen.plan.lower import Body, Lowering
from vfiogen.plan.view import CapabilitiesView, Function, function


def plan_capabilities(lowering: Lowering) -> CapabilitiesView | None:
    """Return what adds the device's capabilities to a chain, if there are any."""
    spec = lowering.spec
    if not spec.capabilities:
        return None
    body = Body(lowering, lowering.scope, lowering.names.variable)
    made = capabilities_function(body, f"{lowering.names.prefix}_add_capabilities")
    certain = any(one.when is None for one in spec.capabilities)
    return CapabilitiesView(made, certain, symbol_of_section(spec, "capabilities"))


def capabilities_function(body: Body, name: str, static: bool = True) -> Function:
    """Return the function that adds the device's capabilities to a chain."""
    spec = body.lowering.spec
    add_capabilities(body, spec.capabilities)
    parameters = [body.names.device_parameter, "struct vfio_info_cap *caps"]
    return function("int", name, parameters, body.lines, None, spec.capabilities[0].id.span, static)


def add_capabilities(body: Body, capabilities: tuple[m.Capability, ...]) -> None:
    """Append what adds capabilities to the chain `caps`, and the end of the function."""
    body.local("struct vfio_info_cap_header *", "header")
    for one in capabilities:
        if one.note:
            body.add(c.Comment(one.note.text))
        condition = body.lowering.analysis.condition(one.when, body.scope)
        if condition is None:
            _add(body, one)
            if one is not capabilities[-1]:
                body.add(c.Blank())
        else:
            test = body.value(condition)
            body.add(c.If(test, body.apart(lambda one=one: _add(body, one))), c.Blank())  # type: ignore[misc]
    body.finish(c.Return("0"))


def _add(body: Body, one: m.Capability) -> None:
    """Append one capability. What it says is asked for first, since that may end in an error."""
    name = body.fresh(f"{one.structure} *", one.structure.text.rpartition("_")[2].removeprefix("struct "))
    set_fields, size = [], f"sizeof(*{name})"
    for field, formula in one.values:
        typed = body.lowering.analysis.value(formula, body.scope)
        if typed is None:
            continue
        value = body.truth(typed) if typed.type.kind == "bool" else body.value(typed)
        if typed.type is BYTES:
            size = f"ALIGN({body.local('size_t', 'size')}, sizeof(u64))"
            body.add(c.Expr(f"size = struct_size({name}, {field}, sizeof({value}))"))
            set_fields.append(f"memcpy({name}->{field}, {value}, sizeof({value}))")
        else:
            set_fields.append(f"{name}->{field} = {value}")
    call = f"vfio_info_cap_add(caps, {size}, {one.id}, {one.version.value})"
    body.add(
        c.Expr(f"header = {call}"),
        c.If("IS_ERR(header)", body.leave("PTR_ERR(header)")),
        c.Blank(),
        c.Expr(f"{name} = container_of(header, {one.structure}, header)"),
        *(c.Expr(text) for text in set_fields),
    )
