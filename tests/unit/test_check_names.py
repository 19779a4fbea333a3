# SPDX-License-Identifier: GPL-2.0-only
"""What the checks know of the names in rendered C, held against rendered drivers."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.golden.rendering import combination_specs, load, project_specs

from vfiogen import pipeline
from vfiogen.c.names import c_name, reserved_reason
from vfiogen.check import names
from vfiogen.diagnostics import Problems
from vfiogen.kernel.target import kernel_from_release
from vfiogen.model import spec as m
from vfiogen.model.walk import formulas
from vfiogen.model.walk import names as names_in
from vfiogen.plan.names import Names

RELEASES = ("6.1.192", "6.12.117", "7.3.4")
HEAD = re.compile(r"^(?:static )?[a-z][\w *]*?\b(\w+)\([^;{]*\)\n\{\n(.*?)^\}", re.M | re.S)
WORDS = "if while for switch return sizeof case ARC"
TYPES = r"(?:struct \w+|enum \w+|u8|u16|u32|u64|s64|int|long|bool|size_t|ssize_t|loff_t|char|void)"
VARIABLE = re.compile(rf"\b{TYPES}(?: __user| __iomem)? \**((?!__)\w+)(?=[;,)= \[])")


@cache
def rendered() -> list[tuple[m.Spec, str]]:
    """Return specs with their main.c, without its comments, for every kernel that they exist on."""
    found = []
    for release in RELEASES:
        kernel = kernel_from_release(release)
        for spec in pipeline.check_for(load([*project_specs(), *combination_specs()]), kernel, Problems()):
            files = {
                str(file.path.name): file.data.decode() for file in pipeline.render_specs([spec], kernel)
            }
            text = files.get("main.c") or _source(files)
            found.append((spec.model, re.sub(r"/\*.*?\*/", "", text, flags=re.S)))
    return found


def _source(files: dict[str, str]) -> str:
    """Return the C of a part of the core."""
    return next(text for name, text in files.items() if name.endswith(".c"))


def own_commands(spec: m.Spec) -> set[str]:
    words = [x.name.text for x in (*spec.commands, *spec.channels)]
    words += [f"handle-{one.name}" for one in spec.events]
    return {names.own_name(spec.driver.prefix.text, word) for word in words}


def spelled(spec: m.Spec) -> set[str]:
    """Return everything that a spec names itself, as C spells it."""
    found = set(names_in(formulas(spec)))
    found |= {register.name.text for block in spec.registers for register in block.registers}
    found |= {p.name.text for command in spec.commands for p in (*command.params, *command.results)}
    return {c_name(name) for name in found}


def test_functions_are_known() -> None:
    for spec, text in rendered():
        prefix = f"{spec.driver.prefix}_"
        for name, _ in HEAD.findall(text):
            assert name in own_commands(spec) or name.removeprefix(prefix) in names.own_functions(spec), name


def test_tables_are_known() -> None:
    for spec, text in rendered():
        for name in re.findall(r"^static (?:const )?struct \w+ (\w+)(?:\[\])? = ", text, re.M):
            assert name.removeprefix(f"{spec.driver.prefix}_") in names.own_functions(spec)


def test_members_are_known() -> None:
    for spec, text in rendered():
        found = re.search(rf"^struct {spec.driver.prefix}_device {{\n(.*?)^}};", text, re.M | re.S)
        own = {c_name(kept.name.text) for kept in spec.context}
        own |= {c_name(one.name.text) for one in spec.events}
        own |= {c_name(block.name.text) for block in spec.registers if block.base}
        own |= {c_name(spec.provider.handle.text)} if spec.provider else set()
        own |= {c_name(block.name.text) for block in spec.registers if block.is_early}
        own |= {c_name(f"config-{field.name}") for field in spec.config_space}
        own |= {c_name(f"{region.name}-memory") for region in spec.device_regions}
        for member in re.findall(r"(\w+);", found[1] if found else ""):
            assert member in own | names.DEVICE_MEMBERS


def test_called_functions_are_known() -> None:
    """Long names can't be a prefix, and no prefix begins like the core's or the bus's."""
    for spec, text in rendered():
        code = re.sub(r'"(?:\\.|[^"\\])*"', '""', text)
        prefix = spec.driver.prefix.text
        bodies = "\n".join(body for _, body in HEAD.findall(code))
        for name in set(re.findall(r"(?<!>)\b([a-z]\w*)\(", bodies)) - set(WORDS.split()) - spelled(spec):
            known = name in names.CALLED or reserved_reason(name) or name.startswith(f"{prefix}_")
            assert known or len(name) > 16 or name.startswith(("vfio_", "pci_", "cpu_to", "le", "be")), name


def test_variables_are_known() -> None:
    for spec, text in rendered():
        prefix = spec.driver.prefix.text
        own = spelled(spec) | {
            re.sub(r"\W", "_", key).lower() for key in re.findall(r'_read_u64\(.*?"(.*?)"', text, re.S)
        }
        own |= {one.structure.text.rpartition("_")[2] for one in spec.every_capability}
        own |= {"sum", "product", "difference", "holds", "chosen", "name", "produced"}
        for _, body in HEAD.findall(text):
            for variable in VARIABLE.findall(body):
                plain = variable.rstrip("0123456789")
                assert plain in names.PREFIX_LOCALS | own or variable == prefix or c_name(plain) in own, (
                    variable
                )


@pytest.mark.parametrize("name", sorted(names.PREFIX_LOCALS | names.CALLED | names.KERNEL_PREFIXES))
def test_names_are_such_that_a_prefix_could_be(name: str) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)


@given(
    prefix=st.from_regex(r"[a-z]{1,4}(_[a-z]{1,3})?", fullmatch=True),
    name=st.from_regex(r"[a-z]{1,5}(-[a-z]{1,4})*", fullmatch=True),
)
def test_checks_and_plan_spell_alike(prefix: str, name: str) -> None:
    for one in (name, f"{prefix}-{name}", prefix):
        assert names.own_name(prefix, one) == Names(prefix).own(one)
