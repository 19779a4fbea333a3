# SPDX-License-Identifier: GPL-2.0-only
"""The C of the examples in tests/specs that show one thing each of regions and config space."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.golden.rendering import combination_specs, render
from vfiogen.kernel.target import kernel_from_release

EXAMPLES = Path(__file__).parent / "examples"
RELEASE = "7.3.4"
SHOWN = (
    "clipped-bar",
    "config-fields",
    "device-features",
    "device-info",
    "dvsec-block",
    "forwarded-range",
    "ready-poll",
    "region-capability",
)


@pytest.mark.parametrize("name", SHOWN)
def test_example_renders_as_shown(name: str) -> None:
    files = [file for file in combination_specs() if file.path.stem == name]
    text = render(files, kernel_from_release(RELEASE))[f"{name}/main.c"]
    golden = EXAMPLES / f"{name}.c"
    if os.environ.get("VFIOGEN_UPDATE"):
        golden.write_text(text, encoding="utf-8")
    expected = golden.read_text(encoding="utf-8") if golden.exists() else ""
    assert text == expected, "run VFIOGEN_UPDATE=1 pytest tests/golden/test_examples.py and read the diff"
