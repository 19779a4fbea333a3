# SPDX-License-Identifier: GPL-2.0-only
"""Parts of vfio-pci-core: each has the functions that the core calls, and nothing that only a module has."""

from __future__ import annotations

from collections.abc import Iterator

from vfiogen.diagnostics import Problems, Span, quote
from vfiogen.model import spec as m


def check_core(spec: m.Spec, problems: Problems) -> None:
    """Report what a part of the core can't have, and functions without a section or the other way round."""
    core = spec.driver.core_object
    if core is None:
        return
    for what, span in _foreign(spec):
        message = f"a part of the core has no {what}"
        problems.report("core-object", message, span, "that is a driver's, which binds to devices of its own")
    for key, word, needed in (
        ("capabilities", core.capabilities, [one.id.span for one in spec.capabilities]),
        ("feature", core.feature, [one.id.span for one in spec.device_features]),
        ("open", core.open, [step.span for step in spec.open]),
        ("close", core.close, [step.span for step in spec.open if step.undo]),
    ):
        _check_entry(key, word, needed, core, problems)
    for other in spec.device_features[1:]:
        message = "the core asks a part of it for one feature"
        related = ((spec.device_features[0].id.span, "the first one"),)
        problems.report("core-object", message, other.id.span, related=related)


def _check_entry(
    key: str, word: m.Word | None, needed: list[Span], core: m.CoreObject, problems: Problems
) -> None:
    if word is None and needed:
        message = f"the core has no function to call for this: core-object has no {quote(key)}"
        hint = f"add `{key}: function`, as vfio_pci_priv.h declares it"
        problems.report("core-object", message, needed[0], hint, related=((core.span, "here"),))
    elif word is not None and not needed:
        problems.report("core-object", f"{quote(word.text)} would have nothing to do", word.span)


def _foreign(spec: m.Spec) -> Iterator[tuple[str, Span]]:
    """Yield what only a module has, and where."""
    driver = spec.driver
    named = (("directory", driver.directory), ("reason to keep the module's name", driver.name_is_abi))
    yield from ((what, word.span) for what, word in named if word is not None and word.text)
    yield from (("module and so no authors of one", word.span) for word in driver.authors[:1])
    yield from (("devices", devices.vendor.span) for devices in spec.devices[:1])
    yield from (("context", kept.name.span) for kept in spec.context[:1])
    yield from (("registers", block.name.span) for block in spec.registers[:1])
    yield from (("events", one.name.span) for one in spec.events[:1])
    yield from (("variants", one.name.span) for one in spec.variants[:1])
    yield from (("config space", field.name.span) for field in spec.config_space[:1])
    yield from (("regions", region.name.span) for region in spec.regions[:1])
    yield from (("migration", spec.migration.span) for _ in (1,) if spec.migration)
    for steps in (spec.init, spec.probe, spec.reset_prepare, spec.reset_done):
        yield from (("part in this: only `open` comes to it", step.span) for step in steps[:1])
    hooks = (body.hook for command in spec.commands for body in command.bodies if body.hook)
    yield from (("hand-written source beside it", hook.span) for hook in hooks)
    provider = spec.provider
    if provider and provider.hold != "entry":
        yield (
            "place to hold a handle: each function that the core calls looks it up",
            provider.get.span,
        )
    if provider and provider.namespace:
        yield "namespace", provider.namespace.span
