# SPDX-License-Identifier: GPL-2.0-only
"""Views to text, by the templates."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

from vfiogen.c import layout as c
from vfiogen.c.share import share
from vfiogen.kernel.target import Kernel
from vfiogen.plan.includes import plan_includes
from vfiogen.records import replace

if TYPE_CHECKING:
    from vfiogen.plan.core import CorePlan
    from vfiogen.plan.driver import DriverPlan, FileHead
    from vfiogen.plan.view import DriverView, MigrationView

BLANK_LINES = re.compile(r"\n{3,}")
TEMPLATE_FEATURES = (
    *("kzalloc-obj", "precopy-info-v2", "mig-data-size", "region-info-caps", "get-iomap", "setup-barmap"),
    *("memory-enabled", "vmf-insert-pfn", "huge-pfnmap", "pfn-t", "pfn-address-space", "dmabuf-ops"),
    *("dmabuf-phys-vec", "linux-unaligned-h"),
)


def template_directory() -> Path:
    """Return the templates: inside the package when installed, beside generator/ in a checkout."""
    package = Path(__file__).parent
    installed = package / "templates"
    return installed if installed.is_dir() else package.parents[1] / "templates"


def _bytecode_cache() -> FileSystemBytecodeCache | None:
    """Keep compiled templates in the user's cache; Jinja keys them by their text.

    Compiling takes longer than all the rest. Where nothing can be written there is no cache.
    """
    try:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        directory = root / "vfiogen" / "templates"
        directory.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return FileSystemBytecodeCache(str(directory)) if os.access(directory, os.W_OK) else None


@cache
def environment() -> Environment:
    """Return what templates are rendered with."""
    made = Environment(
        loader=FileSystemLoader(template_directory()),
        bytecode_cache=_bytecode_cache(),
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    made.globals |= {
        "function": c.function_head,
        "call": _call,
        "wrap": _wrap,
        "yaml": _yaml_string,
        "includes": plan_includes,
    }
    return made


def _call(head: str, arguments: list[str], tail: str = ";", indent: int = 1) -> str:
    """Wrap a call for a place in a template that is indented already."""
    return c.wrap_call(head, arguments, tail, indent).removeprefix("\t" * indent)


def _yaml_string(text: str) -> str:
    """Return a double-quoted YAML scalar; JSON strings are just that."""
    return json.dumps(text, ensure_ascii=False)


def _wrap(text: str, indent: int = 1) -> str:
    """Wrap any line, likewise."""
    return c.wrap(text, indent).removeprefix("\t" * indent)


def render_template(name: str, values: Mapping[str, object]) -> str:
    """Return a rendered template, with one blank line where optional parts left several."""
    text = environment().get_template(name).render(values)
    return BLANK_LINES.sub("\n\n", text).strip("\n") + "\n"


def render_sources(
    file: FileHead, driver: DriverView, migration: MigrationView | None, kernel: Kernel
) -> dict[str, str]:
    """Return main.c and the files beside it."""
    features = {name.replace("-", "_"): kernel.has(name) for name in TEMPLATE_FEATURES}
    values = {"p": driver.prefix, "file": file, "driver": driver, "migration": migration, "kernel": features}
    main = {"main.c": render_template("driver.c.j2", values | {"config": None})}
    return main | {
        part.name: render_template("part.c.j2", values | {"config": part.config}) for part in driver.parts
    }


def render_core(plan: CorePlan) -> dict[str, str]:
    """Return the files of a part of the core, by name."""
    from vfiogen.plan.core import PRIVATE_HEADER

    return {
        f"Kconfig.{plan.name}": render_template("Kconfig.j2", {"file": plan.file, "kconfig": plan.kconfig}),
        f"{plan.name}.c": render_template("core.c.j2", {"core": plan, "private": PRIVATE_HEADER}),
    }


def render_driver(plan: DriverPlan, kernel: Kernel) -> dict[str, str]:
    """Return the files of one driver, by name."""
    values = {"file": plan.file, "kconfig": plan.kconfig, "makefile": plan.makefile}
    files = {name: render_template(f"{name}.j2", values) for name in ("Kconfig", "Makefile")}
    sources, prototypes = share(render_sources(plan.file, plan.driver, plan.migration, kernel))
    if plan.driver.header:
        driver = replace(plan.driver, prototypes=(*plan.driver.prototypes, *prototypes))
        shared = {"p": driver.prefix, "file": plan.file, "driver": driver}
        files[plan.driver.header] = render_template("driver.h.j2", shared)
    return files | sources
