# SPDX-License-Identifier: GPL-2.0-only
"""Human text in C, Kconfig and Makefiles, read back by those who read these languages."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vfiogen.c.layout import comment
from vfiogen.c.text import (
    c_string,
    comment_text,
    fill,
    kconfig_help,
    kconfig_string,
    line_comment_text,
    make_comment,
    make_value,
    module_text,
    one_line,
    text_problem,
)

NASTY = [
    "plain",
    "",
    'quotes " and \\ backslashes \\" \\\\',
    "ends with a backslash \\",
    'ends with a quote "',
    "*/ int evil; /*",
    "/* nested /*/ and */* more **/ //",
    "// line",
    "??/ ??= ???/ ????/ ??( ??) ??' ??< ??! ??> ??- what??",
    "a ??/\nb ??/",
    "two\nlines",
    "a paragraph\n\n\n \nanother",
    "  indented first\nless\n    more",
    "- item\n- another item that goes on and on until it has to be wrapped somewhere or other\n* x",
    "$(shell touch /tmp/evil) $(FOO) ${BAR} $$ $x $",
    "\\$(x) \\\\$(x)",
    "$(unclosed",
    "# hash \\# \\\\# and : colon % percent %s %%d",
    "tab-like \\t and octal \\101 and \\x41 \\u1234",
    "{{ jinja }} {% raw %} {# c #}",
    "help\nendmenu\nconfig EVIL",
    "grüße, κόσμε, 世界, 🙂, e\u0301, no\u00a0break",
    "word" * 60,
    '\'single\' """ triple',
    "1" * 3 + "\\0",
    "%",
]
# Any text that is not refused, with what the languages here care for more often than by chance.
pieces = st.sampled_from([*"\\\"'?/*$(){}#%:-\n ab1", "*/", "/*", "??/", "$(", "\\\n", "\n\n", " \\"])
texts = (st.lists(pieces).map("".join) | st.text(max_size=30)).filter(lambda text: text_problem(text) is None)
many_texts = st.lists(texts, min_size=20, max_size=60)
few = settings(max_examples=4, suppress_health_check=list(HealthCheck))

GCC = ["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror"]
BOTH_WAYS = pytest.mark.parametrize("dialect", [[], ["-trigraphs"]], ids=["gnu", "trigraphs"])


def _run(*command: str | Path, text: str | None = None, cwd: Path | None = None) -> bytes:
    if not shutil.which(command[0]):
        pytest.skip(f"no {command[0]}")
    given_text = text.encode() if text is not None else None
    done: subprocess.CompletedProcess[bytes] = subprocess.run(
        command, input=given_text, cwd=cwd, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stderr, done.stderr.decode()
    return done.stdout


# What is refused


@pytest.mark.parametrize("text", NASTY)
def test_honest_text_is_no_problem(text: str) -> None:
    assert text_problem(text) is None


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\0", "U+0000 (a control character)"),
        ("\t", "U+0009"),
        ("\r", "U+000D"),
        ("\x1b", "U+001B"),
        ("\x7f", "U+007F"),
        ("\x85", "U+0085"),
        ("\u202e", "U+202E (a change of the direction of writing)"),
        ("\u2066", "U+2066"),
        ("\u2028", "U+2028 (a line separator)"),
        ("\ud800", "U+D800 (half of a surrogate pair)"),
        ("\ufeff", "U+FEFF (a byte order mark)"),
    ],
)
def test_what_no_output_can_hold_is_named(character: str, name: str) -> None:
    problem = text_problem(f"fine {character} not")
    assert problem
    assert name in problem


# C strings


def _c_bytes(directory: Path, literals: Sequence[str], dialect: Sequence[str]) -> list[bytes]:
    """Compile and run: what the literals hold, as the compiler reads them."""
    rows = "".join(f"\t{{ {literal}, sizeof({literal}) - 1 }},\n" for literal in literals)
    program = (
        "#include <stdio.h>\n"
        f"static const struct {{ const char *s; unsigned int n; }} rows[] = {{\n{rows}}};\n"
        "int main(void)\n{\n"
        "\tfor (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {\n"
        "\t\tfwrite(&rows[i].n, 4, 1, stdout);\n"
        "\t\tfwrite(rows[i].s, rows[i].n, 1, stdout);\n\t}\n\treturn 0;\n}\n"
    )
    _run(*GCC, *dialect, "-x", "c", "-o", directory / "strings", "-", text=program)
    data, found = _run(str(directory / "strings")), []
    while data:
        (size,) = struct.unpack_from("=I", data)
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    return found


@BOTH_WAYS
@few
@given(many_texts)
def test_c_strings_hold_the_text(
    tmp_path_factory: pytest.TempPathFactory, dialect: list[str], texts: list[str]
) -> None:
    texts = [*NASTY, *texts, "\x01\x1f\x7f1", "\t"]
    found = _c_bytes(tmp_path_factory.mktemp("c"), list(map(c_string, texts)), dialect)
    assert found == [text.encode() for text in texts]


def test_c_strings_read_well() -> None:
    assert c_string('say "hi"\n') == r'"say \"hi\"\n"'
    assert c_string("what??") == '"what??"'
    assert c_string("50% of it") == '"50% of it"'
    assert c_string("50% of it", format_string=True) == '"50%% of it"'
    assert c_string("grüße") == '"grüße"'
    assert module_text("two\n  lines ") == '"two lines"'


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_c_strings_refuse_what_they_cannot_hold(text: str) -> None:
    with pytest.raises(ValueError, match="NUL"):
        c_string(text)


# Comments


