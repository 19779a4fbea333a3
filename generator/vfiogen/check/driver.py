# SPDX-License-Identifier: GPL-2.0-only
"""The driver section, the parent and the devices."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vfiogen.c import syntax as s
from vfiogen.c.names import is_kconfig_symbol, is_kernel_constant
from vfiogen.check.kernel import check_header, has_file
from vfiogen.diagnostics import Problems, listing, quote
from vfiogen.kernel.licenses import allowed, module_license
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.typed import walk
from vfiogen.model.types import VOID, read_type
from vfiogen.model.walk import names

VENDORS = "PCI_VENDOR_ID_"
CLASSES = ("PCI_BASE_CLASS_", "PCI_CLASS_")
ANY = "PCI_ANY_ID"
HEX_ID = re.compile(r"0x[0-9a-f]{1,4}")
# MODULE_NAME_LEN of include/linux/moduleparam.h on 64 bits, less the final NUL.
LONGEST_MODULE = 55


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Modules of drivers/vfio, and what kbuild takes NAME-y or NAME-objs for.
VFIO_MODULES = _words("vfio vfio-iommu-type1 vfio-mdev vfio-pci vfio-pci-core vfio-platform vfio-virqfd")
KBUILD_WORDS = _words("""
    always asflags ccflags clean-files dtb extra generated header-test hostprogs ldflags lib main mandatory
    no-header-test obj rustflags subdir subdir-asflags subdir-ccflags targets userprogs
""")
# Symbols of drivers/vfio that an entry of ours would define again.
VFIO_SYMBOLS = _words("""
    IOMMUFD MODULES PCI VFIO VFIO_CONTAINER VFIO_DEBUGFS VFIO_DEVICE_CDEV VFIO_GROUP VFIO_IOMMU_TYPE1
    VFIO_NOIOMMU VFIO_PCI VFIO_PCI_CORE VFIO_PCI_DMABUF VFIO_PCI_IGD VFIO_PCI_INTX VFIO_PCI_MMAP VFIO_PCI_VGA
    VFIO_PCI_ZDEV_KVM VFIO_VIRQFD
