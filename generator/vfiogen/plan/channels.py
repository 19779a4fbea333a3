# SPDX-License-Identifier: GPL-2.0-only
"""The functions of channels, and how a command fills in a request and takes its results."""

from __future__ import annotations

from vfiogen.c import layout as c
from vfiogen.c.names import c_name
from vfiogen.check.channels import LARGEST_WORD, channel_parameters, channel_scope
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.types import BYTES
from vfiogen.plan.lower import UNARY, Body, Lowering, c_type, from_order, order_of, to_order
from vfiogen.plan.view import Function, function


def plan_channels(lowering: Lowering) -> tuple[Function, ...]:
    """Return the functions of the channels that commands post to."""
    used = {posted.names[0] for posted in lowering.spec.posts}
    return tuple(_channel(lowering, x) for x in lowering.spec.channels if x.name.text in used)


def _channel(lowering: Lowering, channel: m.Channel) -> Function:
    body = Body(lowering, channel_scope(lowering.spec, channel), lowering.names.prefix)
    call = lowering.analysis.call(channel.call, body.scope)
    held = call is not None and lowering.holds_per_call and lowering.mentions_handle(channel)
    put = body.look_up_parent() if held else ()
    if lowering.mentions_handle(channel):
        body.expect_usable()
    if channel.envelope:
        _wrap(body, channel, channel.envelope)
    if call is not None:
        text = body.kernel_call(call)
        if put:
            body.add(c.Expr(f"{body.ret()} = {text}"), *put, c.Return("ret"))
        else:
            body.finish(c.Return(text))
    parameters = (c.declare(c_type(p), c_name(p.name.text)) for p in channel_parameters(channel))
    return function(
        "int",
        lowering.names.own(channel.name.text),
        [lowering.names.device_parameter, *parameters],
        body.lines,
        channel.note.text if channel.note else None,
        channel.name.span,
    )


def _wrap(body: Body, channel: m.Channel, envelope: m.Envelope) -> None:
    """Put the request into another one, which goes in its place."""
    request = channel.request.text if channel.request else ""
    body.local(request, "envelope", "{}")
    place = f"envelope.{envelope.member}"
    member = body.lowering.spec.kernel_field(request, envelope.member.text)
    if member is not None:
        fill(body, place, member.type.text, envelope.values)
    payload = f"{place}.{envelope.payload}"
    body.add(c.Expr(f"memcpy({payload}, request, sizeof({payload}))"), c.Blank())
    body.substitutes["request"] = ("&envelope", UNARY)


def fill(body: Body, place: str, structure: str, values: tuple[m.FieldValue, ...]) -> None:
    """Append the assignments to the fields of a structure."""
    for value in values:
        field = body.lowering.analysis.field(structure, value.path.text)
        if field is None or field.type is BYTES:
            continue
        typed = body.lowering.analysis.fitting(value.value, field.type, body.scope)
        if typed is not None:
            body.add(c.Expr(f"{place}.{value.path} = {to_order(order_of(field), body.value(typed))}"))


def post(body: Body, request: m.Post) -> None:
    """Append what a command does that posts a request."""
    found = body.lowering.analysis.post(request.channel, body.scope)
    if found is None:
        return
    if found.channel.access:
        passed = _fill_bits(body, request, found, found.channel.access)
    else:
        passed = _fill_request(body, request, found)
    values = (body.truth(a) if a.type.kind == "bool" else body.value(a) for a in found.arguments)
    body.attempt(f"{body.names.own(found.channel.name.text)}({', '.join([body.device, *passed, *values])})")
    for result in request.results:
        body.add(c.Expr(f"*{c_name(result.path.text)} = {_answer(body, found, result)}"))


def _fill_request(body: Body, request: m.Post, found: t.Posted) -> list[str]:
    """Append what fills in a member of the channel's request; return what the channel gets."""
    assert found.channel.request is not None
    body.local(found.channel.request.text, "request", "{}")
    fill(body, f"request.{found.member}", found.structure, request.values)
    body.add(c.Blank())
    if found.completion is None:
        return ["&request"]
    body.local(found.completion, "completion", "{}")
    return ["&request", "&completion"]


def _fill_bits(body: Body, request: m.Post, found: t.Posted, access: m.Access) -> list[str]:
    """Append what fills in an array of words by the kernel's macros; return what the channel gets."""
    for name, structure in (("completion", found.completion or ""), ("request", found.structure)):
        body.local("u32", f"{name}[{access.words}({_bits_name(structure)})]", "{}")
    for value in request.values:
        field = body.lowering.analysis.field(found.structure, value.path.text)
        typed = body.lowering.analysis.fitting(value.value, field.type, body.scope) if field else None
        if field is None or typed is None:
            continue
        macro = access.wide_set if field.type.bits > LARGEST_WORD else access.set
        body.add(
            c.Expr(f"{macro}({_bits_name(found.structure)}, request, {value.path}, {body.value(typed)})")
        )
    body.add(c.Blank())
    return ["request", "sizeof(request)", "completion", "sizeof(completion)"]


def _answer(body: Body, found: t.Posted, result: m.FieldValue) -> str:
    """Return a field of the completion."""
    path = result.value.scalar.text
    field = body.lowering.analysis.field(found.completion, path) if found.completion else None
    access = found.channel.access
    if access is None or field is None:
        return from_order(order_of(field), f"completion.{path}")
    macro = access.wide_get if field.type.bits > LARGEST_WORD else access.get
    return f"{macro}({_bits_name(found.completion or '')}, completion, {path})"


def _bits_name(structure: str) -> str:
    """Return what the kernel's macros call a structure."""
    return structure.removeprefix("bits ")
