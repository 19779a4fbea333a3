# SPDX-License-Identifier: GPL-2.0-only
"""Whatever a person writes as text stays text: in C, in Kconfig and in Makefiles."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vfiogen import pipeline
from vfiogen.c.text import one_line, unwanted_character
from vfiogen.diagnostics import Problems
from vfiogen.kernel.target import kernel_from_release
from vfiogen.project import SpecFile

NASTY = [
    *('"', "\\", "*/", "/*", "//", "\n", "$(shell reboot)", "$(", "$$", "{{ 7 * 7 }}", "{% raw %}", "{#"),
    *("??/", "%s", "ä", "漢", "#", "'", "`", "endmenu", "\nconfig X", "obj-y += evil/", "MODULE_LICENSE"),
    *("\\\n", "end\\", "&&", ";", "*"),
]
WORDS = st.lists(st.sampled_from([*NASTY, "a", "driver", " ", "for", "0"]), min_size=1, max_size=8)
TEXTS = WORDS.map(lambda parts: "x" + "".join(parts) + "x").filter(lambda text: not unwanted_character(text))
LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)*"')
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)

SPEC = """
vocabulary: 1
driver:
  name: acme-vfio-pci
  directory: acme
  prefix: acme
  license: GPL-2.0-only
  authors: [{text}]
  description: {text}
  copyright: {text}
  kconfig: {{ symbol: ACME_VFIO_PCI, prompt: {text}, help: {text} }}
devices: [{{ vendor: 0x1234, ids: {{ 0x5678: {text} }} }}]
registers:
  regs:
    bar: 0
    note: {text}
    map:
      id: {{ at: 0x00, access: ro, note: {text} }}
      status: {{ at: 0x04, access: ro, bits: {{ busy: {{ at: 0, note: {text} }} }} }}
      control: {{ at: 0x08, transient: {text} }}
structures:
  acme-state:
    note: {text}
    fields:
      magic: {{ type: u32, const: 1, note: {text} }}
      id: {{ type: u32, match: regs.id }}
commands:
  drain:
    note: {text}
    steps: [{{ poll: not regs.status.busy, every: 1ms, for: 1s, note: {text} }}]
migration:
  arcs: {{ RUNNING -> STOP: drain, STOP -> RUNNING: none }}
  stream: {{ structure: acme-state }}
  omitted: {{ buffer: {text} }}
"""


def rendered(text: str, directory: Path) -> dict[str, str]:
    """Render a driver that has `text` wherever a person may write freely."""
    path = directory / "acme.yaml"
    path.write_text(SPEC.format(text=json.dumps(text, ensure_ascii=False)), encoding="utf-8")
    problems = Problems()
    specs = pipeline.load_specs([SpecFile(path, "acme.yaml", "specs/acme/acme.yaml")], problems)
    assert not problems, [problem.message for problem in problems]
    files = pipeline.render_specs(specs, kernel_from_release("7.3.4"))
    return {file.path.name: file.data.decode() for file in files}


def bare(code: str) -> str:
    """Return C without what is inside of literals and comments; both must end where they should."""
    kept: list[str] = []
    at = 0
    while at < len(code):
        pattern = {'"': LITERAL, "/": COMMENT}.get(code[at])
        found = pattern.match(code, at) if pattern else None
        if code.startswith('"', at) or code.startswith("/*", at):
            assert found, f"not closed: {code[at : at + 60]}"
        kept.append(" " if found else code[at])
        at = found.end() if found else at + 1
    return " ".join("".join(kept).split())


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return rendered("plain", tmp_path_factory.mktemp("plain"))


@settings(max_examples=60)
@given(text=TEXTS)
def test_text_changes_no_code(
    text: str, plain: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = rendered(text, tmp_path_factory.mktemp("nasty"))
    assert bare(files["main.c"]) == bare(plain["main.c"])
    assert "??/" not in files["main.c"]
    assert _directives(files["Kconfig"]) == _directives(plain["Kconfig"])
    assert _directives(files["Makefile"]) == _directives(plain["Makefile"])


def _directives(text: str) -> list[str]:
    """Return the lines that Kconfig or make act on: no comments, no help, prompts without their text."""
    lines = text.split("\thelp\n")[0].split("\n")
    return [re.sub(r'".*"', '""', line) for line in lines if line and not line.startswith("#")]


def test_description_reaches_the_module_as_written(tmp_path: Path) -> None:
    """gcc reads the literals back; what they hold is the text."""
    texts = [f"x{part}x" for part in NASTY if not unwanted_character(part)]
    literals = [_description(rendered(text, tmp_path)["main.c"]) for text in texts]
    program = "\n".join(
        [
            "#include <stdio.h>",
            "int main(void)",
            "{",
            *(f"puts({one});" for one in literals),
            "return 0;",
            "}",
        ]
    )
    source = tmp_path / "texts.c"
    source.write_text(program + "\n", encoding="utf-8")
    subprocess.run(["gcc", "-trigraphs", "-w", "-o", tmp_path / "texts", source], check=True)
    printed = subprocess.run([tmp_path / "texts"], capture_output=True, check=True).stdout.decode()
    assert printed.splitlines() == [one_line(text) for text in texts]


def _description(code: str) -> str:
    found = re.search(r"^MODULE_DESCRIPTION\((.*)\);$", code, re.MULTILINE)
    assert found
    return found[1]


@pytest.mark.parametrize(
    "name", ["x/../y", "../up", "a b", "-x", "X", "ä", "x;y", "x$(y)", "", "a" * 200, ".."]
)
@pytest.mark.parametrize("key", ["directory", "name", "prefix"])
def test_name_that_is_none_is_refused(key: str, name: str, tmp_path: Path) -> None:
    text = SPEC.format(text="plain")
    path = tmp_path / "acme.yaml"
    line = f"  {key}: {json.dumps(name, ensure_ascii=False)}"
    path.write_text(re.sub(rf"^  {key}: .*$", lambda _: line, text, flags=re.M), encoding="utf-8")
    problems = Problems()
    pipeline.load_specs([SpecFile(path, "acme.yaml", "acme.yaml")], problems)
    assert problems