""")
TRISTATES = ("y", "m", "n")


def check_driver(spec: m.Spec, analysis: Analysis, problems: Problems) -> None:
    """Report what the kernel can't take of the driver's module, license, symbol, parent and devices."""
    _check_module(spec.driver, problems)
    _check_license(spec.driver.license, problems)
    _check_symbols(spec.driver.kconfig, problems)
    _check_parts(spec, problems)
    if spec.provider:
        _check_provider(spec.provider, analysis, Scope(spec).before_open())
    _check_devices(spec, problems)


def _check_module(driver: m.Driver, problems: Problems) -> None:
    name = driver.name
    if name.text.replace("_", "-") in VFIO_MODULES:
        _taken(f"{quote(name.text)} is a module of the kernel's own", name, problems)
    elif name.text in KBUILD_WORDS:
        _taken(f"{quote(name.text)} means something else to kbuild", name, problems)
    elif len(name.text) > LONGEST_MODULE:
        message = f"the name has {len(name.text)} characters, and that of a module at most {LONGEST_MODULE}"
        problems.report("value-range", message, name.span, f"shorten it by {len(name.text) - LONGEST_MODULE}")
    # A part of the core is what its symbol stands for.
    for symbol in driver.kconfig.symbols if driver.core_object is None else ():
        if symbol.text in VFIO_SYMBOLS:
            _taken(f"{quote(symbol.text)} is a symbol of the kernel's own", symbol, problems)


def _taken(message: str, word: m.Word, problems: Problems) -> None:
    problems.report("reserved-name", message, word.span, "choose another name")


def _check_license(word: m.Word, problems: Problems) -> None:
    balanced = word.text.startswith("(") == word.text.endswith(")")
    if word.text and (module_license(word.text) is None or not balanced):
        message = f"the kernel can't take a vfio-pci driver under {quote(word.text)}"
        problems.report("license", message, word.span, f"it takes {listing(allowed())}")


# Kconfig


def _check_symbols(kconfig: m.Kconfig, problems: Problems) -> None:
    _check_depends(kconfig, problems)
    for option in kconfig.options:
        _check_depends(option, problems)
        if option.symbol.text == kconfig.symbol.text:
            message = f"{quote(option.symbol.text)} is the symbol of the driver itself"
            _taken(message, option.symbol, problems)


def _check_parts(spec: m.Spec, problems: Problems) -> None:
    """What is under an option has a source file, unless that is all hand-written."""
    taken = {*spec.driver.own_files, *(b.hook.text for c in spec.commands for b in c.bodies if b.hook)}
    for option in spec.driver.kconfig.options:
        name = spec.driver.kconfig.file_of(option)
        if name in taken and has_file(spec, option):
            message = f"what is under this is in a file {quote(name)}, and there is one already"
            _taken(message, option.symbol, problems)


def _check_depends(entry: m.Kconfig | m.Option, problems: Problems) -> None:
    for formula in entry.depends:
        wrong = list(_wrong_parts(formula.tree, False)) if formula.tree else []
        for message, node, hint in wrong:
            problems.report("kconfig-depends", message, formula.span_of(node), hint)
        if not wrong and entry.symbol.text in names([formula]):
            message = f"{quote(entry.symbol.text)} can't depend on itself"
            problems.report("kconfig-depends", message, formula.span)


_DEPENDS_HINT = "for example: `ARM64 or (COMPILE_TEST and 64BIT)`"


def _wrong_parts(tree: s.Expression, compared: bool) -> Iterator[tuple[str, s.Expression, str]]:
    """Yield what Kconfig has no words for, with a hint; `compared` is what stands beside == or !=."""
    match tree:
        case s.Name():
            if not is_kconfig_symbol(tree.name) and not (compared and tree.name in TRISTATES):
                message, hint = _no_symbol(tree.name)
                yield message, tree, hint
        case s.Unary(operator="not"):
            yield from _wrong_parts(tree.operand, False)
        case s.Binary(operator="and" | "or" | "==" | "!="):
            beside = tree.operator in ("==", "!=")
            for part in (tree.left, tree.right):
                if beside and not isinstance(part, s.Name):
                    yield "only symbols, `y`, `m` and `n` are compared", part, _DEPENDS_HINT
                else:
                    yield from _wrong_parts(part, beside)
        case _:
            yield "a dependency is made of symbols, `and`, `or`, `not`, `==` and `!=`", tree, _DEPENDS_HINT


def _no_symbol(name: str) -> tuple[str, str]:
    """Return a message and a hint for a name that isn't a symbol."""
    plain = name.removeprefix("CONFIG_")
    if plain != name and is_kconfig_symbol(plain):
        return f"a symbol is written without CONFIG_, and this is {quote(name)}", f"write {quote(plain)}"
    if name in TRISTATES:
        return f"{quote(name)} is a value of a symbol", f"compare a symbol with it: `ACME == {name}`"
    hint = f"write {quote(name.upper())}" if is_kconfig_symbol(name.upper()) else _DEPENDS_HINT
    return f"{quote(name)} isn't a symbol: those have capitals", hint


# The parent


def _check_provider(provider: m.Provider, analysis: Analysis, scope: Scope) -> None:
    for header in provider.headers:
        check_header(header, analysis.problems)
    _check_get(provider, analysis, scope)
    put = analysis.call(provider.put, scope)
    if put is not None and provider.put and provider.handle.text not in names([provider.put]):
        message = f"the call doesn't give back {quote(provider.handle.text)}"
        analysis.problems.report("provider-handle", message, provider.put.span, "pass the handle to it")
    _check_hold(provider, analysis, scope)


