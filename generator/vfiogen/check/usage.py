# SPDX-License-Identifier: GPL-2.0-only
"""Whatever is declared must be used: an unused name is usually a misspelt one."""

from __future__ import annotations

from collections.abc import Iterator

from vfiogen.c import syntax as s
from vfiogen.check.kernel import needed_features, needed_symbols
from vfiogen.diagnostics import Problems, meant_names, quote
from vfiogen.model import spec as m
from vfiogen.model.walk import formulas, names


def check_usage(spec: m.Spec, problems: Problems) -> None:
    """Report what nothing mentions, whether the expressions around it make sense or not.

    Says nothing if one can't be read, since that may mention anything.
    """
    found = list(formulas(spec))
    if any(formula.tree is None for formula in found):
        return
    meant = meant_names(problems)
    for kind, word in _unused(spec, found):
        if word.text in meant:
            continue
        problems.report(
            "unused", f"nothing uses the {kind} {quote(word.text)}", word.span, "take it out, or use it"
        )
    needed = {word.text for word in needed_features(spec)}
    for feature in spec.features:
        if feature.name.text not in needed:
            message = f"nothing needs the feature {quote(feature.name.text)}"
            problems.report("unused", message, feature.name.span, "gate a part with needs, or take it out")
    gating = {word.text for word in needed_symbols(spec)}
    for option in spec.driver.kconfig.options:
        if option.symbol.text not in gating:
            message = f"nothing is under the symbol {quote(option.symbol.text)}"
            problems.report("unused", message, option.symbol.span, "gate a part with config, or take it out")


def _unused(spec: m.Spec, found: list[m.Formula]) -> Iterator[tuple[str, m.Word]]:
    mentioned = set(names(found))
    hooked = {used.text for command in spec.commands for used in command.uses}
    yield from (("command", c.name) for c in spec.commands if c.name.text not in mentioned | hooked)
    yield from (("context value", kept.name) for kept in spec.context if kept.name.text not in mentioned)
    bools = (one for one in spec.parameters if one.type == "bool")
    yield from (("parameter", one.name) for one in bools if one.name.text not in mentioned)
    stream = spec.migration.stream if spec.migration else None
    transferred = {stream.structure.text} if stream and stream.structure else set()
    transferred |= {head.structure.text for head in stream.heads} if stream else set()
    yield from (("layout", x.name) for x in spec.layouts if x.name.text not in mentioned | transferred)
    members = [node for formula in found for node in _members(formula)]
    of_id = {node.name for node in members if isinstance(node.base, s.Name) and node.base.name == "id"}
    yield from (("column", x.name) for x in spec.columns if x.name.text not in of_id)
    if spec.provider and spec.provider.handle.text not in mentioned:
        yield "handle", spec.provider.handle
    fields = {node.name for formula in found for node in _members(formula)} | set(_filled(spec))
    posted = {post.names[0] for post in spec.posts}
    yield from (("channel", x.name) for x in spec.channels if x.name.text not in posted)
    for structure in spec.kernel_structures:
        yield from (("field", field.name) for field in structure.fields if field.name.text not in fields)
    yield from _unused_parameters(spec)


def _filled(spec: m.Spec) -> Iterator[str]:
    """Yield the fields of structures that are sent, received or listed, by every part of their paths."""
    for post in spec.posts:
        yield post.names[1]
        yield from _parts(post.values)
        yield from (name for result in post.results for name in result.value.scalar.text.split("."))
    for envelope in (channel.envelope for channel in spec.channels if channel.envelope):
        yield from (envelope.member.text, envelope.payload.text, *_parts(envelope.values))
    area = spec.migration.stream.area if spec.migration else None
    yield from (area.list.address.text, area.list.length.text) if area and area.list else ()
    yield from (feature.buffer.text for feature in spec.device_features)
    for record in spec.migration.stream.records if spec.migration else ():
        yield from _parts(record.values)
    for capability in spec.every_capability:
        yield from (word.text for word, _ in capability.values)


def _parts(values: tuple[m.FieldValue, ...]) -> Iterator[str]:
    yield from (name for value in values for name in value.path.text.split("."))


def _members(formula: m.Formula) -> Iterator[s.Member]:
    for node in s.walk(formula.tree) if formula.tree else ():
        if isinstance(node, s.Member):
            yield node


def _unused_parameters(spec: m.Spec) -> Iterator[tuple[str, m.Word]]:
    """A hook may use what it gets as it likes; other bodies are at hand."""
    for command in spec.commands:
        if not any(body.hook for body in command.bodies):
            mentioned = set(names(formulas(command)))
            for parameter in command.params:
                if parameter.name.text not in mentioned:
                    yield "parameter", parameter.name
