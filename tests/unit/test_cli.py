# SPDX-License-Identifier: GPL-2.0-only
"""The command line: what it takes, what it prints where, and its exit status."""

from __future__ import annotations

import errno
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import vfiogen
from vfiogen import cli, commands
from vfiogen.__main__ import start
from vfiogen.commands.build import newest_headers
from vfiogen.diagnostics import VfiogenError
from vfiogen.project import find_project, find_specs

SPEC = """\
vocabulary: 1
driver:
  name: {0}-vfio-pci
  directory: {0}
  prefix: {0}
  license: GPL-2.0-only
  authors: [A person]
  description: VFIO PCI driver for the {0} device
  kconfig:
    symbol: {1}_VFIO_PCI
    prompt: VFIO support for the {0} device
    help: Pass-through of the {0} device.
devices:
  - vendor: 0x1234
    ids: {{ {2}: A device }}
"""
IDS = {"acme": "0x0001", "bolt": "0x0002"}
Run = Callable[..., SimpleNamespace]


def add_spec(root: Path, name: str) -> Path:
    path = root / f"specs/{name}/{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SPEC.format(name, name.upper(), IDS[name]))
    return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two specs, which is the current directory."""
    for name in IDS:
        add_spec(tmp_path, name)
    (tmp_path / "pyproject.toml").write_text('[tool.vfiogen]\ntargets = ["6.12.95"]\n')
    monkeypatch.chdir(tmp_path)
    for name in ("VFIOGEN_DEBUG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the tool; returns status, out and err."""

    def run(*arguments: str) -> SimpleNamespace:
        status = cli.main(arguments)
        captured = capsys.readouterr()
        return SimpleNamespace(status=status, out=captured.out, err=captured.err)

    return run


def files_below(directory: Path) -> set[str]:
    return {str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file()}


# Arguments


def test_help_names_every_command(run: Run) -> None:
    result = run("--help")
    assert (result.status, result.err) == (0, "")
    for command in cli._COMMANDS:
        assert f"\n    {command.name} " in result.out


@pytest.mark.parametrize("name", [command.name for command in cli._COMMANDS])
def test_every_command_has_help_with_examples(run: Run, name: str) -> None:
    result = run(name, "--help")
    assert result.status == 0
    assert f"examples:\n  vfiogen {name}" in result.out
    assert max(map(len, result.out.splitlines())) <= 100


@pytest.mark.parametrize("name", [command.name for command in cli._COMMANDS])
def test_every_command_has_a_module(name: str) -> None:
    assert (Path(commands.__file__).parent / f"{name}.py").is_file()


def test_the_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version").out == f"vfiogen {vfiogen.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        *([], ["bogus"], ["check", "--bogus"], ["check", "--format", "xml"], ["explain", "a", "b"]),
        *(["check", "--kernel", "6.12.95", "--kernel-dir", "x"], ["check", "--form", "json"]),
    ],
)
def test_wrong_usage_is_two_lines_and_status_2(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.status, result.out) == (2, "")
    assert len(result.err.splitlines()) == 2
    assert result.err.startswith("vfiogen")
    assert "--help`" in result.err


