# SPDX-License-Identifier: GPL-2.0-only
"""Features of the device: what a command gets fits into the buffer that the user names."""

from __future__ import annotations

from vfiogen.diagnostics import quote
from vfiogen.model import spec as m
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.types import read_type


def check_features(spec: m.Spec, analysis: Analysis, scope: Scope) -> None:
    """Report features whose structure has no address, or whose command gets nothing that fits."""
    for feature in spec.device_features:
        _check_buffer(spec, feature, analysis)
        _check_get(feature, analysis, scope)


def _check_buffer(spec: m.Spec, feature: m.DeviceFeature, analysis: Analysis) -> None:
    field = spec.kernel_field(feature.structure.text, feature.buffer.text)
    kind = read_type(field.type.text) if field else None
    if field is None:
        structure = quote(feature.structure.text)
        message = f"nothing is known of a field {quote(feature.buffer.text)} of {structure}"
        hint = f"name it in structures: `{feature.structure}: {{ fields: {{ {feature.buffer}: u64 }} }}`"
        analysis.problems.report("device-feature", message, feature.buffer.span, hint)
    elif kind is not None and kind.name != "u64":
        message = f"an address of the user's is a `u64`, and {quote(feature.buffer.text)} is none"
        analysis.problems.report("device-feature", message, feature.buffer.span)


def _check_get(feature: m.DeviceFeature, analysis: Analysis, scope: Scope) -> None:
    run = analysis.action(feature.get, scope)
    if run is None:
        return
    kinds = [read_type(result.type.text) for result in run.command.results]
    if len(kinds) != 1 or kinds[0] is None or kinds[0].kind != "struct":
        message = f"{quote(run.command.name.text)} has no structure of the kernel as its result"
        hint = "give it one: `results: { error: struct x }`"
        analysis.problems.report("device-feature", message, feature.get.span, hint)
