# SPDX-License-Identifier: GPL-2.0-only
"""What concerns the module and the core, not a device: parameters, the denylist and the core's settings."""

from __future__ import annotations

from vfiogen.c import layout as c
from vfiogen.c.names import c_name
from vfiogen.c.text import c_string, module_text
from vfiogen.model import spec as m
from vfiogen.plan.lower import Body, Lowering
from vfiogen.plan.view import DeniedView, ModuleView, ParameterView

# What the core calls its settings, in the order in which it takes them for all devices.
SETTINGS = ("nointxmask", "disable-vga", "disable-idle-d3")


def prepares_core(spec: m.Spec) -> bool:
    """Tell whether each device has something to tell the core."""
    return spec.core is not None and bool(spec.core.latched or spec.core.dma_buf)


def plan_module(lowering: Lowering) -> ModuleView | None:
    """Return what there is beside devices, if there is anything."""
    spec = lowering.spec
    core = spec.core
    if not (spec.parameters or spec.denylist or core):
        return None
    return ModuleView(
        parameters=tuple(_parameter(spec, one) for one in spec.parameters if one.type == "bool"),
        ids=_ids(spec),
        latched=tuple((c_name(key.text), _setting(lowering, one)) for key, one in core.latched)
        if core
        else (),
        params=_params(lowering, core) if core and core.params else (),
        not_sriov=_opposite(lowering, core.sriov) if core and core.sriov else None,
        name=c_string(spec.driver.name.text),
        dma_buf=core is not None and core.dma_buf,
        prepares=prepares_core(spec),
        denied=_denied(lowering, spec.denylist) if spec.denylist else None,
    )


def _parameter(spec: m.Spec, one: m.ModuleParameter) -> ParameterView:
    """What the core has been told for all devices isn't told again."""
    taken = spec.core.params if spec.core else ()
    once = any(one.name.text in formula.scalar.text for _, formula in taken)
    mode = "0644" if one.writable and not once else "0444"
    return ParameterView(c_name(one.name.text), mode, module_text(one.description.text))


def _ids(spec: m.Spec) -> ParameterView | None:
    one = spec.id_parameter
    if one is None:
        return None
    form = "vendor:device[:subvendor[:subdevice[:class[:class_mask]]]], with a comma between two"
    text = module_text(f"{one.description.text}: {form}")
    return ParameterView(c_name(one.name.text), "0", text)


def _params(lowering: Lowering, core: m.Core) -> tuple[str, ...]:
    given = {key.text: formula for key, formula in core.params}
    return tuple(_setting(lowering, given[key]) if key in given else "false" for key in SETTINGS)


def _setting(lowering: Lowering, formula: m.Formula) -> str:
    body = _body(lowering)
    typed = lowering.analysis.condition(formula, body.scope)
    return body.value(typed) if typed is not None else "false"


def _opposite(lowering: Lowering, formula: m.Formula) -> str:
    body = _body(lowering)
    typed = lowering.analysis.condition(formula, body.scope)
    return body.negated(typed) if typed is not None else "true"


def _body(lowering: Lowering) -> Body:
    return Body(lowering, lowering.scope.before_open(), lowering.names.prefix, core="pdev")


def _denied(lowering: Lowering, denylist: m.Denylist) -> DeniedView:
    lines: list[str] = []
    for devices in denylist.devices:
        last = None
        for device in devices.ids:
            if device.title.text != last:
                lines.append(c.comment(device.title.text, 1).removeprefix("\t"))
            last = device.title.text
            lines.append(f"{{ PCI_DEVICE({devices.vendor}, {device.id}) }},")
    return DeniedView(tuple(lines), _setting(lowering, denylist.unless) if denylist.unless else None)
