# SPDX-License-Identifier: GPL-2.0-only
"""The plan of a part of vfio-pci-core: the functions that the core calls, in one source."""

from __future__ import annotations

from collections.abc import Iterator

from vfiogen.c import layout as c
from vfiogen.diagnostics import Problems
from vfiogen.kernel.target import Kernel
from vfiogen.model import spec as m
from vfiogen.model.analyse import Analysis
from vfiogen.plan.capabilities import capabilities_function
from vfiogen.plan.commands import plan_commands
from vfiogen.plan.driver import FileHead, file_head, parent_headers
from vfiogen.plan.features import feature_function
from vfiogen.plan.kconfig import KconfigView, plan_kconfig
from vfiogen.plan.lower import Body, Lowering
from vfiogen.plan.names import Names
from vfiogen.plan.specialise import specialise
from vfiogen.plan.view import Function, function
from vfiogen.records import Record

PRIVATE_HEADER = "vfio_pci_priv.h"


class CorePlan(Record):
    """Everything that the templates of a part of the core get."""

    file: FileHead
    name: str
    headers: tuple[str, ...]
    functions: tuple[Function, ...]
    kconfig: KconfigView


def plan_core(spec: m.Spec, name: str, kernel: Kernel) -> CorePlan:
    """Return the plan of a spec that the checks have accepted for this kernel; `name` as for a driver."""
    spec = specialise(spec, kernel)
    names = Names(spec.driver.prefix.text, core=True)
    lowering = Lowering(spec, names, Analysis(spec, Problems()), kernel)
    functions = (*plan_commands(lowering), *_entries(lowering))
    head = file_head(spec, name)
    return CorePlan(head, spec.driver.name.text, parent_headers(spec), functions, plan_kconfig(spec, kernel))


def _entries(lowering: Lowering) -> Iterator[Function]:
    """Yield the functions that the private header declares."""
    spec, entries = lowering.spec, lowering.spec.driver.core_object
    assert entries is not None
    if entries.capabilities:
        body = _body(lowering, spec.capabilities)
        yield capabilities_function(body, entries.capabilities.text, static=False)
    for feature in spec.device_features if entries.feature else ():
        assert entries.feature is not None
        body = Body(lowering, lowering.scope, lowering.names.variable)
        source = "container_of(core_vdev, struct vfio_pci_core_device, vdev)"
        body.local(f"{lowering.names.device} *", body.device, source)
        _look_up(body, feature)
        yield feature_function(body, feature, entries.feature.text, static=False)
    if entries.open:
        yield _open(lowering, entries.open)
    if entries.close:
        yield _close(lowering, entries.close)


def _open(lowering: Lowering, name: m.Word) -> Function:
    body = _body(lowering, lowering.spec.open)
    for step in lowering.spec.open:
        body.step(step)
    body.finish()
    return _made(body, "int", name)


def _close(lowering: Lowering, name: m.Word) -> Function:
    undo = tuple(step for one in lowering.spec.open for step in one.undo)
    body = _body(lowering, undo, silent=True)
    for step in reversed(lowering.spec.open):
        body.take_back(step)
    return _made(body, "void", name)


def _made(body: Body, kind: str, name: m.Word) -> Function:
    parameters = [body.names.device_parameter]
    return function(kind, name.text, parameters, body.lines, None, name.span, static=False)


def _body(lowering: Lowering, part: object, silent: bool = False) -> Body:
    body = Body(lowering, lowering.scope, lowering.names.variable, silent=silent)
    _look_up(body, part)
    return body


def _look_up(body: Body, part: object) -> None:
    """Look up the parent's handle, which is passed on to commands."""
    if body.lowering.reaches_handle(part):
        body.look_up_parent()
        body.add(c.Blank())
