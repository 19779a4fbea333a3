# SPDX-License-Identifier: GPL-2.0-only
"""The context: values that are there from init on."""

from __future__ import annotations

from vfiogen.diagnostics import quote
from vfiogen.model import spec as m
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.types import read_type


def check_context(spec: m.Spec, analysis: Analysis, scope: Scope) -> None:
    """Report values that don't fit what they are kept in, or that depend on later ones."""
    later = {kept.name.text for kept in spec.context if kept.value}
    for kept in spec.context:
        if kept.value is None:
            continue
        kind = read_type(kept.type.text)
        if kind is not None:
            analysis.fitting(kept.value, kind, scope)
        for name in sorted(analysis.reach.reached(kept.value) & later):
            own = name == kept.name.text
            order = f"is set before {quote(name)}, and takes its value"
            message = f"{quote(kept.name.text)} {'takes its own value' if own else order}"
            hint = "" if own else f"put {quote(name)} first"
            analysis.problems.report("context-order", message, kept.value.span, hint)
        later.discard(kept.name.text)
