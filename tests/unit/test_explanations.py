# SPDX-License-Identifier: GPL-2.0-only
"""The examples of explanations: the wrong ones have the problem that is explained, the right ones don't.

An example is a piece of a spec. What it leaves out is put around it here: the sections that every spec
has, and what the piece mentions without declaring it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from vfiogen import pipeline
from vfiogen.codes import codes, explain
from vfiogen.diagnostics import Problems, Source
from vfiogen.kernel.target import kernel_from_release
from vfiogen.load import Mapping, Node, Scalar, Sequence, load_source
from vfiogen.project import SpecFile

# What another test covers, or what the example says in a comment instead of spelling it out.
ELSEWHERE = ("command-depth", "kernel-release", "layout-size")
PREFIXES = (
    "build-",
    "compat-",
    "file-",
    "git-",
    "kernel-dir",
    "missing-",
    "no-",
    "output-",
    "project-",
    "schema-",
    "spec-",
    "yaml-",
)

SECTIONS = """
vocabulary: 1
driver:
  name: test-vfio-pci
  directory: test
  prefix: test
  license: GPL-2.0-only
  authors: [vfiogen developers]
  description: A test
  kconfig: { symbol: TEST_VFIO_PCI, prompt: A test, help: A test. }
devices:
  - vendor: 0x1234
    function: vf
    ids: { 0x11e8: a device }
"""
# By the word that calls for it.
REGISTERS = {
    "control": "{ at: 0x100 }",
    "error-count": "{ at: 0x104, access: ro }",
    "id": "{ at: 0x108, access: ro }",
    "level": "{ at: 0x10c }",
    "pending": "{ at: 0x110, access: ro }",
    "reset": "{ at: 0x114, access: wo }",
    "ring-count": "{ at: 0x118, access: ro }",
    "status": "{ at: 0x11c, access: ro, bits: { busy: 0, error: 1, queue: 2..5 } }",
    "mask": "{ at: 0x120 }",
    "version": "{ at: 0x124, access: ro }",
}
COMMANDS = {
    "ask-for-size": '{ results: { bytes: u32 }, call: "hw_size(out bytes)" }',
    "load-part": '{ params: { bytes: u64 }, call: "hw_load(bytes)" }',
    **dict.fromkeys(
        ["drain", "resume", "save-setup", "save-state", "start", "stop", "suspend"], "hw_do(device)"
    ),
}
PROVIDER = """
provider:
  handle: mdev
  type: struct hw *
  headers: [linux/hw.h]
  get: hw_get(parent) -> struct hw * or errno
structures:
  struct hw: { fields: { state: u8 *, state_size: u32, setup_size: u32 } }
"""
ARCS = "migration: { arcs: { RUNNING -> STOP: none, STOP -> RUNNING: none } }"
P2P = """
migration:
  arcs:
    RUNNING -> RUNNING_P2P: none
    RUNNING_P2P -> RUNNING: none
    RUNNING_P2P -> STOP: none
    STOP -> RUNNING_P2P: none
"""
STRUCTURE = "migration: { stream: { structure: acme-state } }"
LAYOUT = "structures: { acme-state: { fields: { magic: { type: u32, const: 1 } } } }"
MEMORY = """
migration:
  size: 4096
  stream:
    memory: mdev.state
    capacity: mdev.state_size
    save: { pre-copy: { length: mdev.setup_size }, stop-copy: { length: mdev.state_size } }