@BOTH_WAYS
@few
@given(many_texts)
def test_comments_hide_their_text_and_nothing_else(dialect: list[str], texts: list[str]) -> None:
    source = "".join(
        f"{comment(text, at % 3)}\nint a{at};\n// {line_comment_text(text)}\nint b{at};\n"
        for at, text in enumerate([*NASTY, *texts])
    )
    _run(*GCC, *dialect, "-Wcomment", "-fsyntax-only", "-x", "c", "-", text=source)
    left = _run(*GCC, *dialect, "-E", "-P", "-x", "c", "-", text=source).decode()
    names = [f"{letter}{at}" for at in range(len(NASTY) + len(texts)) for letter in "ab"]
    assert left.split() == [word for name in names for word in ("int", f"{name};")]


def test_comments_read_well() -> None:
    assert comment_text("see foo/*.c or */etc") == "see foo/ *.c or * /etc"
    assert comment_text("/*/") == "/ * /"
    assert comment_text("what??") == "what??"
    assert line_comment_text("C:\\") == "C:\\."


@given(texts)
def test_neutral_comment_text_stays_as_it_is(text: str) -> None:
    once = comment_text(text)
    assert comment_text(once) == once
    assert not re.search(r"\*/|/\*|\?\?/", once)


# Kconfig: scripts/kconfig/lexer.l, transcribed, and the real thing


def _read_kconfig_string(quoted: str) -> str:
    """What the lexer's state STRING makes of a string in double quotes."""
    assert quoted[0] == '"'
    found, at = "", 1
    while quoted[at] != '"':
        assert quoted[at] != "\n"
        assert not quoted.startswith("$(", at), "a macro would be expanded"
        at += quoted[at] == "\\"
        found += quoted[at]
        at += 1
    assert at == len(quoted) - 1, "the string ends early"
    return found


def _read_kconfig_help(body: str) -> str:
    """What the lexer's state HELP makes of the lines behind `help`."""
    first, lines = 0, []
    for line in body.split("\n"):
        stripped = line.strip(" \t")
        column = len(line.expandtabs()) - len(line.expandtabs().lstrip(" "))
        if stripped:
            first = first or column
            assert column, "a line in the first column ends the help"
            assert column >= first, "a line indented less ends the help"
        lines.append(" " * (column - first) + stripped if stripped else "")
    return "\n".join(lines)


@given(texts | st.sampled_from(NASTY))
def test_kconfig_reads_prompts_and_help_as_written(text: str) -> None:
    assert _read_kconfig_string(kconfig_string(text)) == one_line(text)
    body = kconfig_help(text)
    assert _read_kconfig_help(body) == "\n".join(fill(text, 69))
    assert not re.search(r"[ \t]$", body, re.MULTILINE)


@pytest.fixture(scope="session")
def kconfig(newest_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kernel's own reader of Kconfig files, built by hand as the tree is read only."""
    for tool in ("flex", "bison", "gcc"):
        if not shutil.which(tool):
            pytest.skip(f"no {tool}")
    source, out = newest_tree / "scripts/kconfig", tmp_path_factory.mktemp("kconfig")
    parts = ["conf", "confdata", "expr", "menu", "preprocess", "symbol", "util"]
    files = [source / f"{part}.c" for part in parts if (source / f"{part}.c").exists()]
    _run("flex", "-olexer.lex.c", source / "lexer.l", cwd=out)
    _run("bison", "-t", "-oparser.tab.c", "--defines=parser.tab.h", source / "parser.y", cwd=out)
    includes = [f"-I{out}", f"-I{source}", f"-I{newest_tree / 'scripts/include'}"]
    _run("gcc", "-w", *includes, "-oconf", *files, "lexer.lex.c", "parser.tab.c", cwd=out)
    return out / "conf"


def test_the_kernel_reads_prompts_and_help_as_written(kconfig: Path, tmp_path: Path) -> None:
    texts = [text for text in NASTY if text.strip()]
    entries = [
        f"config T{at}\n\tbool {kconfig_string(text)}\n\thelp\n{kconfig_help(text)}\n"
        for at, text in enumerate(texts)
    ]
    (tmp_path / "Kconfig").write_text("\n".join(entries), encoding="utf-8")
    printed = _run(kconfig, "--helpnewconfig", "Kconfig", cwd=tmp_path).decode()
    for at, text in enumerate(texts):
        start = printed.index(f"CONFIG_T{at}:\n\n")
        end = printed.index(f"Symbol: T{at} [=n]\n", start)
        help_text = printed[start:end].split("\n", 2)[2]
        assert help_text.rstrip("\n") == "\n".join(fill(text, 69))
        assert f"\n  Prompt: {one_line(text)}\n" in printed[end : end + 4000]


# Makefiles


@few
@given(many_texts)
def test_make_reads_values_and_comments(texts: list[str]) -> None:
    texts = [*NASTY, *texts]
    lines = [
        f"{make_comment(text)}\nV{at} := {make_value(text)}\n$(info [$(V{at})])\n"
        for at, text in enumerate(texts)
    ]
    makefile = "".join(lines) + ".PHONY: all\nall: ; @:\n"
    printed = _run("make", "--no-print-directory", "-f", "-", text=makefile).decode()
    assert printed.splitlines() == [f"[{one_line(text)}]" for text in texts]


# Filling


@given(texts, st.integers(10, 80))
def test_filling_keeps_the_words_and_the_width(text: str, room: int) -> None:
    lines = fill(text, room)
    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= room or " " not in line.lstrip(" *-") for line in lines)
    assert all(line == line.rstrip(" ") for line in lines)
    assert "" not in (lines[:1] + lines[-1:]) or not text.strip()
