# SPDX-License-Identifier: GPL-2.0-only
"""Negative goldens: what the tool says of a mistake, word for word.

A case of the problem `code` is one of

    <code>/<case>.yaml    a spec; what `vfiogen check <case>.yaml` prints is in <case>.err. A first line
                          `# check: --kernel 6.12.95` passes more arguments.
    <code>/<case>/        files, and a file `cmd` with lines for a shell. What the lines that begin with
                          `vfiogen` print is in <case>.err, or its end with `| tail -n LINES`.
                          `lock DIR` is a line too: it holds the lock of an output directory from
                          there on.

All cases run in this process, in a copy of their directory. VFIOGEN_UPDATE=1 rewrites the .err files.
"""

from __future__ import annotations

import difflib
import fcntl
import io
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from itertools import groupby
from pathlib import Path

import pytest

from vfiogen.cli import main
from vfiogen.codes import codes

HERE = Path(__file__).parent
UPDATE = os.environ.get("VFIOGEN_UPDATE") == "1"
COMMAND = "VFIOGEN_UPDATE=1 python -m pytest tests/diagnostics"


def cases() -> list[Path]:
    """Return the cases: specs, and directories with a file `cmd`."""
    return sorted([*HERE.glob("*/*.yaml"), *(path.parent for path in HERE.glob("*/*/cmd"))])


def golden_of(case: Path) -> Path:
    return case.with_name(case.name.removesuffix(".yaml") + ".err")


def run_tool(arguments: list[str]) -> tuple[int, str]:
    """Return the exit status of the tool and everything that it printed."""
    output = io.StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        status = main(arguments)
    return status, output.getvalue()


def run_spec(case: Path) -> str:
    first = case.read_text(errors="replace").partition("\n")[0]
    extra = shlex.split(first.removeprefix("# check:")) if first.startswith("# check:") else []
    status, output = run_tool(["check", case.name, *extra])
    assert status == 1
    return output


def run_commands(script: str) -> str:
    """Return the transcript of the lines that run the tool."""
    with ExitStack() as stack:
        groups = groupby(filter(None, script.splitlines()), is_own)
        return "".join(run_group(own, list(lines), stack) for own, lines in groups)


def is_own(line: str) -> bool:
    return line.split()[0] in ("vfiogen", "lock", "path")


def run_group(own: bool, lines: list[str], stack: ExitStack) -> str:
    if own:
        return "".join(run_line(line, stack) for line in lines)
    subprocess.run(["sh", "-ec", "\n".join(lines)], check=True)
    return ""


def run_line(line: str, stack: ExitStack) -> str:
    words = shlex.split(line)
    match words[0]:
        case "vfiogen":
            status, output = run_tool(words[1 : words.index("|") if "|" in words else None])
            if "|" in words:  # the one filter there is: tail -n LINES
                output = "".join(output.splitlines(keepends=True)[-int(words[-1]) :])
            return f"$ {line}\n{output}[exit status {status}]\n"
        case "lock":
            descriptor = os.open(words[1], os.O_RDONLY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        case "path":  # from here on, programs are looked up in this directory alone
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setenv("PATH", str(Path(words[1]).resolve()))
    return ""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory outside of the project, so that its settings don't matter."""
    directory = tmp_path_factory.mktemp("cases")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("VFIOGEN_DEBUG", "NO_COLOR"):
            patch.delenv(name, raising=False)
        yield directory


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.parent.name}/{case.name}")
def test_what_is_said_of_a_mistake(case: Path, workplace: Path) -> None:
    place = workplace / case.parent.name / case.stem
    if case.is_dir():
        shutil.copytree(case, place)
    else:
        place.mkdir(parents=True)
        shutil.copy(case, place)
    with chdir(place):
        said = run_commands((case / "cmd").read_text()) if case.is_dir() else run_spec(case)
    assert f"error[{case.parent.name}]" in said
    assert "Traceback" not in said
    assert "internal error" not in said
    assert str(workplace) not in said
    compare_with_golden(golden_of(case), said)


def compare_with_golden(golden: Path, said: str) -> None:
    if UPDATE:
        golden.write_text(said)
    expected = golden.read_text() if golden.exists() else ""
    if said != expected:
        name = str(golden.relative_to(HERE.parents[1]))
        lines = difflib.unified_diff(expected.splitlines(), said.splitlines(), name, "now", lineterm="")
        pytest.fail("\n".join([*lines, "", "if that is right:", f"  {COMMAND}"]), pytrace=False)


def test_every_code_has_a_case() -> None:
    missing = sorted(set(codes()) - {case.parent.name for case in cases()})
    assert not missing, f"no case in tests/diagnostics for {', '.join(missing)}"


def test_every_golden_has_a_case() -> None:
    known = {golden_of(case) for case in cases()}
    left = sorted(str(path.relative_to(HERE)) for path in HERE.glob("*/*.err") if path not in known)
    assert not left, f"no case for {', '.join(left)}: remove them"
