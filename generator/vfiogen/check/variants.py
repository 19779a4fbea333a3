# SPDX-License-Identifier: GPL-2.0-only
"""Variants: each can be reached, and its condition told before the driver has anything of its own."""

from __future__ import annotations

from vfiogen.diagnostics import Span, listing, quote
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.scope import is_single_call
from vfiogen.model.typed import walk
from vfiogen.model.walk import formulas, names


def check_variants(spec: m.Spec, analysis: Analysis) -> None:
    """Report variants that no device gets or that can't be told apart, and sections that none uses."""
    _Variants(spec, analysis).check()


class _Variants:
    def __init__(self, spec: m.Spec, analysis: Analysis) -> None:
        self._spec = spec
        self._analysis = analysis
        self._problems = analysis.problems
        self._sections = _sections(spec)

    def check(self) -> None:
        last: m.Variant | None = None
        seen: dict[str, m.Variant] = {}
        for variant in self._spec.variants:
            if last is not None:
                related = ((last.name.span, "this one has no condition, so it takes every device"),)
                message = f"no device is left for {quote(variant.name.text)}"
                self._problems.report("variant", message, variant.name.span, related=related)
            first = seen.setdefault(variant.name.text.replace("-", "_"), variant)
            if first is not variant:
                message = f"two variants are called {quote(variant.name.text)}"
                related = ((first.name.span, "the first one"),)
                self._problems.report("variant", message, variant.name.span, related=related)
            self._check_condition(variant)
            self._check_sections(variant)
            self._check_emulation(variant)
            last = last or (variant if variant.when is None else None)
        self._check_unused()
        self._check_last()

    def _check_last(self) -> None:
        """A driver of which nothing remains on some kernel says so for the whole of it."""
        needs = [variant.needs for variant in self._spec.variants]
        if needs and all(needs) and needs[0]:
            message = "no variant is left where the kernel lacks what they need"
            hint = "put the feature into `kernel: needs`, or add a variant without `needs`"
            self._problems.report("variant", message, needs[0].span, hint)

    def _check_condition(self, variant: m.Variant) -> None:
        scope = Scope(self._spec).before_open()
        typed = self._analysis.condition(variant.when, scope)
        self._check_parent(variant)
        for part in walk(typed) if typed is not None else ():
            reason = self._too_early(part) or self._unsure(part, typed)
            if reason and variant.when:
                hint = "it is looked at before the driver has anything of its own for the device"
                self._problems.report("variant", f"a condition can't {reason}", variant.when.span, hint)

    def _check_parent(self, variant: m.Variant) -> None:
        """A condition that runs what is under a symbol is a function, and hasn't the parent's handle."""
        provider, when = self._spec.provider, variant.when
        if provider is None or when is None or not gated_condition(self._spec, variant):
            return
        if provider.handle.text in self._analysis.reach.reached(when):
            message = f"a condition can't look at {quote(provider.handle.text)} and at what is under a symbol"
            hint = "put one of both into an earlier variant's condition, or take `config` off the command"
            self._problems.report("variant", message, when.span, hint)

    def _unsure(self, part: t.Typed, whole: t.Typed | None) -> str:
        """Say which property may be missing: a condition tests that first."""
        if not isinstance(part, t.Property) or part.type.kind == "bool" or whole is None:
            return ""
        tested = {p.key for p in walk(whole) if isinstance(p, t.Property) and p.type.kind == "bool"}
        call = f'found(property("{part.key}"))'
        return "" if part.key in tested else f"look at a property without `{call} and` before it"

    def _too_early(self, part: t.Typed) -> str:
        """Say what a condition would need that isn't there when the device is bound."""
        kept = {value.name.text for value in self._spec.context}
        if isinstance(part, t.Read | t.Located):
            return f"look at {quote(part.block.name.text)}, whose place isn't known yet"
        if isinstance(part, t.Kept):
            return f"look at {quote(part.name)}, a value of the context"
        if isinstance(part, t.Run):
            name = quote(part.command.name.text)
            if part.command.before_init:
                return ""
            if not is_single_call(part.command):
                return f"run {name}, which is more than a call"
            if kept & set(names(formulas(part.command))):
                return f"run {name}, which takes a value of the context"
        return ""

    def _check_sections(self, variant: m.Variant) -> None:
        for word in variant.use:
            if word.text not in self._sections:
                message = f"the spec has no section {quote(word.text)}"
                known = f"it has {listing(self._sections, 'and')}" if self._sections else ""
                self._problems.report("variant", message, word.span, known)

    def _check_emulation(self, variant: m.Variant) -> None:
        """BARs have their registers in config space, and one ioctl serves all, so a driver has one set."""
        seen = ("config-space", "regions", "capabilities")
        whole = [name for name in seen if name in self._sections and self._spec.bars]
        used = [name for name in whole if variant.uses(name)]
        if used and used != whole:
            missing = next(name for name in whole if name not in used)
            message = f"{quote(used[0])} and {quote(missing)} are used together or not at all"
            self._problems.report("variant", message, variant.name.span, f"add {quote(missing)} to `use`")

    def _check_unused(self) -> None:
        used = {word.text for variant in self._spec.variants for word in variant.use}
        for name, span in self._sections.items():
            if self._spec.variants and name not in used:
                hint = "name it in `use` of the variants that it applies to"
                self._problems.report("variant", f"no variant uses {quote(name)}", span, hint)


def gated_condition(spec: m.Spec, variant: m.Variant) -> bool:
    """Tell whether a condition runs commands that are under a symbol."""
    run = [spec.command(name) for name in names(formulas(variant.when))]
    return any(command is not None and command.config for command in run)


def _sections(spec: m.Spec) -> dict[str, Span]:
    """Return the sections that variants choose from, and where each is."""
    found = {"lifecycle": spec.lifecycle[0].span} if spec.lifecycle else {}
    if spec.config_space:
        found["config-space"] = spec.config_space[0].name.span
    if spec.regions:
        found["regions"] = spec.regions[0].name.span
    if spec.bar_access:
        found["bar-access"] = spec.bar_access.span
    if spec.capabilities:
        found["capabilities"] = spec.capabilities[0].id.span
    if spec.device_features:
        found["device-features"] = spec.device_features[0].id.span
    if spec.migration:
        found["migration"] = spec.migration.span
    return found