def test_python_runs_it_as_a_module() -> None:
    command = [sys.executable, "-m", "vfiogen", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"vfiogen {vfiogen.__version__}\n"


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from vfiogen.cli import main; main(['check', '--help'])\n"
        "print(*(m for m in ('yaml', 'jsonschema', 'jinja2', 'msgspec', 'hashlib') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


# check


def test_check_says_that_all_is_well(project: Path, run: Run) -> None:
    result = run("check")
    assert (result.status, result.err) == (0, "")
    assert result.out == "2 specs, no problems (6.12.95)\n"


def test_check_prints_problems_of_all_specs_to_standard_error(project: Path, run: Run) -> None:
    for name in IDS:
        path = project / f"specs/{name}/{name}.yaml"
        path.write_text(path.read_text().replace("vendor", "vendro"))
    result = run("check")
    assert (result.status, result.out) == (1, "")
    assert result.err.endswith("\n\n4 problems in 2 specs\n")
    assert "specs/acme/acme.yaml:14:5: error[schema-unknown-key]: there is no key `vendro` here" in result.err


def test_check_prints_json_to_standard_output(project: Path, run: Run) -> None:
    assert json.loads(run("check", "--format", "json").out) == {"version": 1, "problems": []}
    (project / "specs/acme/acme.yaml").write_text("a: off\n")
    result = run("check", "--format", "json", "acme")
    assert (result.status, result.err) == (1, "")
    assert {p["file"] for p in json.loads(result.out)["problems"]} == {"specs/acme/acme.yaml"}
    result = run("check", "--format", "json", "none")
    assert (result.status, result.err) == (1, "")
    assert [p["code"] for p in json.loads(result.out)["problems"]] == ["no-specs"]


def test_check_prints_annotations_for_github(project: Path, run: Run) -> None:
    (project / "specs/acme/acme.yaml").write_text("a: off\n")
    lines = run("check", "--format", "github").out.splitlines()
    assert any(line.startswith("::error file=specs/acme/acme.yaml,line=1,") for line in lines)
    assert all(line.startswith("::error ") for line in lines)


def test_check_writes_nothing(project: Path, run: Run) -> None:
    before = files_below(project)
    run("check")
    assert files_below(project) == before


# generate and diff


def test_generate_writes_each_kernel_once(project: Path, run: Run) -> None:
    result = run("generate", "--kernel", "6.12.95", "--kernel", "6.1.150", "--kernel", "6.12.95")
    assert (result.status, result.err) == (0, "")
    assert [line.partition(":")[0] for line in result.out.splitlines()] == ["out/6.12.95", "out/6.1.150"]
    assert {"Kconfig", "Makefile", "acme/main.c", "bolt/Kconfig"} <= files_below(project / "out/6.12.95")
    assert run("generate").out == "out/6.12.95: up to date\n"


def test_output_does_not_depend_on_where_the_tool_is_run(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("generate")
    monkeypatch.chdir(project / "specs/acme")
    assert run("generate").out == "../../out/6.12.95: up to date\n"
    assert run("generate", "acme.yaml").out == "../../out/6.12.95: up to date\n"
    assert run("diff", "--out", "../../out").status == 0


def test_a_broken_spec_keeps_everything_as_it_is(project: Path, run: Run) -> None:
    run("generate")
    before = {p: (project / "out" / p).stat().st_mtime_ns for p in files_below(project / "out")}
    text = (project / "specs/acme/acme.yaml").read_text()
    (project / "specs/acme/acme.yaml").write_text(text.replace("Pass-through", "All"))
    (project / "specs/bolt/bolt.yaml").write_text("driver: off\n")
    for arguments in (["generate"], ["generate", "--force"], ["diff"], ["generate", "--check"]):
        result = run(*arguments)
        assert result.status == 1
        assert "yaml-ambiguous" in result.err
        assert result.out == ""
    assert before == {p: (project / "out" / p).stat().st_mtime_ns for p in before}
    assert "All of" not in (project / "out/6.12.95/acme/Kconfig").read_text()


def test_a_removed_spec_takes_its_driver_along_and_nothing_else(project: Path, run: Run) -> None:
    run("generate")
    main = (project / "out/6.12.95/acme/main.c").read_text()
    (project / "specs/bolt/bolt.yaml").unlink()
    assert run("generate").status == 0
    out = project / "out/6.12.95"
    assert not (out / "bolt").exists()
    assert "bolt" not in (out / "Kconfig").read_text() + (out / "Makefile").read_text()
    assert (out / "acme/main.c").read_text() == main


def test_the_last_spec_takes_its_driver_along_too(project: Path, run: Run) -> None:
    run("generate")
    (project / "out/6.12.95/notes").write_text("mine")
    for name in IDS:
        (project / f"specs/{name}/{name}.yaml").unlink()
    assert run("diff").status == 1
    assert run("generate").status == 0
    assert files_below(project / "out/6.12.95") == {".vfiogen", "Kconfig", "Makefile", "notes"}
    assert "_VFIO_PCI" not in (project / "out/6.12.95/Kconfig").read_text()
    assert run("check").status == 1


def test_a_directory_that_cannot_be_read_is_not_taken_for_a_removed_spec(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("generate").status == 0
    before = files_below(project)

    def iterdir(path: Path) -> Iterator[Path]:  # as permissions would, for all but root
        if path.name == "bolt":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return path.glob("*")

    monkeypatch.setattr(Path, "iterdir", iterdir)
    result = run("generate")
    assert result.status == 1
    assert result.err == "error[file-unreadable]: `specs/bolt` can't be read: Permission denied\n"
    assert files_below(project) == before


def test_a_run_for_one_spec_keeps_the_others_listed(project: Path, run: Run) -> None:
    run("generate")
    before = {p: (project / "out" / p).read_bytes() for p in files_below(project / "out")}
    assert run("generate", "acme").out == "out/6.12.95: up to date\n"
    assert {p: (project / "out" / p).read_bytes() for p in files_below(project / "out")} == before
    (project / "specs/bolt/bolt.yaml").write_text("broken: [\n")
    assert run("generate", "acme").status == 0
    assert "bolt" in (project / "out/6.12.95/Makefile").read_text()


def test_check_mode_shows_what_is_stale_and_the_way_out(project: Path, run: Run) -> None:
    result = run("generate", "--check")
    assert result.status == 1
    assert "+++ b/out/6.12.95/acme/main.c" in result.out
    assert "run `vfiogen generate`" in result.err
    assert not (project / "out").exists()
    run("generate")
    result = run("generate", "--check")
    assert (result.status, result.out, result.err) == (0, "", "")


def test_diff_is_coloured_on_a_terminal_only(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\033" not in run("diff").out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    coloured = run("diff")
    assert coloured.status == 1
    assert "\033[32m+" in coloured.out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033" not in run("diff").out


# explain


def test_explain_prints_one_or_lists_all(run: Run) -> None:
    result = run("explain", "yaml-tab")
    assert result.status == 0
    assert result.out.startswith("error[yaml-tab]: A tab indents a line\n\nYAML is indented")
    listed = run("explain").out.splitlines()
    assert any(line.split(maxsplit=1) == ["yaml-tab", "A tab indents a line"] for line in listed)


# new


def test_new_names_the_commands_that_come_next(project: Path, run: Run) -> None:
    assert run("new", "nova", "--id", "1234:0003").out.endswith("then vfiogen generate nova\n")
    (project / "pyproject.toml").unlink()
    assert run("new", "nix", "--id", "1234:0004").out.endswith("then vfiogen generate nix --kernel RELEASE\n")
    assert run("check").status == 0


# Faults


def failing(error: BaseException) -> Any:
    def run(*_: object) -> int:
        raise error

    return SimpleNamespace(run=run)


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("a\nb"), 70),
        (RecursionError(), 70),
        (MemoryError(), 70),
        (KeyboardInterrupt(), 130),
        (caused(RuntimeError(), KeyboardInterrupt()), 130),
        (BrokenPipeError(), 1),
        (VfiogenError("no-kernel", "message", status=2), 2),
    ],
)
def test_what_goes_wrong_has_its_status(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int
) -> None:
    monkeypatch.delenv("VFIOGEN_DEBUG", raising=False)
    monkeypatch.setattr(cli, "import_module", lambda _: failing(error))
    monkeypatch.setattr(cli, "_drop_output", lambda: None)
    result = run("check")
    assert (result.status, result.out) == (status, "")
    assert "Traceback" not in result.err
    assert len(result.err.splitlines()) == (1 if status in (2, 70) else 0)
    if status == 70:
        assert result.err.startswith(f"vfiogen: internal error: {type(error).__name__}")
        assert "please report" in result.err


def test_a_stop_while_the_command_line_is_imported_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped:
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "vfiogen.cli", Stopped())
    monkeypatch.setattr(gc, "disable", lambda: None)
    assert start() == 130


