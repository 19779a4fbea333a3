# SPDX-License-Identifier: GPL-2.0-only
"""Whatever is declared must be used: an unused name is usually a misspelt one."""

from __future__ import annotations

from collections.abc import Iterator

from vfiogen.check.kernel import needed_features
from vfiogen.diagnostics import Problems
from vfiogen.model import spec as m
from vfiogen.model.analyse import Analysis


def check_usage(spec: m.Spec, analysis: Analysis, problems: Problems) -> None:
    """Report names that nothing uses; runs after the checks that type everything."""
    for kind, key, word in _declared(spec):
        if (kind, key) not in analysis.used:
            problems.report("unused", f"nothing uses the {kind} {word}", word.span, "take it out, or use it")
    needed = {word.text for word in needed_features(spec)}
    for feature in spec.features:
        if feature.name.text not in needed:
            message = f"nothing needs the feature {feature.name}"
            problems.report("unused", message, feature.name.span, "gate a part with needs, or take it out")


def _declared(spec: m.Spec) -> Iterator[tuple[str, str, m.Word]]:
    hooked = {used.text for command in spec.commands for used in command.uses}
    for command in spec.commands:
        if command.name.text not in hooked:
            yield "command", command.name.text, command.name
    for kept in spec.context:
        yield "context", kept.name.text, kept.name
    for layout in spec.layouts:
        yield "layout", layout.name.text, layout.name
    for structure in spec.kernel_structures:
        for field in structure.fields:
            yield "field", f"{structure.name}.{field.name}", field.name
    if spec.provider:
        yield "provider", spec.provider.handle.text, spec.provider.handle
