# SPDX-License-Identifier: GPL-2.0-only
"""A small edit of a spec gives a small diff of the C: ten edits, each with its golden diff."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.golden.rendering import ROOT, diff, render
from vfiogen.kernel.target import kernel_from_release
from vfiogen.project import SpecFile

EDITS = Path(__file__).parent / "edits"
RELEASE = "7.3.4"


@dataclass(frozen=True)
class Edit:
    """One change of one place of a spec, and how many lines of output it may change."""

    name: str
    driver: str
    old: str
    new: str
    most: int


EDITED = (
    Edit("device-id-added", "qat", "0x4949: QAT", "0x494b: QAT 6xxx (Gen 6)\n      0x4949: QAT", 2),
    Edit("description", "edu", "description: VFIO PCI driver with", "description: A VFIO PCI driver with", 2),
    Edit("poll-longer", "edu", "computing, every: 1ms, for: 1s", "computing, every: 1ms, for: 2s", 2),
    Edit("register-moved", "edu", "irq-status: { at: 0x24,", "irq-status: { at: 0x28,", 2),
    Edit("stream-version", "edu", "type: u32, const: 1 }", "type: u32, const: 2 }", 2),
    Edit(
        "field-added", "edu", "dma-src: { type", "spare: { type: u64, const: 0 }\n      dma-src: { type", 11
    ),
    Edit("omission-reworded", "edu", "which belongs to the user.", "and that is the user's.", 4),
    Edit("arc-does-something", "qat", "RUNNING_P2P -> STOP: none", "RUNNING_P2P -> STOP: suspend", 24),
    Edit("virtual-only", "generic", "INTEL, ids:", "INTEL, function: vf, ids:", 3),
    Edit("state-larger", "pds", "capacity: PDS_LM_DEVICE_STATE_LENGTH", "capacity: 128 * 1024", 4),
    Edit("symbol-renamed", "generic", "symbol: GENERIC_VFIO_PCI", "symbol: LISTED_VFIO_PCI", 6),
)


@pytest.mark.parametrize("edit", EDITED, ids=lambda edit: edit.name)
def test_edit_gives_its_diff(edit: Edit, tmp_path: Path) -> None:
    shown = _diff_of(edit, tmp_path)
    golden = EDITS / f"{edit.name}.diff"
    if os.environ.get("VFIOGEN_UPDATE"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(shown, encoding="utf-8")
    expected = golden.read_text(encoding="utf-8") if golden.exists() else ""
    assert shown == expected, "run VFIOGEN_UPDATE=1 pytest tests/golden/test_edits.py and read the diff"


@pytest.mark.parametrize("edit", EDITED, ids=lambda edit: edit.name)
def test_diff_is_small(edit: Edit, tmp_path: Path) -> None:
    lines = _diff_of(edit, tmp_path).splitlines()
    changed = [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert 0 < len(changed) <= edit.most


def _diff_of(edit: Edit, directory: Path) -> str:
    source = ROOT / "specs" / edit.driver / f"{edit.driver}.yaml"
    text = source.read_text(encoding="utf-8")
    assert text.count(edit.old) == 1, f"{edit.name} doesn't name one place of {source.name}"
    changed = directory / f"{edit.driver}.yaml"
    changed.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
    kernel = kernel_from_release(RELEASE)
    name = f"specs/{edit.driver}/{edit.driver}.yaml"
    before, after = (render([SpecFile(path, name, name)], kernel) for path in (source, changed))
    return diff(before, after)
