# SPDX-License-Identifier: GPL-2.0-only
"""What remains of a spec on one kernel: gated parts that it lacks are gone, each command has one body."""

from __future__ import annotations

from collections.abc import Iterable

from vfiogen.check.kernel import declared_features, has_feature, of_kernel
from vfiogen.kernel.target import Kernel
from vfiogen.model import spec as m
from vfiogen.model.walk import formulas, names
from vfiogen.records import replace


def specialise(spec: m.Spec, kernel: Kernel) -> m.Spec:
    """Return the spec as it applies to a kernel that has what the whole driver needs."""
    return _without_unused(_Specialiser(of_kernel(spec, kernel), kernel).run())


def _without_unused(spec: m.Spec) -> m.Spec:
    """Leave out commands that only gated parts ran: C warns of functions that nothing calls."""
    known = {command.name.text: command for command in spec.commands}
    waiting = list(names(formulas(replace(spec, commands=()))))
    used: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in known and name not in used:
            used.add(name)
            waiting += _runs(known[name], spec.commands)
    return replace(spec, commands=tuple(c for c in spec.commands if c.name.text in used))


def _runs(command: m.Command, commands: Iterable[m.Command]) -> list[str]:
    """Return what a command runs; a hand-written source needs the declarations of all that is in it."""
    hook = command.bodies[0].hook
    beside = [c for c in commands if hook and c.bodies[0].hook and c.bodies[0].hook.text == hook.text]
    found = [*names(formulas(command.bodies)), *(c.name.text for c in beside)]
    return [*found, *(used.text for c in beside for used in c.uses)]


def _core(core: m.Core, kernel: Kernel) -> m.Core:
    """Return what the core is told, by each device or for all of them."""
    whole = kernel.has("set-params")
    return replace(
        core,
        latched=() if whole else core.latched,
        params=core.latched if whole else (),
        pasid=core.pasid and kernel.has("pasid-ops"),
        dma_buf=core.dma_buf and kernel.has("dmabuf-ops"),
    )


class _Specialiser:
    def __init__(self, spec: m.Spec, kernel: Kernel) -> None:
        self._spec = spec
        self._kernel = kernel

    def run(self) -> m.Spec:
        spec = self._spec
        return replace(
            spec,
            core=_core(spec.core, self._kernel) if spec.core else None,
            commands=tuple(self._command(c) for c in spec.commands if self._there(c.needs)),
            init=self._steps(spec.init),
            probe=self._steps(spec.probe),
            open=self._steps(spec.open),
            reset_prepare=self._steps(spec.reset_prepare),
            reset_done=self._steps(spec.reset_done),
            migration=self._migration(spec.migration) if spec.migration else None,
            capabilities=self._capabilities(spec.capabilities),
            device_features=tuple(x for x in spec.device_features if self._there(x.needs)),
            regions=tuple(replace(x, capabilities=self._capabilities(x.capabilities)) for x in spec.regions),
        )

    def _there(self, needs: m.Word | None) -> bool:
        return needs is None or has_feature(self._spec, self._kernel, needs.text)

    def _command(self, command: m.Command) -> m.Command:
        body = next((b for b in command.bodies if self._there(b.needs)), command.bodies[-1])
        if body.steps is not None:
            body = replace(body, steps=self._steps(body.steps))
        return replace(command, bodies=(body,))

    def _capabilities(self, found: tuple[m.Capability, ...]) -> tuple[m.Capability, ...]:
        """Of several with the same ID the first that the kernel can have is there."""
        there = {one.id.text: one for one in reversed(found) if self._there(one.needs)}
        return tuple(one for one in found if there.get(one.id.text) is one)

    def _steps(self, steps: tuple[m.Step, ...]) -> tuple[m.Step, ...]:
        return tuple(
            replace(step, undo=self._steps(step.undo), steps=self._steps(step.steps))
            for step in steps
            if self._there(step.needs)
        )

    def _migration(self, migration: m.Migration) -> m.Migration:
        stream = replace(
            migration.stream,
            saved=self._steps(migration.stream.saved),
            begin=self._steps(migration.stream.begin),
            end=self._steps(migration.stream.end),
        )
        features = declared_features(self._spec, migration, self._kernel)
        if features != migration.features:
            stream = replace(stream, pre_copy=None)
        if not self._kernel.has("precopy-info-v2"):
            stream = replace(stream, records=tuple(replace(one, anew=None) for one in stream.records))
        arcs = tuple(replace(arc, steps=self._steps(arc.steps)) for arc in migration.arcs)
        return replace(
            migration,
            features=features,
            arcs=arcs,
            size=migration.size if self._kernel.has("mig-data-size") else None,
            stream=stream,
            reset=self._steps(migration.reset),
            debugfs=migration.debugfs if migration.debugfs and self._there(migration.debugfs.needs) else None,
        )
