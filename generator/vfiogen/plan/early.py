# SPDX-License-Identifier: GPL-2.0-only
"""What is done before anybody can open the device."""

from __future__ import annotations

from vfiogen.c import layout as c
from vfiogen.model.walk import formulas, names
from vfiogen.plan.lower import Body, Lowering
from vfiogen.plan.registers import bar_sizes
from vfiogen.plan.view import Early, function


def plan_early(lowering: Lowering) -> Early | None:
    """Return the function of the steps of probe, and the BARs that must be mapped for it."""
    spec = lowering.spec
    if not spec.probe:
        return None
    body = Body(lowering, lowering.scope, lowering.names.prefix)
    for step in spec.probe:
        body.step(step)
        body.add(c.Blank())
    body.finish()
    bars = tuple(
        sorted(
            {bar for block in spec.bar_blocks if block.name.text in _reached(lowering) for bar in block.bars}
        )
    )
    name = f"{lowering.names.prefix}_{'probe_steps' if bars else 'probe_device'}"
    made = function("int", name, [lowering.names.device_parameter], body.lines)
    return Early(made, bars, tuple(bar_sizes(lowering)[bar] for bar in bars))


def _reached(lowering: Lowering) -> set[str]:
    reach = lowering.analysis.reach
    found: set[str] = set()
    for formula in formulas(lowering.spec.probe):
        found |= reach.reached(formula) | set(names([formula]))
    return found
