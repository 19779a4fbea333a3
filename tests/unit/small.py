# SPDX-License-Identifier: GPL-2.0-only
"""Small specs that tests write themselves: loaded, rendered, and their C looked into."""

from __future__ import annotations

import re
from pathlib import Path

from vfiogen import pipeline
from vfiogen.diagnostics import Problems
from vfiogen.kernel.target import kernel_from_release
from vfiogen.project import SpecFile
from vfiogen.report import format_problems

HEAD = """
vocabulary: 1
driver:
  name: acme-vfio-pci
  directory: acme
  prefix: acme
  license: GPL-2.0-only
  authors: [vfiogen developers]
  description: a device
  kconfig: { symbol: ACME_VFIO_PCI, prompt: a device, help: A device. }
devices: [{ vendor: 0x1234, function: vf, ids: { 0x5678: a device } }]
"""


def load(directory: Path, text: str) -> tuple[list[pipeline.LoadedSpec], Problems]:
    """Return what a spec says, and what is wrong with it."""
    path = directory / "acme.yaml"
    path.write_text(text, encoding="utf-8")
    problems = Problems()
    return pipeline.load_specs([SpecFile(path, "acme.yaml", "acme.yaml")], problems), problems


def render_all(directory: Path, text: str, release: str) -> dict[str, str]:
    """Return the files of a spec without problems, unused things aside."""
    specs, problems = load(directory, text)
    kernel = kernel_from_release(release)
    pipeline.check_for(specs, kernel, problems)
    assert all(problem.code == "unused" for problem in problems), format_problems(problems, "human")
    return {file.path.name: file.data.decode() for file in pipeline.render_specs(specs, kernel)}


def render(directory: Path, text: str, release: str = "7.3.4") -> str:
    """Return the main.c of a spec that goes on behind `HEAD`."""
    return render_all(directory, HEAD + text, release)["main.c"]


def function(text: str, name: str) -> str:
    """Return the body of a function with its white space as single spaces."""
    found = re.search(rf"^[a-z][^;{{}}=]*\b{name}\([^;{{}}]*\)\n{{\n(.*?)^}}", text, re.M | re.S)
    assert found, f"no function {name}"
    return " ".join(found[1].split())
