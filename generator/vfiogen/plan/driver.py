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
from vfiogen.plan.commands import plan_commands, plan_prototypes
from vfiogen.plan.includes import words_of
from vfiogen.plan.kconfig import KconfigView, MakefileView, plan_kconfig, plan_makefile
from vfiogen.plan.lifecycle import has_close, has_init, is_private, plan_lifecycle
from vfiogen.plan.lower import Lowering
from vfiogen.plan.migration import migration_flags, plan_migration
from vfiogen.plan.names import Names
from vfiogen.plan.registers import define, plan_defines, plan_registers
from vfiogen.plan.specialise import specialise
from vfiogen.plan.structures import plan_constants, plan_structures
from vfiogen.plan.view import Defines, DriverView, MigrationView
from vfiogen.records import Record, Value, astuple, replace

CORE_OPERATIONS = {
    "init": "vfio_pci_core_init_dev",
    "release": "vfio_pci_core_release_dev",
    "open_device": "",
    "close_device": "vfio_pci_core_close_device",
    "ioctl": "vfio_pci_core_ioctl",
    "get_region_info_caps": "vfio_pci_ioctl_get_region_info",
    "device_feature": "vfio_pci_core_ioctl_feature",
    "read": "vfio_pci_core_read",
    "write": "vfio_pci_core_write",
    "mmap": "vfio_pci_core_mmap",
    "request": "vfio_pci_core_request",
    "match": "vfio_pci_core_match",
    "match_token_uuid": "vfio_pci_core_match_token_uuid",
    "bind_iommufd": "vfio_iommufd_physical_bind",
    "unbind_iommufd": "vfio_iommufd_physical_unbind",
    "attach_ioas": "vfio_iommufd_physical_attach_ioas",
    "detach_ioas": "vfio_iommufd_physical_detach_ioas",
}
# Members that not every kernel has, and the feature that says so.
OPERATION_FEATURES = {
    "get_region_info_caps": "region-info-caps",
    "match_token_uuid": "match-token-uuid",
    "bind_iommufd": "iommufd-ops",
    "unbind_iommufd": "iommufd-ops",
    "attach_ioas": "iommufd-ops",
    "detach_ioas": "detach-ioas",
}


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
    lowering = Lowering(spec, Names(spec.driver.prefix.text), Analysis(spec, Problems()))
    hooks = hook_files(spec)
    migration = plan_migration(lowering, spec.migration) if spec.migration else None
    view = _complete(lowering, _driver(lowering, kernel), migration)
    return DriverPlan(
        _file_head(spec, name),
        view,
        migration,
        plan_kconfig(spec, kernel),
        plan_makefile(spec, hooks),
        hooks,
    )


def hook_files(spec: m.Spec) -> tuple[str, ...]:
    """Return the hand-written sources that the spec's commands name, each once."""
    named = (body.hook.text for command in spec.commands for body in command.bodies if body.hook)
    return tuple(dict.fromkeys(named))


def _driver(lowering: Lowering, kernel: Kernel) -> DriverView:
    spec = lowering.spec
    flags = migration_flags(spec.migration) if spec.migration else ()
    functions = {device.function for device in spec.devices}
    return DriverView(
        prefix=lowering.names.prefix,
        private=is_private(spec),
        function=functions.pop() if len(functions) == 1 else "any",
        headers=_headers(spec.provider),
        header=f"{lowering.names.prefix}.h" if hook_files(spec) else None,
        prototypes=plan_prototypes(lowering),
        defines=(),
        structures=plan_structures(lowering),
        registers=None,
        commands=plan_commands(lowering),
        lifecycle=plan_lifecycle(lowering, kernel, flags),
        operations=_operations(lowering, kernel),
        id_table=tuple(_id_table(spec)),
        module_info=tuple(_module_info(spec, kernel)),
    )


def _complete(lowering: Lowering, view: DriverView, migration: MigrationView | None) -> DriverView:
    """Add what follows from the rest of the C: access functions and macros."""
    words = words_of("\n".join(_texts((view, migration))))
    view = replace(view, registers=plan_registers(lowering, words))
    defines = (
        *_vendor_defines(lowering.spec),
        *plan_defines(lowering, words),
        *plan_constants(lowering, words),
    )
    return replace(view, defines=defines)


def _headers(provider: m.Provider | None) -> tuple[str, ...]:
    return tuple(header.text for header in provider.headers) if provider else ()


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Record | Value) and type(value).__module__ == DriverView.__module__:
        yield from _texts(astuple(value))


def _file_head(spec: m.Spec, name: str) -> FileHead:
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


def _operations(lowering: Lowering, kernel: Kernel) -> tuple[tuple[str, str], ...]:
    """Return every member that the kernel's table has; the core calls some of them unconditionally."""
    prefix, spec = lowering.names.prefix, lowering.spec
    own = {"open_device"}
    own |= {"init", "release"} if has_init(spec) else set()
    own |= {"close_device"} if has_close(spec) else set()
    present = [n for n in CORE_OPERATIONS if n not in OPERATION_FEATURES or kernel.has(OPERATION_FEATURES[n])]
    members = [(n, f"{prefix}_{n}" if n in own else CORE_OPERATIONS[n]) for n in present]
    return (("name", c_string(spec.driver.name.text)), *members)


def _id_table(spec: m.Spec) -> Iterable[str]:
    for devices in spec.devices:
        vendor = str(devices.vendor_name or devices.vendor)
        last = None
        for device in devices.ids:
            if device.title.text != last:
                yield c.comment(device.title.text, 1).removeprefix("\t")
            last = device.title.text
            yield c.wrap(f"{{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO({vendor}, {device.id}) }},", 1).removeprefix(
                "\t"
            )


def _module_info(spec: m.Spec, kernel: Kernel) -> Iterable[str]:
    yield f"MODULE_LICENSE({c_string(module_license(spec.driver.license.text) or 'GPL')});"
    yield from (f"MODULE_AUTHOR({module_text(author.text)});" for author in spec.driver.authors)
    yield f"MODULE_DESCRIPTION({module_text(spec.driver.description.text)});"
    namespace = spec.provider.namespace if spec.provider else None
    if namespace:
        spelled = c_string(namespace.text) if kernel.has("import-ns-string") else namespace.text
        yield f"MODULE_IMPORT_NS({spelled});"
