# SPDX-License-Identifier: GPL-2.0-only
"""Whatever a person writes stays where it belongs: in a comment, a string, a prompt or a help text.

A spec is rendered twice: with harmless texts, and with texts that try to get out. Comments and what strings
hold aside, both must be the same.
"""

from __future__ import annotations

import json
import re
import shutil
import string
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit import small

from vfiogen import pipeline
from vfiogen.c.text import one_line, unwanted_character
from vfiogen.diagnostics import Problems
from vfiogen.kernel.target import kernel_from_release
from vfiogen.report import format_problems

FRAGMENTS = [
    '"', "'", "`", "\\", "\\\\", "\\n", "/*", "*/", "//", "*\\/", "/**/", "??/", "??'", "???/", "?", "\\?",
    "\n", "\n\n", "\nendmenu\n", "\nconfig FOO\n        bool y\n", "\n        help\n", "\nobj-y += evil.o\n",
    "\n#error x\n", "$(shell touch /tmp/pwned)", "$(info x)", "$$", "${HOME}", "$", "%s%n", "%", "#",
    "{{ 7 * 191 }}", "{% for x in y %}", "{#", "#}", "-}}", "<%", "é", "ü", "日本語", "🙂", "\u00a0",
    "\u200b", "e\u0301",
    "- ", "* ", "   ", "a", "word ", "---", "...", ": ", " #", "&x", "*x", "!x", "|", ">",
    "acme_read64", "fsleep()", "ACME_REGS_OTHER", "long" * 40, ");", "}", "int x;", "return 0;", "\\\n",
]  # fmt: skip
CHARACTERS = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(CHARACTERS, max_size=8), min_size=1, max_size=6).map(
    "".join
)
GOOD_TEXTS = TEXTS.filter(lambda text: text.strip() and unwanted_character(text) is None)

# Every place for a free text, by a name between @.
SPEC = """
vocabulary: 1
driver:
  name: acme-vfio-pci
  directory: acme
  prefix: acme
  license: GPL-2.0-only
  authors: [@author@, @author@]
  copyright: @copyright@
  description: @description@
  name-is-abi: @abi@
  kconfig: { symbol: ACME_VFIO_PCI, prompt: @prompt@, help: @help@ }
devices:
  - vendor: 0x1234
    ids: { 0x0001: @title@, 0x0002: @title@ }
registers:
  regs:
    note: @block@
    bar: 0
    map:
      control: { at: 0x00, note: @register@, bits: { run: { at: 0, note: @bits@ }, mode: 1..3 } }
      other: { at: 0x04, transient: @transient@ }
structures:
  acme-state:
    note: @layout@
    fields:
      magic: { type: u32, const: 0x454d4341, note: @field@ }
      control: { type: u32, register: regs.control }
context:
  level: { type: u32, note: @context@ }
commands:
  start:
    note: @command@
    steps:
      - { write: regs.control.run = true, note: @step@ }
      - { do: tell, ignore-error: @ignored@ }
      - { write: regs.other = level }
      - { write: regs.control.mode = 2 }
  tell: { note: @note@, call: 'hw_tell(device, @literal@, @embedded@)' }
lifecycle:
  open: [start]
migration:
  arcs:
    RUNNING -> STOP: { do: start, note: @arc@ }
    STOP -> RUNNING: none
  stream: { structure: acme-state }
  omitted: { cache: @omitted@ }
"""
FIELDS = tuple(dict.fromkeys(re.findall("@([a-z]+)@", SPEC)))
RELEASES = ("6.1.192", "7.3.4")


needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc isn't there")


def scalar(text: str) -> str:
    """Return a YAML scalar; a string of JSON is one."""
    return json.dumps(text, ensure_ascii=False)