def _check_hold(provider: m.Provider, analysis: Analysis, scope: Scope) -> None:
    """A handle that is given back at the end of init is kept for as long as something says that it works."""
    if provider.hold == "init" and (provider.put is None or provider.usable is None):
        message = f"{quote(provider.handle.text)} is given back at the end of init and used later"
        hint = "say with `put` what gives it back, and with `usable` until when it can be used"
        analysis.problems.report("provider-handle", message, provider.handle.span, hint)
    if provider.usable is None:
        return
    if not provider.is_kept:
        message = f"{quote(provider.handle.text)} is looked up for each command, so it is usable or not there"
        analysis.problems.report("provider-handle", message, provider.usable.span, "take `usable` away")
    typed = analysis.condition(provider.usable, scope.without_handle())
    if typed is not None and any(isinstance(part, t.Run | t.Read) for part in walk(typed)):
        message = "whether the handle is usable is told from values of the context"
        hint = "an event can set one"
        analysis.problems.report("provider-handle", message, provider.usable.span, hint)


def _check_get(provider: m.Provider, analysis: Analysis, scope: Scope) -> None:
    get = analysis.call(provider.get, scope.without_handle())
    kind = read_type(provider.type.text)
    if kind is not None and kind.kind != "pointer":
        message = f"a handle is a pointer to a structure of the parent, and {quote(kind.name)} isn't"
        analysis.problems.report("type", message, provider.type.span)
    elif get is not None and kind is not None and not kind.same(get.type):
        returned = "only an error" if get.type is VOID else quote(get.type.name)
        message = f"the handle is a {quote(kind.name)}, and this call returns {returned}"
        hint = f"say what it returns: `-> {kind.name} or errno`, or `or null`"
        analysis.problems.report("provider-handle", message, provider.get.span, hint)


# Devices


def _check_devices(spec: m.Spec, problems: Problems) -> None:
    seen: dict[tuple[str, str], m.Word] = {}
    named: dict[str, m.Word] = {}
    for devices in spec.devices:
        _check_id(devices.vendor, "vendor", problems)
        _check_vendor_name(devices, named, problems)
        _check_class(devices, problems)
        for device in devices.ids:
            _check_id(device.id, "device", problems)
            pair = (_canonical(devices.vendor), _canonical(device.id))
            first = seen.setdefault(pair, device.id)
            if first is not device.id:
                message = f"{quote(device.id.text)} is listed twice"
                related = ((first.span, "the first time"),)
                problems.report("duplicate-id", message, device.id.span, related=related)
    _check_functions(spec.devices, problems)
    _check_any(spec, problems)
    _check_denied(spec.denylist, problems)


def _canonical(word: m.Word) -> str:
    """Return an ID as all its spellings have it: 0x10 is 0x0010."""
    return f"{int(word.text, 16):#x}" if HEX_ID.fullmatch(word.text) else word.text


def _check_id(word: m.Word, kind: str, problems: Problems) -> None:
    text = word.text
    if not text or text == ANY or HEX_ID.fullmatch(text):
        return
    if is_kernel_constant(text) and (kind == "device" or text.startswith(VENDORS)):
        return
    problems.report("pci-id", f"{quote(text)} isn't a {kind} ID", word.span, *_id_hints(text))


def _check_any(spec: m.Spec, problems: Problems) -> None:
    """A driver for any device is chosen instead of vfio-pci, and must be as good for unknown ones."""
    plain = not spec.variants or spec.variants[-1].when is None
    for devices in spec.devices:
        open_ended = next((one.id for one in devices.ids if one.id.text == ANY), None)
        if devices.vendor.text == ANY and any(one.id.text != ANY for one in devices.ids):
            message = "a device ID says nothing without a vendor"
            hint = f"name the vendor, or write `{ANY}` in ids"
            problems.report("pci-id", message, devices.vendor.span, hint)
        elif open_ended and not (plain and devices.function == "any"):
            message = "a driver for any ID is chosen for devices that it can't take"
            hint = "end the variants with one that has no `when`, and take any function; or list the IDs"
            problems.report("pci-id", message, open_ended.span, hint)
        elif open_ended and (devices.ids[1:] or devices.lists):
            message = "any ID has all the others in it"
            problems.report("duplicate-id", message, open_ended.span, "take those away")


