# SPDX-License-Identifier: GPL-2.0-only
"""The driver's own way to the BARs: nothing else may change what the user sees of them."""

from __future__ import annotations

from vfiogen.diagnostics import quote
from vfiogen.model import spec as m
from vfiogen.model.analyse import Analysis, Scope

NAMES = ("bar-number", "offset", "count")


def check_access(spec: m.Spec, analysis: Analysis, scope: Scope) -> None:
    """Report accesses that don't fit together with regions, or that can't be carried out."""
    access = spec.bar_access
    if access is None:
        return
    names = [region.name for region in spec.regions] + [field.name for field in spec.config_space]
    for name in names:
        message = f"{quote(name.text)} stands beside bar-access, which serves all accesses itself"
        related = ((access.span, "here"),)
        analysis.problems.report("region-kind", message, name.span, related=related)
    for block in spec.bar_blocks:
        if not block.is_plain:
            message = f"{quote(block.name.text)} is read as the core reads BARs, and those aren't reached so"
            related = ((access.span, "here"),)
            analysis.problems.report("region-kind", message, block.name.span, related=related)
    analysis.number(access.read, scope.in_stream(*NAMES))
    analysis.action(access.write, scope.in_stream(*NAMES, "data"))
    analysis.number(access.largest, scope)