def test_a_fault_can_be_looked_into(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "import_module", lambda _: failing(RuntimeError("x")))
    monkeypatch.setenv("VFIOGEN_DEBUG", "1")
    result = run("check")
    assert result.status == 70
    assert "Traceback" in result.err


def test_a_reader_that_leaves_is_no_fault(project: Path) -> None:
    script = f'"{sys.executable}" -m vfiogen diff | head -c 1'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout == "-"


def test_a_terminal_without_letters_is_no_fault(project: Path) -> None:
    (project / "specs/acme/acme.yaml").write_text("é: off\n")
    done = subprocess.run(
        [sys.executable, "-m", "vfiogen", "check", "acme"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 1
    assert b"\\xe9" in done.stderr


# The project


def test_the_project_is_the_nearest_directory_with_specs_or_settings(project: Path) -> None:
    inner = project / "specs/acme"
    assert find_project(inner).root == project
    assert find_project(inner).targets == ("6.12.95",)
    (inner / "pyproject.toml").write_text("[tool.other]\n# vfiogen\n")
    assert find_project(inner).root == project
    (inner / "pyproject.toml").write_text("[tool.vfiogen]\n")
    assert find_project(inner).root == inner
    assert find_project(inner).targets == ()


def test_specs_are_found_by_file_directory_and_driver(project: Path) -> None:
    here = find_project(project)

    def shown(*arguments: str) -> list[str]:
        return [spec.shown for spec in find_specs(here, arguments)]

    both = ["specs/acme/acme.yaml", "specs/bolt/bolt.yaml"]
    assert shown() == both
    assert shown("specs") == both
    assert shown("acme") == shown("specs/acme") == shown("specs/acme/acme.yaml") == both[:1]
    assert shown("bolt", "specs", str(project / "specs/acme")) == both[::-1]
    assert shown("new.yaml") == ["new.yaml"]


def test_a_spec_has_the_same_name_from_everywhere(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def names(*arguments: str) -> list[str]:
        return [spec.name for spec in find_specs(find_project(Path.cwd()), arguments)]

    assert names("specs/acme/acme.yaml") == ["specs/acme/acme.yaml"]
    monkeypatch.chdir(project / "specs/acme")
    assert names("acme.yaml") == ["specs/acme/acme.yaml"]
    assert names("../bolt/bolt.yaml") == ["specs/bolt/bolt.yaml"]
    monkeypatch.chdir("/")
    assert names(str(project / "specs/bolt/bolt.yaml")) == ["specs/bolt/bolt.yaml"]
    assert names("/tmp/loose.yaml") == ["loose.yaml"]


def test_the_newest_headers_are_built_against(tmp_path: Path) -> None:
    for name in ("6.9.12-amd64", "6.12.95+deb13-amd64", "6.12.9-1"):
        (tmp_path / name / "build").mkdir(parents=True)
        (tmp_path / name / "build/Makefile").touch()
        (tmp_path / name / "build/.config").touch()
    (tmp_path / "7.0.1-common" / "build").mkdir(parents=True)  # no configuration: not to be built against
    (tmp_path / "7.0.1-common/build/Makefile").touch()
    found = newest_headers([f"{tmp_path}/*/build"])
    assert found == tmp_path / "6.12.95+deb13-amd64/build"
    assert newest_headers([f"{tmp_path}/none/*"]) is None
