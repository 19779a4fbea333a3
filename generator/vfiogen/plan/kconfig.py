# SPDX-License-Identifier: GPL-2.0-only
"""Kconfig and Makefile of one driver."""

from __future__ import annotations

from collections.abc import Iterable

from vfiogen.c import syntax as s
from vfiogen.c.text import kconfig_help, kconfig_string
from vfiogen.check.kernel import needed_symbols
from vfiogen.kernel.kbuild import BuildConfig
from vfiogen.kernel.target import Kernel
from vfiogen.model import spec as m
from vfiogen.records import Record

MODULE_HELP = "To compile this driver as a module, choose M here: the module will be called {module}."
SYMBOL_OPERATORS = {"and": "&&", "or": "||", "==": "=", "!=": "!="}


class OptionView(Record):
    """The entry of a part of the driver, likewise."""

    symbol: str
    prompt: str
    depends: tuple[str, ...]
    default: bool
    help: tuple[str, ...]


class KconfigView(Record):
    """One entry; expressions and texts are already those of Kconfig."""

    symbol: str
    kind: str
    prompt: str
    default: str | None
    depends: tuple[str, ...]
    selects: tuple[str, ...]
    help: tuple[str, ...]
    options: tuple[OptionView, ...]


class MakefileView(Record):
    """One module and its objects: those that it always has, and those of each symbol."""

    module: str
    objects: tuple[str, ...]
    optional: tuple[tuple[str, tuple[str, ...]], ...]


def plan_kconfig(spec: m.Spec, kernel: Kernel) -> KconfigView:
    """Return the driver's Kconfig entry. Old kernels let drivers depend on the core, newer ones select it."""
    if spec.driver.core_object:
        return _core_kconfig(spec.driver.kconfig)
    selected = kernel.has("kconfig-select-core")
    depends = [symbol_expression(f.tree) for f in spec.driver.kconfig.depends if f.tree]
    if _has_wide_registers(spec):
        depends.append("64BIT")
    if not selected:
        depends.append("VFIO_PCI_CORE")
    module = MODULE_HELP.format(module=spec.driver.name)
    text = f"{spec.driver.kconfig.help.text.strip()}\n\n{module}\n\nIf you don't know what to do here, say N."
    return KconfigView(
        spec.driver.kconfig.symbol.text,
        "tristate",
        kconfig_string(spec.driver.kconfig.prompt.text),
        None,
        tuple(dict.fromkeys(depends)),
        ("VFIO_PCI_CORE",) if selected else (),
        tuple(kconfig_help(text).split("\n")),
        tuple(_option(spec, option) for option in present_options(spec)),
    )


def present_options(spec: m.Spec) -> tuple[m.Option, ...]:
    """Return the options that something is under, on the kernel that the spec is for."""
    used = {word.text for word in needed_symbols(spec)}
    return tuple(option for option in spec.driver.kconfig.options if option.symbol.text in used)


def _core_kconfig(kconfig: m.Kconfig) -> KconfigView:
    """Return the entry of a part of the core, which is there unless somebody leaves it out."""
    return KconfigView(
        kconfig.symbol.text,
        "bool",
        kconfig_string(kconfig.prompt.text),
        "y",
        tuple(symbol_expression(f.tree) for f in kconfig.depends if f.tree),
        (),
        tuple(kconfig_help(kconfig.help.text.strip()).split("\n")),
        (),
    )


def _option(spec: m.Spec, option: m.Option) -> OptionView:
    depends = [symbol_expression(f.tree) for f in option.depends if f.tree]
    say = "Y" if option.default else "N"
    text = f"{option.help.text.strip()}\n\nIf you don't know what to do here, say {say}."
    return OptionView(
        option.symbol.text,
        kconfig_string(option.prompt.text),
        (spec.driver.kconfig.symbol.text, *depends),
        option.default,
        tuple(kconfig_help(text).split("\n")),
    )


def plan_makefile(spec: m.Spec, sources: Iterable[tuple[str, str | None]]) -> MakefileView:
    """Return the driver's module; `sources` are files beside main.c, each with the symbol that it is under.

    kbuild wants a list of objects that doesn't hold the module's own name.
    """
    objects: dict[str | None, list[str]] = {None: ["main.o"]}
    for name, config in sources:
        objects.setdefault(config, []).append(name.removesuffix(".c") + ".o")
    optional = tuple((config, tuple(found)) for config, found in objects.items() if config)
    return MakefileView(spec.driver.name.text, tuple(objects[None]), optional)


def unmet_dependencies(entry: m.Kconfig | m.Option, config: BuildConfig) -> list[str]:
    """Return the dependencies of a driver, or of a part of it, that a kernel's configuration doesn't meet."""
    trees = [formula.tree for formula in entry.depends if formula.tree]
    return [symbol_expression(tree) for tree in trees if not _holds(tree, config)]


def _holds(tree: s.Expression, config: BuildConfig) -> bool:
    match tree:
        case s.Name():
            return config.has(tree.name)
        case s.Unary(operator="not"):
            return not (config.known and _holds(tree.operand, config))
        case s.Binary(operator="and"):
            return _holds(tree.left, config) and _holds(tree.right, config)
        case s.Binary(operator="or"):
            return _holds(tree.left, config) or _holds(tree.right, config)
    return True


def symbol_expression(tree: s.Expression, inner: bool = False) -> str:
    """Return an expression over symbols as Kconfig spells it."""
    match tree:
        case s.Name():
            return tree.name
        case s.Unary(operator="not"):
            return f"!{symbol_expression(tree.operand, True)}"
        case s.Binary():
            mixed = inner or any(
                isinstance(x, s.Binary) and x.operator != tree.operator for x in (tree.left, tree.right)
            )
            left = symbol_expression(tree.left, mixed and isinstance(tree.left, s.Binary))
            right = symbol_expression(tree.right, mixed and isinstance(tree.right, s.Binary))
            text = f"{left} {SYMBOL_OPERATORS[tree.operator]} {right}"
            return f"({text})" if inner else text
    raise TypeError(f"no expression over symbols: {tree!r}")


def _has_wide_registers(spec: m.Spec) -> bool:
    wide = any(one.width == 64 for block in spec.registers if not block.is_early for one in block.registers)
    return wide or bool(spec.memories)
