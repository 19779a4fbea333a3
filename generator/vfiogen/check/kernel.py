# SPDX-License-Identifier: GPL-2.0-only
"""Gates: which parts need which kernel feature, and what a kernel lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vfiogen.c import syntax as s
from vfiogen.c.names import is_safe_relative_path
from vfiogen.check.texts import every_step
from vfiogen.diagnostics import Problems, Span, VfiogenError, did_you_mean, listing, quote
from vfiogen.kernel.features import FEATURES
from vfiogen.kernel.release import Release
from vfiogen.kernel.target import Kernel
from vfiogen.model import spec as m
from vfiogen.model.walk import formulas
from vfiogen.records import replace

# Features have words in common: only a slip of the pen is taken for another one.
CLOSE = 0.8
# What a part of the vocabulary needs of the kernel by itself.
IMPLIED = {"pre-copy": "pre-copy"}
DEBUGFS = "vfio-debugfs-root"


def check_gates(spec: m.Spec, problems: Problems) -> None:
    """Report features that don't exist, and ungated uses of what is gated."""
    known = [*(f.name.text for f in spec.features), *FEATURES]
    for word in needed_features(spec):
        if word.text not in known:
            problems.report(
                "unknown-name",
                f"no kernel feature is called {quote(word.text)}",
                word.span,
                did_you_mean(word.text, known, CLOSE),
                "declare it in `kernel: features`, or use one that the tool knows",
            )
    for header in spec.headers:
        check_header(header, problems)
    for feature in spec.features:
        if feature.name.text in FEATURES:
            message = f"{quote(feature.name.text)} is a feature that the tool knows already"
            problems.report("duplicate-feature", message, feature.name.span, "choose another name")
        _check_feature(feature, problems)
    _check_symbols(spec, problems)
    for formula, gates in _uses(spec):
        _check_use(spec, formula, gates, problems)
    _check_hook_uses(spec, problems)


def _check_symbols(spec: m.Spec, problems: Problems) -> None:
    """Report gates that aren't symbols of the driver's own."""
    known = [option.symbol.text for option in spec.driver.kconfig.options]
    for word in needed_symbols(spec):
        if word.text not in known:
            problems.report(
                "unknown-name",
                f"the driver has no symbol {quote(word.text)} for a part of it",
                word.span,
                did_you_mean(word.text, known, CLOSE),
                "declare it in `kconfig: options`",
            )


def _check_feature(feature: m.KernelFeature, problems: Problems) -> None:
    check_header(feature.header, problems)
    for word in feature.since:
        try:
            Release.parse(word.text)
        except VfiogenError as error:
            hint = 'write it as in "6.14", or "6.12.64" for a stable release'
            problems.report("kernel-release", error.problem.message, word.span, hint)


def check_header(word: m.Word, problems: Problems) -> None:
    """Report a path that isn't one below include/."""
    if word.text and not is_safe_relative_path(word.text):
        message = f"{quote(word.text)} isn't a header below include/"
        problems.report("header-path", message, word.span, "`linux/qat/qat_mig_dev.h` is one")


def needed_features(spec: m.Spec) -> Iterator[m.Word]:
    """Yield every feature that a part of the spec needs."""
    yield from spec.needs
    for command in spec.commands:
        yield from (needs for needs in (command.needs, *(b.needs for b in command.bodies)) if needs)
    yield from (one.needs for one in spec.every_capability if one.needs)
    yield from (feature.needs for feature in spec.device_features if feature.needs)
    yield from (variant.needs for variant in spec.variants if variant.needs)
    yield from (step.needs for step in every_step(spec) if step.needs)
    debugfs = spec.migration.debugfs if spec.migration else None
    yield from (debugfs.needs,) if debugfs and debugfs.needs else ()


def needed_symbols(spec: m.Spec) -> Iterator[m.Word]:
    """Yield every symbol that a part of the spec is under."""
    yield from (command.config for command in spec.commands if command.config)
    yield from (variant.config for variant in spec.variants if variant.config)
    yield from (step.config for step in every_step(spec) if step.config)


def has_file(spec: m.Spec, option: m.Option) -> bool:
    """Tell whether anything but hand-written sources is under an option."""
    plain = [c.config for c in spec.commands if not any(body.hook for body in c.bodies)]
    under = [*plain, *(variant.config for variant in spec.variants)]
    return any(word is not None and word.text == option.symbol.text for word in under)


