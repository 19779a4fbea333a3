# SPDX-License-Identifier: GPL-2.0-only
"""The view of a whole driver, from its model and the kernel."""

from __future__ import annotations

from collections.abc import Iterable

from vfiogen.c import layout as c
from vfiogen.c.text import c_string, comment_text, line_comment_text, module_text, one_line
from vfiogen.diagnostics import Problems
from vfiogen.kernel.licenses import module_license
from vfiogen.kernel.target import Kernel
from vfiogen.model import spec as m
from vfiogen.model.analyse import Analysis
from vfiogen.plan.access import plan_access
from vfiogen.plan.capabilities import plan_capabilities
from vfiogen.plan.channels import plan_channels
from vfiogen.plan.columns import plan_columns
from vfiogen.plan.commands import plan_commands, plan_prototypes
from vfiogen.plan.early import plan_early
from vfiogen.plan.emulation import plan_emulation
from vfiogen.plan.events import plan_events
from vfiogen.plan.features import plan_features
from vfiogen.plan.includes import words_of
from vfiogen.plan.kconfig import KconfigView, MakefileView, plan_kconfig, plan_makefile
from vfiogen.plan.lifecycle import is_private, plan_resets
from vfiogen.plan.lower import Lowering
from vfiogen.plan.migration import plan_migration
from vfiogen.plan.module import plan_module
from vfiogen.plan.names import Names
from vfiogen.plan.records import plan_tags
from vfiogen.plan.registers import define, plan_defines, plan_registers
from vfiogen.plan.specialise import specialise
from vfiogen.plan.structures import plan_constants, plan_structures
from vfiogen.plan.variants import always_found, plan_choice, plan_conditions, plan_variants
from vfiogen.plan.view import Defines, DriverView, MigrationView, Part
from vfiogen.records import Record, Value, astuple, replace


class FileHead(Record):
    """What every rendered file opens with."""

    license: str
    header: tuple[str, ...]
    hash_header: tuple[str, ...]


class DriverPlan(Record):
    """Everything that the templates of one driver get."""

    file: FileHead
    driver: DriverView
    migration: MigrationView | None
    kconfig: KconfigView
    makefile: MakefileView
    hooks: tuple[str, ...]


def plan_driver(spec: m.Spec, name: str, kernel: Kernel) -> DriverPlan:
    """Return the plan of a spec that the checks have accepted for this kernel.

    `name` is what the rendered files say they are from.
    """
    spec = specialise(spec, kernel)
    lowering = Lowering(spec, Names(spec.driver.prefix.text), Analysis(spec, Problems()), kernel)
    hooks = hook_files(spec)
    migration = plan_migration(lowering, spec.migration) if spec.migration else None
    view = _complete(lowering, _driver(lowering, kernel), migration)
    return DriverPlan(
        file_head(spec, name),
        view,
        migration,
        plan_kconfig(spec, kernel),
        plan_makefile(
            spec, (*_hook_symbols(spec).items(), *((part.name, part.config) for part in view.parts))
        ),
        hooks,
    )


def hook_files(spec: m.Spec) -> tuple[str, ...]:
    """Return the hand-written sources that the spec's commands name, each once."""
    named = (body.hook.text for command in spec.commands for body in command.bodies if body.hook)
    return tuple(dict.fromkeys(named))


def _parts(spec: m.Spec, found: Iterable[str | None]) -> tuple[Part, ...]:
    """Return the files for what is under a symbol: each is called what that adds to the driver's."""
    used, kconfig = set(found), spec.driver.kconfig
    gated = [option for option in kconfig.options if option.symbol.text in used]
    return tuple(Part(kconfig.file_of(option), option.symbol.text) for option in gated)


def _hook_symbols(spec: m.Spec) -> dict[str, str | None]:
    """Return the hand-written sources, each with the symbol that all of its commands are under."""
    found: dict[str, str | None] = {}
    for command in spec.commands:
        for body in command.bodies:
            if body.hook:
                config = command.config.text if command.config else None
                known = found.get(body.hook.text, config)
                found[body.hook.text] = known if known == config else None
    return found


def _driver(lowering: Lowering, kernel: Kernel) -> DriverView:
    spec = lowering.spec
    functions = {device.function for device in spec.devices}
    lifecycle, tables = plan_variants(lowering, kernel)
    resets = plan_resets(lowering, tuple(table.name for table in tables))
    id_table = tuple(_id_table(spec))
    commands = (*plan_channels(lowering), *plan_commands(lowering))
    lifecycle = (*plan_features(lowering), *plan_events(lowering), *lifecycle, *plan_conditions(lowering))
    emulation = plan_emulation(lowering, kernel)
    gated = [one.config for one in (*commands, *lifecycle)] + [table.config for table in tables]
    parts = _parts(spec, (*gated, emulation.config if emulation else None))
    return DriverView(
        prefix=lowering.names.prefix,
        private=is_private(spec),
        function=functions.pop() if len(functions) == 1 else "any",
        headers=parent_headers(spec),
        header=f"{lowering.names.prefix}.h" if parts or hook_files(spec) else None,
        prototypes=plan_prototypes(lowering),
        defines=(),
        structures=plan_structures(lowering),
        registers=None,
        commands=commands,
        lifecycle=lifecycle,
        operations=tables,
        choice=plan_choice(lowering, tables),
        always_chosen=always_found(spec),
        resets=resets,
        id_table=id_table,
        id_data=plan_columns(lowering, id_table),
        module_info=tuple(_module_info(spec, kernel)),
        parts=parts,
        emulation=emulation,
        early=plan_early(lowering),
        capabilities=plan_capabilities(lowering),
        bar_access=plan_access(lowering),
        module=plan_module(lowering),
    )


