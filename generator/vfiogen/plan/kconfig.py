# SPDX-License-Identifier: GPL-2.0-only
"""Kconfig and Makefile of one driver."""

from __future__ import annotations

from vfiogen.c import syntax as s
from vfiogen.c.text import kconfig_help, kconfig_string
from vfiogen.kernel.kbuild import BuildConfig
from vfiogen.kernel.target import Kernel
from vfiogen.model import spec as m
from vfiogen.records import Record

MODULE_HELP = "To compile this driver as a module, choose M here: the module will be called {module}."
SYMBOL_OPERATORS = {"and": "&&", "or": "||", "==": "=", "!=": "!="}


class KconfigView(Record):
    """One entry; expressions and texts are already those of Kconfig."""

    symbol: str
    prompt: str
    depends: tuple[str, ...]
    selects: tuple[str, ...]
    help: tuple[str, ...]


class MakefileView(Record):
    """One module and its objects."""

    module: str
    objects: tuple[str, ...]


def plan_kconfig(spec: m.Spec, kernel: Kernel) -> KconfigView:
    """Return the driver's Kconfig entry. Old kernels let drivers depend on the core, newer ones select it."""
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
        kconfig_string(spec.driver.kconfig.prompt.text),
        tuple(dict.fromkeys(depends)),
        ("VFIO_PCI_CORE",) if selected else (),
        tuple(kconfig_help(text).split("\n")),
    )


def plan_makefile(spec: m.Spec, hooks: tuple[str, ...]) -> MakefileView:
    """Return the driver's module. kbuild wants a list of objects that doesn't hold the module's own name."""
    objects = ("main.o", *(hook.removesuffix(".c") + ".o" for hook in hooks))
    return MakefileView(spec.driver.name.text, objects)


def unmet_dependencies(spec: m.Spec, config: BuildConfig) -> list[str]:
    """Return the dependencies of a driver that a kernel's configuration doesn't meet."""
    trees = [formula.tree for formula in spec.driver.kconfig.depends if formula.tree]
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
    wide = any(register.width == 64 for block in spec.registers for register in block.registers)
    return wide or bool(spec.memories)
