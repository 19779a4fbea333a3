# SPDX-License-Identifier: GPL-2.0-only
"""The way from spec files to rendered files, one function per stretch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from vfiogen.check import check_across, check_kernel, check_spec
from vfiogen.diagnostics import Problems, VfiogenError, quote
from vfiogen.kernel.target import Kernel
from vfiogen.load import load_source, read_source
from vfiogen.manifest import DriverEntry
from vfiogen.model import spec as m
from vfiogen.model.read import read_spec
from vfiogen.project import SpecFile
from vfiogen.records import Value
from vfiogen.schema import validate


class LoadedSpec(Value):
    """A spec file and its model."""

    file: SpecFile
    model: m.Spec

    @property
    def owner(self) -> str:
        """What rendered files and the output's manifest call the spec by."""
        return self.file.name

    @property
    def directory(self) -> str:
        """The driver's directory in the output; of a part of the core, which has none, the name."""
        return self.model.driver.directory.text or self.model.driver.name.text

    @property
    def is_core(self) -> bool:
        """Whether it is a part of vfio-pci-core, not a module."""
        return self.model.driver.core_object is not None

    @property
    def entry(self) -> DriverEntry:
        """What is listed above the driver's directory."""
        place = f"{self.model.driver.name}.o" if self.is_core else self.directory
        return DriverEntry(place, self.symbol)

    @property
    def symbol(self) -> str:
        """The driver's Kconfig symbol."""
        return self.model.driver.kconfig.symbol.text


class RenderedFile(Value):
    """A file of the output, by its path in the output directory."""

    path: PurePosixPath
    data: bytes
    owner: str


def load_specs(spec_files: Iterable[SpecFile], problems: Problems) -> list[LoadedSpec]:
    """Load and check spec files.

    All problems that don't depend on a kernel are reported; a file that isn't even YAML is left out.
    """
    loaded = [spec for file in spec_files if (spec := _load(file, problems))]
    check_across([spec.model for spec in loaded], problems)
    return loaded


def _load(file: SpecFile, problems: Problems) -> LoadedSpec | None:
    source = read_source(file.path, file.shown, problems)
    root = load_source(source, problems) if source else None
    if source is None or root is None:
        return None
    before = len(problems)
    validate(root, problems)
    sound = len(problems) == before
    model = read_spec(root, source, problems)
    check_spec(model, file.path.parent, problems, complete=sound)
    return LoadedSpec(file, model)


def check_for(specs: Iterable[LoadedSpec], kernel: Kernel, problems: Problems) -> list[LoadedSpec]:
    """Return the specs whose drivers exist on a kernel; report those that need what it lacks."""
    return [spec for spec in specs if check_kernel(spec.model, kernel, problems)]


def render_specs(specs: Iterable[LoadedSpec], kernel: Kernel) -> list[RenderedFile]:
    """Return the files of drivers that have passed the checks."""
    from vfiogen.plan.core import plan_core
    from vfiogen.plan.driver import plan_driver
    from vfiogen.render import render_core, render_driver

    rendered: list[RenderedFile] = []
    for spec in specs:
        if spec.is_core:
            core = render_core(plan_core(spec.model, spec.owner, kernel))
            rendered += [RenderedFile(PurePosixPath(n), x.encode(), spec.owner) for n, x in core.items()]
            continue
        plan = plan_driver(spec.model, spec.owner, kernel)
        files = {name: text.encode() for name, text in render_driver(plan, kernel).items()}
        files |= {hook: _read_hook(spec.file.path.parent / hook) for hook in plan.hooks}
        directory = PurePosixPath(spec.directory)
        rendered += [RenderedFile(directory / name, data, spec.owner) for name, data in files.items()]
    return rendered


def _read_hook(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{quote(str(path))} can't be read: {error.strerror}"
        raise VfiogenError("file-unreadable", message) from error


def render_top(drivers: Iterable[DriverEntry]) -> dict[str, bytes]:
    """Return the Kconfig and the Makefile that list the drivers, sorted by directory."""
    from vfiogen.render import render_template

    values = {"drivers": sorted(drivers, key=lambda d: d.directory), "root": "drivers/vfio/pci"}
    return {name: render_template(f"drivers.{name}.j2", values).encode() for name in ("Kconfig", "Makefile")}