def symbol_of_section(spec: m.Spec, *sections: str) -> str | None:
    """Return the symbol that all variants with any of some sections are under."""
    found = {str(v.config or "") for v in spec.variants if any(v.uses(name) for name in sections)}
    return found.pop() or None if len(found) == 1 else None


def of_kernel(spec: m.Spec, kernel: Kernel) -> m.Spec:
    """Return a spec without variants whose needs a kernel doesn't meet, and without what they alone use."""
    there = tuple(v for v in spec.variants if v.needs is None or has_feature(spec, kernel, v.needs.text))
    if len(there) == len(spec.variants):
        return spec
    used = {word.text for variant in there for word in variant.use}
    without = {"config-space": "config_space", "regions": "regions"}
    without |= {"capabilities": "capabilities", "device-features": "device_features"}
    changes = {member: () for section, member in without.items() if section not in used}
    if "lifecycle" not in used:
        changes |= dict.fromkeys(("init", "probe", "open", "reset_prepare", "reset_done"), ())
    migration = spec.migration if "migration" in used else None
    return replace(spec, variants=there, migration=migration, **changes)


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
    spec = of_kernel(spec, kernel)
    for feature in spec.migration.features if spec.migration else ():
        implied = IMPLIED.get(feature.text)
        if implied and not has_feature(spec, kernel, implied) and not _is_optional(spec, feature):
            problems.report(
                "kernel-lacks",
                f"{kernel_name(kernel)} has no {feature}",
                feature.span,
                f"add `{implied}` to `kernel: needs`, so that the driver is left out there",
                f"or write `optional: [{feature}]`, so that it does without",
            )
    debugfs = spec.migration.debugfs if spec.migration else None
    if debugfs and not debugfs.needs and not kernel.has(DEBUGFS):
        message, hint = (
            f"{kernel_name(kernel)} has no debugfs for VFIO devices",
            f"gate them, with `needs: {DEBUGFS}`",
        )
        problems.report("kernel-lacks", message, debugfs.span, hint)
    for span, what, needed in implied_features(spec):
        if not kernel.has(needed):
            problems.report(
                "kernel-lacks",
                f"{kernel_name(kernel)} can't have {what}",
                span,
                f"add `{needed}` to `kernel: needs`, so that the driver is left out there",
            )
    return True


def implied_features(spec: m.Spec) -> Iterator[tuple[Span, str, str]]:
    """Yield what regions need of the kernel by themselves: where, in words, and the feature."""
    for region in spec.regions:
        if region.physical and region.is_bar:
            yield region.name.span, "memory as a BAR: its mappings couldn't be revoked", "zap-by-mapping"
        elif region.physical and region.mmap:
            combining = region.caching is not None and region.caching.text == "write-combining"
            feature = "zap-by-mapping" if combining else "vm-flags-set"
            yield region.name.span, "memory as a region: its mappings couldn't be made so", feature
        if any(one.forward for one in region.ranges):
            yield region.name.span, "ranges that are forwarded", "core-iorw"


def _is_optional(spec: m.Spec, feature: m.Word) -> bool:
    return spec.migration is not None and any(word.text == feature.text for word in spec.migration.optional)


def declared_features(spec: m.Spec, migration: m.Migration, kernel: Kernel) -> tuple[m.Word, ...]:
    """Return the features of a migration without the optional ones that a kernel lacks."""
    return tuple(
        word
        for word in migration.features
        if not _is_optional(spec, word) or has_feature(spec, kernel, IMPLIED.get(word.text, ""))
    )


def missing_needs(spec: m.Spec, kernel: Kernel) -> list[str]:
    """Return the needs of the whole driver that a kernel doesn't meet."""
    return [word.text for word in spec.needs if not has_feature(spec, kernel, word.text)]


def kernel_name(kernel: Kernel) -> str:
    """Return what messages call a kernel."""
    return f"Linux {kernel.release}" if kernel.release else "this kernel"


