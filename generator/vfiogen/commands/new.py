# SPDX-License-Identifier: GPL-2.0-only
"""vfiogen new: a commented spec that passes check, or first versions of missing hand-written sources."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vfiogen.c.names import is_name
from vfiogen.console import Console
from vfiogen.diagnostics import Problems, VfiogenError, quote
from vfiogen.project import find_project, find_specs
from vfiogen.records import Value

ID = re.compile(r"(?:0x)?([0-9a-fA-F]{4}):(?:0x)?([0-9a-fA-F]{4})")


class Answers(Value):
    """What a new spec is made of."""

    name: str
    vendor: str
    devices: tuple[str, ...]
    title: str
    function: str
    migration: bool
    author: str

    @property
    def prefix(self) -> str:
        """The C prefix: the name, cut to what the vocabulary allows."""
        return self.name.replace("-", "_")[:16].rstrip("_")


def run(arguments: Namespace, console: Console) -> int:
    """Write specs/NAME/NAME.yaml, or with --hooks the sources that an existing spec lacks."""
    if arguments.hooks and arguments.name.endswith(".yaml"):
        return _write_hooks(arguments.name, console)
    if not is_name(arguments.name):
        raise VfiogenError(
            "spec-name",
            f"{quote(arguments.name)} can't name a driver",
            "use a name such as acme-nic",
            status=2,
        )
    if arguments.hooks:
        return _write_hooks(arguments.name, console)
    answers = _answers(arguments)
    project = find_project(Path.cwd())
    path = project.root / "specs" / answers.name / f"{answers.name}.yaml"
    _write_new(path, _render(answers, path))
    generate = f"vfiogen generate {answers.name}" + ("" if project.targets else " --kernel RELEASE")
    console.say(f"wrote {_shown(path)}; next: vfiogen check {answers.name}, then {generate}")
    return 0


def _answers(arguments: Namespace) -> Answers:
    ids = arguments.id or [_ask("PCI ID (as lspci -n shows it, vendor:device)", "1234:11e8")]
    pairs = [_parse_id(text) for text in ids]
    vendors = {vendor for vendor, _ in pairs}
    if len(vendors) != 1:
        raise VfiogenError(
            "spec-id", "the IDs must have one vendor", "add the others to devices by hand", status=2
        )
    title = arguments.title or _ask("What the device is", f"{arguments.name} device")
    return Answers(
        arguments.name, vendors.pop(), tuple(device for _, device in pairs), title,
        "vf" if arguments.vf else "any", arguments.migration, arguments.author or _git_author(),
    )  # fmt: skip


def _ask(question: str, default: str) -> str:
    """Ask a person, or take the default where nobody is there."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return default
    sys.stderr.write(f"{question} [{default}]: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() or default


def _git_author() -> str:
    """Return who git knows the user as, or the project's own name."""
    try:
        name, mail = (_git_config(key) for key in ("user.name", "user.email"))
    except OSError:
        return "vfiogen developers"
    return f"{name} <{mail}>" if name and mail else name or "vfiogen developers"


def _git_config(key: str) -> str:
    return subprocess.run(["git", "config", key], capture_output=True, text=True, check=False).stdout.strip()


def _parse_id(text: str) -> tuple[str, str]:
    found = ID.fullmatch(text)
    if not found:
        raise VfiogenError(
            "spec-id",
            f"{quote(text)} isn't a PCI ID",
            "write vendor and device as 8086:10ca, in hex",
            status=2,
        )
    return f"0x{found[1].lower()}", f"0x{found[2].lower()}"


def _render(answers: Answers, path: Path) -> str:
    from vfiogen.render import render_template

    values = {"answers": answers, "schema": _schema_beside(path), "symbol": _symbol(answers.name)}
    return render_template("new.yaml.j2", values)


def _schema_beside(spec: Path) -> str:
    """Return how a spec names the schema to its editor: the project's own, or a copy beside the specs."""
    from vfiogen.schema import schema_file

    schema = schema_file()
    root = spec.absolute().parents[2]
    if not schema.is_relative_to(root):
        copy = spec.parents[1] / schema.name
        with _told(copy):
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(schema.read_bytes())
        schema = copy
    return os.path.relpath(schema, spec.parent)


def _symbol(name: str) -> str:
    return f"{name.replace('-', '_').upper()}_VFIO_PCI"


def _write_new(path: Path, text: str) -> None:
    """Create a file that isn't there yet, whole or not at all."""
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            raise VfiogenError(
                "file-exists", f"`{_shown(path)}` exists already", "choose another name, or edit that file"
            ) from None


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn errors of the system about a file into one that a person can act on."""
    try:
        yield
    except OSError as error:
        raise VfiogenError(
            "output-unwritable", f"`{_shown(path)}` can't be written: {error.strerror}"
        ) from error


def _write_hooks(name: str, console: Console) -> int:
    """Write a stub for every hook source that is missing; what is there stays as it is.

    `name` is a driver of the project, or the path of a spec.
    """
    from vfiogen.load import load_source, read_source
    from vfiogen.model.read import read_spec
    from vfiogen.plan.hooks import stub_files
    from vfiogen.schema import validate

    problems = Problems()
    file = find_specs(find_project(Path.cwd()), [name])[0]
    source = read_source(file.path, file.shown, problems)
    root = load_source(source, problems) if source else None
    if root:
        validate(root, problems)  # which keeps the sources beside the spec
    model = read_spec(root, source, problems) if root and source else None
    if problems or model is None:
        console.show(problems)
        return 1
    missing = {n: text for n, text in stub_files(model).items() if not (file.path.parent / n).exists()}
    for stub, text in missing.items():
        _write_new(file.path.parent / stub, text)
        console.say(f"wrote {_shown(file.path.parent / stub)}")
    if not missing:
        console.say("every hook has its source")
    return 0


def _shown(path: Path) -> str:
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)
