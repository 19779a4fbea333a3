# SPDX-License-Identifier: GPL-2.0-only
"""The driver section and the devices."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from vfiogen.c import syntax as s
from vfiogen.c.names import c_name, is_kernel_constant, reserved_reason
from vfiogen.c.text import unwanted_character
from vfiogen.diagnostics import Problems, listing
from vfiogen.kernel.licenses import allowed, module_license
from vfiogen.model import spec as m

HEX_ID = re.compile(r"0x[0-9a-f]{1,4}")


def check_driver(spec: m.Spec, problems: Problems) -> None:
    """Report what the kernel can't take of the driver's names, texts, license and devices."""
    _check_license(spec.driver.license, problems)
    _check_texts(spec, problems)
    _check_symbols(spec.driver.kconfig, problems)
    _check_identifiers(spec, problems)
    _check_devices(spec, problems)


def _check_license(word: m.Word, problems: Problems) -> None:
    if word.text and module_license(word.text) is None:
        message = f"the kernel can't take a vfio-pci driver under {word.text}"
        problems.report("license", message, word.span, f"it takes {listing(allowed())}")


def _check_texts(spec: m.Spec, problems: Problems) -> None:
    for word in _texts(spec):
        found = unwanted_character(word.text)
        if found:
            problems.report("text", f"no output can hold {found[1]}", word.span, "take it out of the text")


def _texts(spec: m.Spec) -> Iterator[m.Word]:
    driver = spec.driver
    words: list[m.Word | None] = [
        driver.description,
        driver.copyright,
        driver.name_is_abi,
        *driver.authors,
    ]
    words += [driver.kconfig.prompt, driver.kconfig.help]
    words += [device.title for devices in spec.devices for device in devices.ids]
    words += [block.note for block in spec.registers]
    words += [register.note for block in spec.registers for register in block.registers]
    words += [field.note for layout in spec.layouts for field in layout.fields]
    words += [layout.note for layout in spec.layouts]
    words += [kept.note for kept in spec.context]
    words += [command.note for command in spec.commands]
    words += [o.reason for o in spec.migration.omitted] if spec.migration else []
    return (word for word in words if word is not None)


def _check_symbols(kconfig: m.Kconfig, problems: Problems) -> None:
    for formula in kconfig.depends:
        if formula.tree is None:
            continue
        for node in s.walk(formula.tree):
            if not isinstance(node, s.Name | s.Binary | s.Unary) or _arithmetic(node):
                message = "a dependency is made of symbols, and, or, not, == and !="
                problems.report(
                    "kconfig-depends",
                    message,
                    formula.span_of(node),
                    "for example: ARM64 or (COMPILE_TEST and 64BIT)",
                )


def _arithmetic(node: s.Expression) -> bool:
    if isinstance(node, s.Binary):
        return node.operator not in ("and", "or", "==", "!=")
    return isinstance(node, s.Unary) and node.operator != "not"


def _check_identifiers(spec: m.Spec, problems: Problems) -> None:
    """Names become C: none may be C's or the kernel's own, and no two may become the same."""
    groups: list[Iterable[m.Word]] = [
        _device_members(spec),
        [command.name for command in spec.commands],
        *([p.name for p in (*c.params, *c.results)] for c in spec.commands),
        *([field.name for field in layout.fields] for layout in spec.layouts),
        [layout.name for layout in spec.layouts],
    ]
    _check_reserved(spec.driver.prefix, problems)
    for group in groups:
        _check_group(group, problems)
    _check_functions(spec, problems)


def _device_members(spec: m.Spec) -> list[m.Word]:
    handle = [spec.provider.handle] if spec.provider else []
    return [*handle, *(kept.name for kept in spec.context)]


def _check_group(words: Iterable[m.Word], problems: Problems) -> None:
    seen: dict[str, m.Word] = {}
    for word in words:
        _check_reserved(word, problems)
        name = c_name(word.text)
        first = seen.setdefault(name, word)
        if first is not word:
            message = f"{word} and {first} are both {name} in C"
            problems.report("c-name-clash", message, word.span, related=((first.span, "the first one"),))


def _check_reserved(word: m.Word, problems: Problems) -> None:
    reason = reserved_reason(c_name(word.text))
    if reason:
        problems.report("reserved-name", f"{c_name(word.text)} is {reason}", word.span, "choose another name")


# What the templates call functions, without the prefix.
_OWN_NAMES = """
    begin_access check_match check_write close_device continue_saving driver end_access err_handlers
    file_error finish_loading from_pci from_vfio get_data_size get_state identify init load load_state
    lock_state migration_ops open_device open_file ops precopy_ioctl probe put_file put_files read16 read32
    read64 read8 release release_file remove reset_done resume_fops resume_write save_fops save_pre_copy
    save_read save_state save_stop_copy set_state start_loading start_saving step stop_and_save table
    write16 write32 write64 write8
"""
OWN_NAMES = frozenset(_OWN_NAMES.split())


def _check_functions(spec: m.Spec, problems: Problems) -> None:
    """A command that is a single call has no function of its own, and so no name in C."""
    for command in spec.commands:
        has_function = command.results or any(body.call is None for body in command.bodies)
        if has_function and c_name(command.name.text) in OWN_NAMES:
            name = f"{spec.driver.prefix}_{c_name(command.name.text)}"
            problems.report(
                "c-name-clash",
                f"the driver has a function {name} already",
                command.name.span,
                "choose another name",
            )


def _check_devices(spec: m.Spec, problems: Problems) -> None:
    seen: dict[tuple[str, str], m.Word] = {}
    for devices in spec.devices:
        _check_id(devices.vendor, "vendor", problems)
        _check_vendor_name(devices, problems)
        for device in devices.ids:
            _check_id(device.id, "device", problems)
            first = seen.setdefault((devices.vendor.text, device.id.text), device.id)
            if first is not device.id:
                message = f"{device.id} is listed twice"
                problems.report(
                    "duplicate-id",
                    message,
                    device.id.span,
                    related=((first.span, "the first time"),),
                )


def _check_id(word: m.Word, kind: str, problems: Problems) -> None:
    if not word.text or HEX_ID.fullmatch(word.text) or is_kernel_constant(word.text):
        return
    shown = f"0x{int(word.text, 10):04x}" if word.text.isdecimal() and int(word.text) < 0x10000 else ""
    problems.report(
        "pci-id",
        f"{word} isn't a {kind} ID",
        word.span,
        "IDs are 0x and up to four lower-case hex digits, or a constant of the kernel",
        f"if that is decimal, write {shown}; if hex, 0x{word}" if shown and len(word.text) <= 4 else "",
    )


def _check_vendor_name(devices: m.Devices, problems: Problems) -> None:
    if devices.vendor_name and not devices.vendor.text.startswith("0x"):
        problems.report(
            "pci-id",
            f"{devices.vendor} has a name already",
            devices.vendor_name.span,
            "vendor-name is for a vendor ID in hex that linux/pci_ids.h has no name for",
        )