def _uses(spec: m.Spec) -> Iterator[tuple[m.Formula, set[str]]]:
    """Yield every formula that may run a command, with the gates that are open wherever it is."""
    whole = {_needs(word) for word in spec.needs}
    for command in spec.commands:
        for body in command.bodies:
            gates = whole | _gates(command) | ({_needs(body.needs)} if body.needs else set())
            yield from _step_uses(body.steps or (), gates)
            yield from ((formula, gates) for formula in formulas(body.call))
    for variant in spec.variants:
        yield from ((formula, whole | _gates(variant)) for formula in formulas(variant.when))
    for section, steps, rest in _outside(spec):
        certain = whole | _certain(spec, section)
        yield from _step_uses(steps, certain)
        yield from ((formula, certain) for formula in formulas(rest))
    for section, parts in (("capabilities", spec.capabilities), ("device-features", spec.device_features)):
        for one in parts:
            gates = whole | _certain(spec, section) | ({_needs(one.needs)} if one.needs else set())
            yield from ((formula, gates) for formula in formulas(one))
    debugfs = spec.migration.debugfs if spec.migration else None
    gates = whole | _certain(spec, "migration")
    gates |= {_needs(debugfs.needs)} if debugfs and debugfs.needs else set()
    yield from ((formula, gates) for formula in formulas(debugfs))


def _gates(part: m.Command | m.Variant | m.Step) -> set[str]:
    """Return the gates of a part, as a spec has them."""
    found = (_needs(part.needs) if part.needs else "", f"config: {part.config}" if part.config else "")
    return {gate for gate in found if gate}


def _needs(word: m.Word) -> str:
    return f"needs: {word}"


def _certain(spec: m.Spec, section: str) -> set[str]:
    """Return the gates that all variants have which use a section; without a name, any section at all."""
    using = [_gates(v) for v in spec.variants if (v.uses(section) if section else v.use)]
    return set.intersection(*using) if using else set()


def _outside(spec: m.Spec) -> Iterator[tuple[str, tuple[m.Step, ...], tuple[object, ...]]]:
    """Yield the sections outside of commands: steps, and what else has formulas there."""
    yield "", (), (spec.provider, spec.layouts, spec.context)
    yield "config-space", (), spec.config_space
    yield "regions", (), spec.regions
    yield "bar-access", (), (spec.bar_access,)
    yield "lifecycle", spec.lifecycle, ()
    if spec.migration is not None:
        stream = spec.migration.stream
        arcs = tuple(step for arc in spec.migration.arcs for step in arc.steps)
        steps = (*arcs, *spec.migration.reset, *stream.saved, *stream.begin, *stream.end)
        yield "migration", steps, (spec.migration.size, replace(stream, saved=(), begin=(), end=()))


def _step_uses(steps: Iterable[m.Step], gates: set[str]) -> Iterator[tuple[m.Formula, set[str]]]:
    for step in steps:
        own = gates | _gates(step)
        if step.formula:
            yield step.formula, own
        yield from _step_uses((*step.undo, *step.steps), own)


def _check_use(spec: m.Spec, formula: m.Formula, gates: set[str], problems: Problems) -> None:
    for node in s.walk(formula.tree) if formula.tree else ():
        command = spec.command(node.name) if isinstance(node, s.Name) else None
        if command is None:
            continue
        for gate in sorted(_gates(command) - gates):
            known = sorted(one.removeprefix("needs: ") for one in gates if one.startswith("needs: "))
            whole = ", or the whole driver in `kernel: needs`" if gate.startswith("needs: ") else ""
            problems.report(
                "gated-use",
                _exists(command, gate),
                formula.span_of(node),
                f"gate this as well, with {quote(gate)}{whole}",
                f"it is certain here that the kernel has {listing(known, 'and')}" if known else "",
                related=_gate_of(command, gate),
            )


def _exists(command: m.Command, gate: str) -> str:
    kind, _, name = gate.partition(": ")
    where = f"where the kernel has {quote(name)}" if kind == "needs" else f"with {quote(f'CONFIG_{name}')}"
    return f"{quote(command.name.text)} exists only {where}"


def _gate_of(command: m.Command, gate: str) -> tuple[tuple[Span, str], ...]:
    word = command.needs if gate.startswith("needs: ") else command.config
    return ((word.span, "the gate"),) if word else ()


def _check_hook_uses(spec: m.Spec, problems: Problems) -> None:
    """What a hook runs is declared in its header on every kernel that has the hook."""
    for command in spec.commands:
        for used in command.uses:
            other = spec.command(used.text)
            if other is None:
                continue
            for gate in sorted(_gates(other) - _gates(command)):
                hint = f"gate {quote(command.name.text)} as well, with {quote(gate)}"
                problems.report(
                    "gated-use", _exists(other, gate), used.span, hint, related=_gate_of(other, gate)
                )