def literal(text: str) -> str:
    """Return a text of the expression language, for inside of a single-quoted scalar."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    escaped = escaped.replace("{", "{{").replace("}", "}}").replace("'", "''")
    return f'"{escaped}"'


def spec_with(texts: dict[str, str]) -> str:
    spelled = {name: scalar(text) for name, text in texts.items()}
    spelled["literal"] = literal(texts["literal"])
    spelled["embedded"] = literal(texts["embedded"])[:-1] + '{level}"'
    return re.sub("@([a-z]+)@", lambda match: spelled[match[1]], SPEC)


def load(text: str) -> tuple[list[pipeline.LoadedSpec], Problems]:
    with tempfile.TemporaryDirectory() as directory:
        return small.load(Path(directory), text)


def render(text: str, release: str) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as directory:
        return small.render_all(Path(directory), text, release)


@cache
def harmless(release: str) -> dict[str, str]:
    return render(spec_with(dict.fromkeys(FIELDS, "text")), release)


# A small reader of C: what is code, and what strings hold.

TOKENS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\s+|.', re.DOTALL)


def code_of(text: str) -> str:
    """Return C without comments, with empty strings and single blanks. Trigraphs are read as C90 does."""
    assert "??/" not in text
    code = []
    for token in TOKENS.findall(text):
        if token.startswith(("/*", "//")) or token.isspace():
            code.append(" ")
        elif token.startswith('"'):
            assert token != '"', "a string isn't closed"
            code.append('""')
        else:
            code.append(token)
    return re.sub(r"\s*([^\w\s])\s*|\s+", lambda match: match[1] or " ", "".join(code))


def strings_after(text: str, macro: str) -> list[str]:
    """Return what the strings of a macro such as MODULE_AUTHOR hold."""
    return [unescaped(found) for found in re.findall(rf'^{macro}\("((?:\\.|[^"\\])*)"\);$', text, re.M)]


def unescaped(body: str) -> str:
    simple = {"n": "\n", "t": "\t"}
    escapes = r"\\([0-7]{3})|\\(.)"
    return re.sub(escapes, lambda m: chr(int(m[1], 8)) if m[1] else simple.get(m[2], m[2]), body)


def kconfig_of(text: str) -> tuple[list[str], str, list[str]]:
    """Return the lines of an entry before the help text, with an empty prompt; the prompt; the help text."""
    head, _, body = text.partition("\n\thelp\n")
    lines = head.split("\n")
    prompts = [line for line in lines if line.startswith("\ttristate ")]
    prompt = re.fullmatch(r'\ttristate "((?:\\.|[^"\\])*)"', prompts[0])
    assert len(prompts) == 1
    assert prompt, prompts[0]
    assert "$(" not in re.sub(r"\\.", "x", prompt[1])
    entry = [line for line in lines if not line.startswith(("\ttristate ", "#"))]
    return entry, re.sub(r"\\(.)", r"\1", prompt[1]), body.rstrip("\n").split("\n")


def check_c(text: str, release: str) -> None:
    assert code_of(text) == code_of(harmless(release)["main.c"])
    assert not any(line != line.rstrip(" \t") for line in text.split("\n"))


def check_kconfig(text: str, release: str) -> None:
    entry, _, body = kconfig_of(text)
    assert entry == kconfig_of(harmless(release)["Kconfig"])[0]
    assert body[0].startswith("\t  ")
    assert body[0][3:4].strip(), "the first line sets the indentation of the help text"
    assert all(line.startswith("\t  ") or not line for line in body)


def check_makefile(text: str, release: str) -> None:
    lines = text.split("\n")
    comments = [line for line in lines if line.startswith("#")]
    assert not any(line.endswith("\\") for line in comments)
    old = harmless(release)["Makefile"].split("\n")
    assert [x for x in lines if x not in comments] == [x for x in old if not x.startswith("#")]


@pytest.mark.parametrize("release", RELEASES)
@settings(max_examples=40)
@given(texts=st.fixed_dictionaries(dict.fromkeys(FIELDS, GOOD_TEXTS)))
@example(texts=dict.fromkeys(FIELDS, "".join(FRAGMENTS)))
@example(texts=dict.fromkeys(FIELDS, " ".join(reversed(FRAGMENTS))))
@example(texts=dict.fromkeys(FIELDS, "x\\"))
@example(texts=dict.fromkeys(FIELDS, "*/"))
@example(texts=dict.fromkeys(FIELDS, "   indented"))
def test_texts_stay_where_they_belong(release: str, texts: dict[str, str]) -> None:
    files = render(spec_with(texts), release)
    check_c(files["main.c"], release)
    check_kconfig(files["Kconfig"], release)
    check_makefile(files["Makefile"], release)
    assert strings_after(files["main.c"], "MODULE_DESCRIPTION") == [one_line(texts["description"])]
    assert strings_after(files["main.c"], "MODULE_AUTHOR") == [one_line(texts["author"])] * 2
    assert kconfig_of(files["Kconfig"])[1] == one_line(texts["prompt"])


def test_templates_do_not_read_texts() -> None:
    texts = dict.fromkeys(FIELDS, "{{ 7 * 191 }} {% raw %} {# gone #}")
    text = "\n".join(render(spec_with(texts), "7.3.4").values())
    assert "1337" not in text
    assert text.count("{{ 7 * 191 }} {% raw %} {# gone #}") > len(FIELDS) // 2


@needs_gcc
@pytest.mark.parametrize("number", range(6))
def test_a_compiler_reads_it_likewise(number: int, tmp_path: Path) -> None:
    """The preprocessor of gcc, which knows comments, strings and trigraphs best."""
    chosen = FRAGMENTS[number::6]
    texts = {name: "".join(chosen[at % len(chosen) :] + chosen) for at, name in enumerate(FIELDS)}
    new = preprocessed(render(spec_with(texts), "7.3.4")["main.c"], tmp_path)
    assert code_of(new) == code_of(preprocessed(harmless("7.3.4")["main.c"], tmp_path))


@needs_gcc
def test_the_module_says_what_was_written(tmp_path: Path) -> None:
    """A compiler reads the literals back."""
    texts = [f"x{part}x" for part in FRAGMENTS]
    specs = [spec_with(dict.fromkeys(FIELDS, "text") | {"description": text}) for text in texts]
    mains = [render(spec, "7.3.4")["main.c"] for spec in specs]
    puts = (re.sub(r".*^MODULE_DESCRIPTION(.*?);$.*", r"puts\1;", text, flags=re.M | re.S) for text in mains)
    source = tmp_path / "texts.c"
    source.write_text(
        "\n".join(["#include <stdio.h>", "int main(void)", "{", *puts, "}", ""]), encoding="utf-8"
    )
    subprocess.run(["gcc", "-trigraphs", "-w", "-o", tmp_path / "texts", source], check=True)
    said = subprocess.run([tmp_path / "texts"], capture_output=True, check=True).stdout.decode()
    assert said.splitlines() == [one_line(text) for text in texts]


def preprocessed(text: str, directory: Path) -> str:
    source = directory / "main.c"
    source.write_text(re.sub("^#include .*$", "", text, flags=re.M), encoding="utf-8")
    flags = [
        "-std=gnu11",
        "-trigraphs",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-Wtrigraphs",
        "-Wcomment",
        "-Winvalid-pch",
    ]
    command = ["gcc", *flags, "-E", "-P", str(source)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


# Names

KEBAB = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
MODULE = r"[a-z][a-z0-9]*([-_][a-z0-9]+)*"
FILE = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
# Where a name stands, and what a proper one is like.
NAMES = {
    "  name: acme-vfio-pci": ("  name: @", MODULE),
    "  directory: acme": ("  directory: @", MODULE),
    "  prefix: acme": ("  prefix: @", r"[a-z][a-z0-9]*(_[a-z0-9]+)*"),
    "symbol: ACME_VFIO_PCI": ("symbol: @", r"[A-Z][A-Z0-9_]*"),
    "0x0002:": ("@:", r"0x[0-9a-f]{1,4}|[A-Z][A-Z0-9_]*"),
    "vendor: 0x1234": ("vendor: @", r"[A-Z][A-Z0-9_]*"),
    "  regs:": ("  @:", KEBAB),
    "      other:": ("      @:", KEBAB),
    "mode: 1..3": ("@: 1..3", KEBAB),
    "  acme-state:\n": ("  @:\n", rf"{KEBAB}|(struct|union|bits) [a-z_][a-z0-9_]*"),
    "      control: { type": ("      @: { type", r"_{0,2}[a-z][a-z0-9_-]*"),
    "  level: {": ("  @: {", KEBAB),
    "  tell: {": ("  @: {", KEBAB),
    "cache:": ("@:", KEBAB),
}
SIGNS = st.text(string.ascii_letters + string.digits + "-_. /\\\n\"'$(){}*#;é日", min_size=1, max_size=12)


@pytest.mark.parametrize("place", NAMES)
@settings(max_examples=20)
@given(
    name=SIGNS
    | st.sampled_from(["int", "state", "..", "a/b", "-x", "x-", "a--b", "$(x)", "main", "if", "x\n"])
)
def test_names_that_are_none_are_refused(place: str, name: str) -> None:
    replacement, pattern = NAMES[place]
    text = spec_with(dict.fromkeys(FIELDS, "text"))
    assert text.count(place) == 1
    specs, problems = load(text.replace(place, replacement.replace("@", scalar(name))))
    if not problems:
        assert re.fullmatch(pattern, name)
        check_names(specs)
    elif not re.fullmatch(pattern, name):
        assert problems


def check_names(specs: list[pipeline.LoadedSpec]) -> None:
    """A name that is accepted gives files that a build can take."""
    for file in pipeline.render_specs(specs, kernel_from_release("7.3.4")):
        assert re.fullmatch(rf"({FILE}/)*{FILE}", str(file.path))
        if file.path.name == "main.c":
            assert balanced(code_of(file.data.decode()))


def balanced(code: str) -> bool:
    return all(code.count(left) == code.count(right) for left, right in ("()", "[]", "{}"))


# Expressions

WORDS = """
    regs.control regs.control.run regs.control.mode regs.other level tell start device vf-id loaded capacity
    0 1 7 0x10 64KiB true false none size(acme-state) end(acme-state.magic) min( max( join( ( ) ( ) [ ] , .
    == != < >= + - * / % << >> & | ^ ~ not and or in ref out if then else ENODEV PCI_COMMAND "text {level}"
    struct x = -> 18446744073709551615 acme-state.magic start(1) regs regs.nothing magic -> u32 or errno
"""
EXPRESSIONS = st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=9).map(" ".join) | TEXTS
PLACES = (
    "write: regs.control.run = true",
    "register: regs.control }",
    "open: [start]",
    "{ structure: acme-state }",
    "const: 0x454d4341",
    "do: start, note",
    '\'hw_tell(device, "text", "text{level}")\'',
)
FORMS = {
    "write: regs.control.run = true": "check: @",
    "register: regs.control }": "save: @, load: regs.control }",
    "open: [start]": "open: [start, { set: @ }]",
    "{ structure: acme-state }": "{ structure: acme-state, memory: @ }",
    "const: 0x454d4341": "match: @",
    "do: start, note": "do: @, note",
    '\'hw_tell(device, "text", "text{level}")\'': "@",
}


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=40)
@given(expression=EXPRESSIONS)
def test_no_expression_is_too_much(place: str, expression: str) -> None:
    text = spec_with(dict.fromkeys(FIELDS, "text"))
    assert text.count(place) == 1
    specs, problems = load(text.replace(place, FORMS[place].replace("@", scalar(expression))))
    if not problems:
        check_names(specs)
    for form in ("human", "json", "github"):
        format_problems(problems, form)