def _complete(lowering: Lowering, view: DriverView, migration: MigrationView | None) -> DriverView:
    """Add what follows from the rest of the C: access functions and macros."""
    texts: list[str] = []
    _collect((view, migration), texts)
    words = words_of("\n".join(texts))
    view = replace(view, registers=plan_registers(lowering, words))
    defines = (
        *_vendor_defines(lowering.spec),
        *_id_defines(lowering.spec),
        *plan_defines(lowering, words),
        *plan_constants(lowering, words),
        *plan_tags(lowering),
    )
    return replace(view, defines=defines)


def parent_headers(spec: m.Spec) -> tuple[str, ...]:
    """Return the headers of the parent and of the lists of IDs."""
    found = [header.text for header in spec.provider.headers] if spec.provider else []
    found += [header.text for header in spec.headers]
    return tuple(dict.fromkeys([*found, *(str(d.header) for d in spec.devices if d.header)]))


def _collect(value: object, texts: list[str]) -> None:
    """Add the texts of a part of a view."""
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, tuple):
        for item in value:
            _collect(item, texts)
    elif isinstance(value, Record | Value) and type(value).__module__ == DriverView.__module__:
        _collect(astuple(value), texts)


def file_head(spec: m.Spec, name: str) -> FileHead:
    """Return what the files of a spec open with; `name` is what they say they are from."""
    generated = f"Generated by vfiogen from {name}; do not edit."
    lines = [spec.driver.copyright.text] if spec.driver.copyright else []
    lines.append(generated)
    return FileHead(
        spec.driver.license.text,
        tuple(f"/* {comment_text(one_line(line))} */" for line in lines),
        tuple(f"# {line_comment_text(line)}" for line in lines),
    )


def _vendor_defines(spec: m.Spec) -> tuple[Defines, ...]:
    named = [d for d in spec.devices if d.vendor_name]
    lines = tuple(dict.fromkeys(define(str(d.vendor_name), d.vendor.text) for d in named))
    return (Defines(lines, None, named[0].vendor.span),) if lines else ()


def _id_table(spec: m.Spec) -> Iterable[str]:
    for devices in spec.devices:
        vendor = str(devices.vendor_name or devices.vendor)
        for one in devices.lists:
            yield c.comment(one.title.text, 1).removeprefix("\t")
            yield f"{one.id}({_id_macro(spec, devices)}),"
        last = None
        for device in devices.ids:
            if device.title.text != last:
                yield c.comment(device.title.text, 1).removeprefix("\t")
            last = device.title.text
            entry = _id_entry(spec, vendor, device) + _id_class(devices)
            yield c.wrap(f"{{ {entry} }},", 1).removeprefix("\t")


def _id_entry(spec: m.Spec, vendor: str, device: m.DeviceId) -> str:
    entry = f"PCI_DRIVER_OVERRIDE_DEVICE_VFIO({vendor}, {device.id})"
    if not spec.columns:
        return entry
    return f"{entry}, .driver_data = (kernel_ulong_t)&{spec.driver.prefix}_ids[{spec.ids.index(device)}]"


def _id_class(devices: m.Devices) -> str:
    """Return what an entry says of the class: the upper byte of three, or both above the interface."""
    if devices.kind is None:
        return ""
    shift, mask = (16, "0xff0000") if devices.kind.text.startswith("PCI_BASE_CLASS_") else (8, "0xffff00")
    return f", .class = {devices.kind} << {shift}, .class_mask = {mask}"


def _id_macro(spec: m.Spec, devices: m.Devices) -> str:
    """Return the macro that lists of IDs apply to each; one for each vendor."""
    vendors = list(dict.fromkeys(str(d.vendor) for d in spec.devices if d.lists))
    return (
        f"{spec.driver.prefix}_device{vendors.index(str(devices.vendor)) + 1 if vendors[1:] else ''}".upper()
    )


def _id_defines(spec: m.Spec) -> tuple[Defines, ...]:
    vendors = {_id_macro(spec, d): str(d.vendor_name or d.vendor) for d in spec.devices if d.lists}
    lines = tuple(
        f"#define {macro}(id) \\\n\t{{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO({vendor}, id) }}"
        for macro, vendor in vendors.items()
    )
    return (Defines(lines, None, spec.devices[0].vendor.span),) if lines else ()


def _module_info(spec: m.Spec, kernel: Kernel) -> Iterable[str]:
    yield f"MODULE_LICENSE({c_string(module_license(spec.driver.license.text) or 'GPL')});"
    yield from (f"MODULE_AUTHOR({module_text(author.text)});" for author in spec.driver.authors)
    yield f"MODULE_DESCRIPTION({module_text(spec.driver.description.text)});"
    namespace = spec.provider.namespace if spec.provider else None
    if namespace:
        spelled = c_string(namespace.text) if kernel.has("import-ns-string") else namespace.text
        yield f"MODULE_IMPORT_NS({spelled});"
