# SPDX-License-Identifier: GPL-2.0-only
"""Gates: which parts need which kernel feature, and what a kernel lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vfiogen.c import syntax as s
from vfiogen.diagnostics import Problems, did_you_mean, listing
from vfiogen.kernel.features import FEATURES
from vfiogen.kernel.target import Kernel
from vfiogen.model import spec as m

# What a part of the vocabulary needs of the kernel by itself.
IMPLIED = {"pre-copy": "pre-copy"}


def check_gates(spec: m.Spec, problems: Problems) -> None:
    """Report features that don't exist, and ungated uses of what is gated."""
    known = [*(f.name.text for f in spec.features), *FEATURES]
    for word in needed_features(spec):
        if word.text not in known:
            problems.report(
                "unknown-name",
                f"no kernel feature is called {word}",
                word.span,
                did_you_mean(word.text, known),
                "declare it in kernel: features, or use one that the tool knows",
            )
    for feature in spec.features:
        if feature.name.text in FEATURES:
            message = f"{feature.name} is a feature that the tool knows already"
            problems.report("duplicate-feature", message, feature.name.span, "choose another name")
    for formula, gates in _uses(spec):
        _check_use(spec, formula, gates, problems)


def needed_features(spec: m.Spec) -> Iterator[m.Word]:
    """Yield every feature that a part of the spec needs."""
    yield from spec.needs
    for command in spec.commands:
        yield from (needs for needs in (command.needs, *(b.needs for b in command.bodies)) if needs)
    for step in _all_steps(spec):
        if step.needs:
            yield step.needs


def has_feature(spec: m.Spec, kernel: Kernel, name: str) -> bool:
    """Tell whether a kernel has a feature, the spec's own or one of the tool's."""
    for feature in spec.features:
        if feature.name.text == name:
            since = [word.text for word in feature.since]
            return kernel.declares(feature.header.text, feature.declares.text, since)
    return name in FEATURES and kernel.has(name)


def check_kernel(spec: m.Spec, kernel: Kernel, problems: Problems) -> bool:
    """Tell whether the driver exists on a kernel; report what it uses there that the kernel lacks.

    A driver whose `kernel: needs` aren't met doesn't exist, which is no problem.
    """
    if any(not has_feature(spec, kernel, word.text) for word in spec.needs):
        return False
    for feature in spec.migration.features if spec.migration else ():
        implied = IMPLIED.get(feature.text)
        if implied and not has_feature(spec, kernel, implied):
            problems.report(
                "kernel-lacks",
                f"{kernel_name(kernel)} has no {feature}",
                feature.span,
                f"add {implied} to kernel: needs, so that the driver is left out there",
            )
    return True


def missing_needs(spec: m.Spec, kernel: Kernel) -> list[str]:
    """Return the needs of the whole driver that a kernel doesn't meet."""
    return [word.text for word in spec.needs if not has_feature(spec, kernel, word.text)]


def kernel_name(kernel: Kernel) -> str:
    """Return what messages call a kernel."""
    return f"Linux {kernel.release}" if kernel.release else "this kernel"


def _all_steps(spec: m.Spec) -> Iterator[m.Step]:
    groups: list[Iterable[m.Step]] = [spec.init, spec.open]
    groups += [body.steps or () for command in spec.commands for body in command.bodies]
    if spec.migration:
        groups += [arc.steps for arc in spec.migration.arcs]
        groups += [spec.migration.reset, spec.migration.stream.end]
    for group in groups:
        for step in group:
            yield step
            yield from step.undo


def _uses(spec: m.Spec) -> Iterator[tuple[m.Formula, set[str]]]:
    """Yield every formula that may run a command, with the features that are certain there."""
    whole = {word.text for word in spec.needs}
    for command in spec.commands:
        for body in command.bodies:
            gates = whole | {needs.text for needs in (command.needs, body.needs) if needs}
            yield from _step_uses(body.steps or (), gates)
    yield from _step_uses((*spec.init, *spec.open), whole)
    if spec.migration:
        yield from _migration_uses(spec.migration, whole)


def _step_uses(steps: Iterable[m.Step], gates: set[str]) -> Iterator[tuple[m.Formula, set[str]]]:
    for step in steps:
        own = gates | ({step.needs.text} if step.needs else set())
        if step.formula:
            yield step.formula, own
        yield from _step_uses(step.undo, own)


def _migration_uses(migration: m.Migration, gates: set[str]) -> Iterator[tuple[m.Formula, set[str]]]:
    for arc in migration.arcs:
        yield from _step_uses(arc.steps, gates)
    stream = migration.stream
    yield from _step_uses((*migration.reset, *stream.end), gates)
    produced = [p for p in (stream.pre_copy, stream.stop_copy) if p]
    formulas = [
        migration.size,
        stream.each_write,
        *(p.do for p in produced),
        *(p.length for p in produced),
    ]
    yield from ((formula, gates) for formula in formulas if formula)


def _check_use(spec: m.Spec, formula: m.Formula, gates: set[str], problems: Problems) -> None:
    for node in s.walk(formula.tree) if formula.tree else ():
        command = spec.command(node.name) if isinstance(node, s.Name) else None
        if command and command.needs and command.needs.text not in gates:
            problems.report(
                "gated-use",
                f"{command.name} exists only where the kernel has {command.needs}",
                formula.span_of(node),
                f"gate this with needs: {command.needs}",
                f"it is sure here that the kernel has {listing(sorted(gates), 'and')}" if gates else "",
                related=((command.needs.span, "the gate"),),
            )
