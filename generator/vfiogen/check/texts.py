# SPDX-License-Identifier: GPL-2.0-only
"""Texts of a person: each says something, and can be put into C, Kconfig and a Makefile."""

from __future__ import annotations

from collections.abc import Iterator

from vfiogen.c.text import unwanted_character
from vfiogen.diagnostics import Problems
from vfiogen.model import spec as m


def check_texts(spec: m.Spec, problems: Problems) -> None:
    """Report texts that are blank, or that hold a character that no output can hold."""
    for word in _texts(spec):
        found = unwanted_character(word.text)
        if found:
            problems.report("text", f"no output can hold {found[1]}", word.span, "take it out of the text")
        elif word.text and not word.text.strip():
            problems.report("text", "the text is blank", word.span, "say something")


def _texts(spec: m.Spec) -> Iterator[m.Word]:
    parts = (_of_driver(spec.driver), _of_declarations(spec), _of_steps(spec), _of_migration(spec.migration))
    return (word for part in parts for word in part if word is not None)


def _of_driver(driver: m.Driver) -> Iterator[m.Word | None]:
    yield from (driver.description, driver.copyright, driver.name_is_abi, *driver.authors)
    yield from (driver.kconfig.prompt, driver.kconfig.help)
    yield from (text for option in driver.kconfig.options for text in (option.prompt, option.help))


def _of_declarations(spec: m.Spec) -> Iterator[m.Word | None]:
    yield from (device.title for devices in spec.devices for device in devices.ids)
    for block in spec.registers:
        yield block.note
        for register in block.registers:
            yield from (register.note, register.transient, *(bits.note for bits in register.bits))
    for layout in spec.layouts:
        yield layout.note
        yield from (field.note for field in layout.fields)
    yield from (kept.note for kept in spec.context)
    yield from (field.note for field in spec.config_space)
    yield from (region.note for region in spec.regions)
    yield from (one.note for region in spec.regions for one in region.ranges)
    yield from (one.note for one in spec.every_capability)
    yield from (feature.note for feature in spec.device_features)
    for command in spec.commands:
        yield from (command.note, *(body.note for body in command.bodies))


def _of_steps(spec: m.Spec) -> Iterator[m.Word | None]:
    for step in every_step(spec):
        yield from (step.note, step.ignore_error)


def _of_migration(migration: m.Migration | None) -> Iterator[m.Word | None]:
    yield from (omission.reason for omission in migration.omitted) if migration else ()


def every_step(spec: m.Spec) -> Iterator[m.Step]:
    """Yield every step of a spec, and those that undo it."""
    yield from nested_steps(spec.lifecycle)
    for command in spec.commands:
        for body in command.bodies:
            yield from nested_steps(body.steps or ())
    if spec.migration:
        stream = spec.migration.stream
        for arc in spec.migration.arcs:
            yield from nested_steps(arc.steps)
        yield from nested_steps((*spec.migration.reset, *stream.saved, *stream.begin, *stream.end))


def nested_steps(steps: tuple[m.Step, ...]) -> Iterator[m.Step]:
    """Yield steps, each before those that undo it and those that it repeats."""
    for step in steps:
        yield step
        yield from nested_steps((*step.undo, *step.steps))