"""
FEATURE = 'kernel: {{ features: {{ {}: {{ header: linux/hw.h, declares: hw, since: "6.14" }} }} }}'
# What a piece may have because it is one.
BESIDE = {"kernel-lacks", "stream-unmatched", "unused"}

Tree = dict[str, Any]


def meanings() -> list[str]:
    """Return the codes whose examples are specs."""
    return [
        code
        for code in codes()
        if code not in ELSEWHERE
        and not code.startswith(PREFIXES)
        and all("```yaml" in part for part in explain(code).body.split("right:"))
    ]


def read(text: str) -> Tree:
    root = load_source(Source("example", text), Problems())
    tree = _tree(root) if root else {}
    assert isinstance(tree, dict)
    return tree


def _tree(node: Node) -> Any:
    match node:
        case Mapping():
            return {_spelled(key): _tree(value) for key, value in node}
        case Sequence():
            return [_tree(item) for item in node.items]
        case Scalar():
            return _spelled(node)


def _spelled(scalar: Scalar) -> str:
    """Return a scalar as it can stand anywhere; numbers as they were written."""
    return json.dumps(scalar.text) if isinstance(scalar.value, str) else scalar.text


def write(tree: Any) -> str:
    if isinstance(tree, dict):
        return "{ " + ", ".join(f"{key}: {write(value)}" for key, value in tree.items()) + " }"
    if isinstance(tree, list):
        return "[" + ", ".join(write(item) for item in tree) + "]"
    return str(tree)


def around(piece: Tree, more: Tree) -> Tree:
    """Put `more` around a piece: what the piece says counts."""
    merged = dict(more)
    for key, value in piece.items():
        both = isinstance(value, dict) and isinstance(more.get(key), dict)
        merged[key] = around(value, more[key]) if both else value
    return merged


def complete(text: str) -> str:
    """Return a whole spec around an example."""
    piece = read(text)
    if '"steps"' in piece:
        piece = {'"commands"': {'"act"': piece}, '"lifecycle"': {'"open"': '"act"'}}
    whole = "vocabulary: 1" if '"core-object"' in piece.get('"driver"', {}) else SECTIONS
    for more in (*_mentioned(text, piece), whole):
        piece = around(piece, read(more))
    return "\n".join(f"{key}: {write(value)}" for key, value in piece.items())


def _mentioned(text: str, piece: Tree) -> list[str]:
    """Return what declares the things that an example mentions."""
    known = piece.get('"commands"', {})
    own = {register for block in piece.get('"registers"', {}).values() for register in block['"map"']}
    found = [
        f"registers: {{ acme: {{ bar: 0, map: {{ {name}: {rest} }} }} }}"
        for name, rest in REGISTERS.items()
        if f"acme.{name}" in text and json.dumps(name) not in own
    ]
    found += [
        f"commands: {{ {name}: '{body}' }}" if body[0] != "{" else f"commands: {{ {name}: {body} }}"
        for name, body in COMMANDS.items()
        if re.search(rf"(?<![\w-]){name}(?![\w-])", text) and json.dumps(name) not in known
    ]
    found += [
        FEATURE.format(name) for name in re.findall(r"needs: ([a-z-]+)", text) if '"kernel"' not in piece
    ]
    found += _migration(piece)
    if "mdev" in text + "".join(found) or '"provider"' in piece:
        found += [] if "get:" in text else [PROVIDER]
    return found


def _migration(piece: Tree) -> list[str]:
    migration = piece.get('"migration"')
    if migration is None:
        return [ARCS, STRUCTURE] if '"acme-state"' in piece.get('"structures"', {}) else []
    features = migration.get('"features"', [])
    found = [] if '"arcs"' in migration else [P2P if '"p2p"' in features else ARCS]
    stream = migration.get('"stream"', {})
    if '"memory"' in stream:
        return [*found, "migration: { size: 4096 }"]
    if '"structure"' in stream:
        return found
    if '"save"' in stream or '"pre-copy"' in features:
        return [*found, MEMORY]
    return [*found, STRUCTURE] if '"structures"' in piece else [*found, STRUCTURE, LAYOUT]


def problems_of(text: str, directory: Path) -> dict[str, str]:
    """Return the problems of a whole spec, on the oldest kernel too."""
    path = directory / "example.yaml"
    path.write_text(text, encoding="utf-8")
    problems = Problems()
    specs = pipeline.load_specs([SpecFile(path, "example.yaml", "example.yaml")], problems)
    if not problems:
        pipeline.check_for(specs, kernel_from_release("6.1.192"), problems)
    return {problem.code: problem.message for problem in problems}


@pytest.mark.parametrize("code", meanings())
def test_wrong_examples_have_the_problem(code: str, tmp_path: Path) -> None:
    for example in explain(code).examples("wrong"):
        assert code in problems_of(complete(example), tmp_path)


@pytest.mark.parametrize("code", meanings())
def test_right_examples_have_no_problem(code: str, tmp_path: Path) -> None:
    for example in explain(code).examples("right"):
        found = problems_of(complete(example), tmp_path)
        assert code not in found
        assert set(found) <= BESIDE, complete(example)


def test_most_codes_are_about_the_meaning_of_specs() -> None:
    assert len(meanings()) > 40