def _check_denied(denylist: m.Denylist | None, problems: Problems) -> None:
    for devices in denylist.devices if denylist else ():
        _check_id(devices.vendor, "vendor", problems)
        for device in devices.ids:
            _check_id(device.id, "device", problems)
        for word in (devices.vendor, *(device.id for device in devices.ids)):
            if word.text == ANY:
                problems.report("pci-id", "what is denied has an ID", word.span)


def _check_class(devices: m.Devices, problems: Problems) -> None:
    word = devices.kind
    if word is not None and is_kernel_constant(word.text) and not word.text.startswith(CLASSES):
        message = f"{quote(word.text)} isn't a class"
        hint = f"those of linux/pci_ids.h begin with {CLASSES[0]} or {CLASSES[1]}"
        problems.report("pci-id", message, word.span, hint)
    elif word is not None and devices.lists:
        problems.report("pci-id", "lists of IDs have no class", word.span, "take it away")


def _id_hints(text: str) -> Iterator[str]:
    if is_kernel_constant(text):
        yield f"those of linux/pci_ids.h begin with {VENDORS}: {quote(VENDORS + text)}, say"
        return
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,4}", text):
        yield f"write {quote(text.lower())}"
        return
    if re.fullmatch(r"0[xX][0-9a-fA-F]{8}", text):
        vendor, device = text[:6].lower(), f"0x{text[6:].lower()}"
        yield f"if those are a vendor and a device, write `vendor: {vendor}`, and `{device}` in ids"
        return
    if re.fullmatch(r"0[xX][0-9a-fA-F]+", text):
        yield f"an ID has up to four hex digits, and this has {len(text) - 2}"
        return
    yield "IDs are 0x and up to four lower-case hex digits, or a constant of the kernel"
    if re.fullmatch(r"[0-9]{1,4}", text):
        yield f"if those are hex digits, write `0x{text:0>4}`; if it is a decimal number, `{int(text):#06x}`"


def _check_vendor_name(devices: m.Devices, named: dict[str, m.Word], problems: Problems) -> None:
    name = devices.vendor_name
    if name is None:
        return
    first = named.setdefault(name.text, devices.vendor)
    if not devices.vendor.text.startswith("0x"):
        message = f"{quote(devices.vendor.text)} has a name already"
        hint = "vendor-name is for a vendor ID in hex that linux/pci_ids.h has no name for"
        problems.report("pci-id", message, name.span, hint)
    elif not name.text.startswith(VENDORS):
        message = f"the name of a vendor ID begins with {VENDORS}, and {quote(name.text)} doesn't"
        problems.report("pci-id", message, name.span)
    elif _canonical(first) != _canonical(devices.vendor):
        message = f"{quote(name.text)} is the name of {first} already"
        problems.report("pci-id", message, name.span, related=((first.span, "that vendor ID"),))


def _check_functions(devices: tuple[m.Devices, ...], problems: Problems) -> None:
    """The driver looks at the function once, whatever the ID."""
    first = devices[0] if devices else None
    for other in devices[1:]:
        if first is not None and other.function != first.function:
            message = f"these are {_functions(other)}, and those above {_functions(first)}"
            hint = "a driver takes virtual functions, physical ones, or any: say the same in every entry"
            related = ((first.vendor.span, f"{_functions(first)}"),)
            problems.report("device-function", message, other.vendor.span, hint, related=related)


def _functions(devices: m.Devices) -> str:
    names_of = {"vf": "virtual functions", "pf": "physical functions", "any": "functions of any kind"}
    return names_of.get(devices.function, devices.function)
