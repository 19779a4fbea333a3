# SPDX-License-Identifier: GPL-2.0-only
"""What concerns the module and the core, not a device: parameters, the denylist and the core's settings."""

from __future__ import annotations

from vfiogen.diagnostics import quote
from vfiogen.model import spec as m
from vfiogen.model.analyse import Analysis
from vfiogen.model.scope import Scope
from vfiogen.model.walk import names


def check_module(spec: m.Spec, analysis: Analysis, scope: Scope) -> None:
    """Report settings of the core that aren't of the module, and parameters that there can't be."""
    _check_ids(spec, analysis)
    if spec.denylist:
        analysis.condition(spec.denylist.unless, scope.before_open())
    core = spec.core
    for _, formula in core.latched if core else ():
        _check_setting(spec, formula, analysis, scope)
    if core:
        analysis.condition(core.sriov, scope.before_open())
    for region in (region for region in spec.memories if region.dma_buf and core and core.dma_buf):
        message = f"what `dma-buf` of {quote(region.name.text)} does is for all BARs"
        analysis.problems.report("region-kind", message, region.name.span, "take it away below `core`")


def _check_ids(spec: m.Spec, analysis: Analysis) -> None:
    """The kernel knows one place for IDs that it is told at run time."""
    found = [one for one in spec.parameters if one.type == "device-ids"]
    for one in found[1:]:
        related = ((found[0].name.span, "the other one"),)
        message = "one parameter has device IDs"
        analysis.problems.report("parameter", message, one.name.span, related=related)
    for one in (one for one in found if one.writable):
        message = f"{quote(one.name.text)} is looked at once, when the module is loaded"
        hint = "take `writable` away: `new_id` in sysfs is for later"
        analysis.problems.report("parameter", message, one.name.span, hint)


def _check_setting(spec: m.Spec, formula: m.Formula, analysis: Analysis, scope: Scope) -> None:
    """Where the core has one setting for all devices, there is no device to look at."""
    analysis.condition(formula, scope.before_open())
    known = {one.name.text for one in spec.parameters} | {"true", "false"}
    for name in sorted(set(names([formula])) - known):
        message = f"{quote(name)} isn't a parameter, and some kernels have this for the whole module"
        analysis.problems.report("parameter", message, formula.span, "take parameters, `not`, `and` and `or`")
