# SPDX-License-Identifier: GPL-2.0-only
"""out/ is the golden of the rendered drivers: what the specs render to is what is committed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.rendering import ROOT, project_specs, render
from vfiogen.cli import main
from vfiogen.kernel.target import kernel_from_release
from vfiogen.project import find_project

TRACES = ("{{", "}}", "{%", "%}", "{#", "LINUX_VERSION_CODE", "KERNEL_VERSION", "None", "Undefined")
TARGETS = find_project(ROOT).targets


def test_committed_output_is_current(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    status = main(["generate", "--check"])
    shown = capfd.readouterr()
    assert status == 0, f"{shown.out}\n{shown.err}\nrun `make generate` and commit what it writes"


@pytest.mark.parametrize("release", TARGETS)
def test_rendering_depends_on_nothing_else(release: str, tmp_path: Path) -> None:
    """Another directory, hash seed, locale and time zone give the same bytes."""
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for name in ("specs", "pyproject.toml"):
        (copy / name).symlink_to(ROOT / name)
    environment = os.environ | {
        "PYTHONHASHSEED": "7",
        "LC_ALL": "C",
        "TZ": "Asia/Tokyo",
        "PYTHONPATH": str(ROOT / "generator"),
    }
    command = [sys.executable, "-m", "vfiogen", "generate", "--kernel", release]
    subprocess.run(
        [*command, "--out", str(tmp_path / "out")], cwd=copy, env=environment, check=True, capture_output=True
    )
    written = tmp_path / "out" / release
    rendered = render(project_specs(), kernel_from_release(release))
    assert {name: (written / name).read_text(encoding="utf-8") for name in rendered} == rendered


@pytest.mark.parametrize("release", TARGETS)
def test_no_template_syntax_or_release_test_is_left(release: str) -> None:
    for name, text in render(project_specs(), kernel_from_release(release)).items():
        for trace in TRACES:
            assert trace not in text, f"{trace} in {name}"
        assert not any(line != line.rstrip() for line in text.split("\n")), name
        assert text.endswith("\n")
        assert not text.endswith("\n\n")


@pytest.mark.parametrize("release", TARGETS)
def test_every_file_opens_with_its_licence_and_origin(release: str) -> None:
    written_by_hand = {
        f"{file.path.stem}/{x.name}" for file in project_specs() for x in file.path.parent.glob("*.c")
    }
    for name, text in render(project_specs(), kernel_from_release(release)).items():
        first, second = text.split("\n")[:2]
        assert "SPDX-License-Identifier: GPL-2.0" in first, name
        if name in written_by_hand:
            continue
        assert "enerated by vfiogen" in second, name
        assert "do not edit" in second, name
