# SPDX-License-Identifier: GPL-2.0-only
"""Channels and what is posted to them: the members, fields and results must be there and fit."""

from __future__ import annotations

from vfiogen.diagnostics import Problems, did_you_mean, listing, quote
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.types import BYTES, Type, read_type

# How many bits the macros for fields take that aren't for 64.
LARGEST_WORD = 32


def check_channels(spec: m.Spec, analysis: Analysis) -> None:
    """Report channels whose envelope or call doesn't fit their structures."""
    for channel in spec.channels:
        for word in (channel.request, channel.completion):
            kind = read_type(word.text) if word else None
            if word is not None and kind is not None and kind.kind != "struct":
                message = f"a channel carries structures of the kernel, and {quote(word.text)} isn't one"
                analysis.problems.report("type", message, word.span)
        _check_kind(channel, analysis.problems)
        analysis.call(channel.call, channel_scope(spec, channel))
        if channel.envelope and channel.request:
            _check_envelope(spec, channel, channel.request, channel.envelope, analysis)


def _check_kind(channel: m.Channel, problems: Problems) -> None:
    """A channel has one structure for all requests, or macros for those that commands name."""
    if channel.access is None and channel.request is None:
        message = f"nothing says what {quote(channel.name.text)} carries"
        hint = "`request` is the structure, or `access` the macros for `bits` structures"
        problems.report("channel", message, channel.name.span, hint)
    beside = channel.request or channel.completion or (channel.envelope and channel.envelope.member)
    if channel.access and beside:
        message = f"with `access`, commands name what {quote(channel.name.text)} carries"
        hint = "take `request`, `completion` and `envelope` away"
        problems.report("channel", message, beside.span, hint)


def channel_scope(spec: m.Spec, channel: m.Channel) -> Scope:
    """Return the scope of a channel's call: the two structures are pointers."""
    return Scope(spec).of_call(channel_parameters(channel))


def channel_parameters(channel: m.Channel) -> tuple[m.Parameter, ...]:
    """Return what a channel's function gets: pointers to the structures, then its own parameters."""
    words = [("request", channel.request), ("completion", channel.completion)]
    types = {name: f"{word.text} *" for name, word in words if word}
    if channel.access:
        types = {
            "request": "void *",
            "request-size": "size",
            "completion": "void *",
            "completion-size": "size",
        }
    span = channel.name.span
    structures = (m.Parameter(m.Word(name, span), m.Word(kind, span)) for name, kind in types.items())
    return (*structures, *channel.params)


def _check_envelope(
    spec: m.Spec, channel: m.Channel, request: m.Word, envelope: m.Envelope, analysis: Analysis
) -> None:
    member = spec.kernel_field(request.text, envelope.member.text)
    if member is None:
        report_unknown(spec, request.text, envelope.member, analysis.problems)
        return
    payload = analysis.field(member.type.text, envelope.payload.text)
    if payload is None:
        report_unknown(spec, member.type.text, envelope.payload, analysis.problems)
    elif payload.type is not BYTES:
        message = f"a payload is an array of bytes, and {quote(envelope.payload.text)} isn't"
        hint = "declare it as `bytes`"
        analysis.problems.report("type", message, envelope.payload.span, hint)
    check_values(spec, member.type.text, envelope.values, analysis, channel_scope(spec, channel))


def check_values(
    spec: m.Spec, structure: str, values: tuple[m.FieldValue, ...], analysis: Analysis, scope: Scope
) -> None:
    """Report values that go nowhere, or don't fit where they go."""
    for value in values:
        typed = analysis.field(structure, value.path.text)
        if typed is None:
            report_unknown(spec, structure, value.path, analysis.problems)
        elif not (typed.type.numeric or typed.type.kind == "bool"):
            message = f"{quote(value.path.text)} is {quote(typed.type.name)}, and only numbers are set"
            analysis.problems.report("type", message, value.path.span)
        else:
            analysis.fitting(value.value, typed.type, scope)


def check_post(spec: m.Spec, command: m.Command, post: m.Post, analysis: Analysis, scope: Scope) -> None:
    """Report what is wrong with a request that a command posts."""
    found = analysis.post(post.channel, scope)
    if found is None:
        return
    check_values(spec, found.structure, post.values, analysis, scope)
    if found.channel.access:
        _check_widths(found, found.channel.access, post, analysis)
    known = {result.name.text: read_type(result.type.text) for result in command.results}
    for result in post.results:
        if result.path.text not in known:
            message = f"{quote(command.name.text)} has no result {quote(result.path.text)}"
            listed = f"its results are {listing(known, 'and')}" if known else "declare it in results"
            hint = did_you_mean(result.path.text, known)
            analysis.problems.report("unknown-name", message, result.path.span, hint, listed)
        elif found.completion is None:
            message = f"nothing comes back on {quote(found.channel.name.text)}"
            hint = "say what does: `completion` of the channel"
            analysis.problems.report("channel", message, result.path.span, hint)
        else:
            _check_result(spec, found.completion, result, known[result.path.text], analysis)
    given = {result.path.text for result in post.results}
    for one in command.results:
        if one.name.text not in given:
            message = f"nothing sets the result {quote(one.name.text)} of {quote(command.name.text)}"
            hint = f"a field of the completion does: `get: {{ {one.name.text}: member.field }}`"
            analysis.problems.report("result-unset", message, one.name.span, hint)


def _check_widths(found: t.Posted, access: m.Access, post: m.Post, analysis: Analysis) -> None:
    """Fields of 64 bits need macros of their own."""
    sides = (
        (
            found.structure,
            [(value.path.text, value.path.span) for value in post.values],
            "set-64",
            access.wide_set,
        ),
        (
            found.completion or "",
            [(result.value.scalar.text, result.value.span) for result in post.results],
            "get-64",
            access.wide_get,
        ),
    )
    for structure, fields, key, macro in sides:
        for path, span in fields:
            typed = analysis.field(structure, path)
            if macro is None and typed is not None and typed.type.bits > LARGEST_WORD:
                message = f"{quote(path)} has {typed.type.bits} bits, and no macro is known for so many"
                hint = f"add {quote(key)} to `access` of {quote(found.channel.name.text)}"
                analysis.problems.report("channel", message, span, hint)


def _check_result(
    spec: m.Spec, completion: str, result: m.FieldValue, kind: Type | None, analysis: Analysis
) -> None:
    path = result.value.scalar.text
    typed = analysis.field(completion, path)
    if typed is None:
        word = m.Word(path, result.value.span)
        report_unknown(spec, completion, word, analysis.problems)
    elif kind is not None and (not typed.type.numeric or typed.type.bits > kind.bits):
        message = f"{quote(path)} is {quote(typed.type.name)}, and the result {quote(kind.name)}"
        analysis.problems.report("type", message, result.value.span)


def report_unknown(spec: m.Spec, structure: str, word: m.Word, problems: Problems) -> None:
    """Report a path through a kernel structure that leads to nothing that the spec names."""
    wanted = structure
    for name in word.text.split("."):
        found = spec.kernel_field(wanted, name)
        if found is None:
            listed = next((x.fields for x in spec.kernel_structures if x.name.text == wanted), ())
            known = [field.name.text for field in listed]
            message = f"nothing is known of a field {quote(name)} of {quote(wanted)}"
            hint = f"structures names the fields of {quote(wanted)} that are used, with their types"
            problems.report("unknown-name", message, word.span, did_you_mean(name, known), hint)
            return
        wanted = found.type.text
