# SPDX-License-Identifier: GPL-2.0-only
"""Strict YAML: what is read, what is refused, and where the problem is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vfiogen.diagnostics import Problems, Source, Span
from vfiogen.load import (
    Entry,
    Mapping,
    Node,
    Scalar,
    Sequence,
    builder,
    load_source,
    node_at,
    plain,
    read_source,
)


def load(text: str) -> tuple[Node | None, list[str]]:
    """Return the nodes, and problems as `line:column-end code`."""
    problems = Problems()
    node = load_source(Source("x.yaml", text), problems)
    return node, [f"{where(p.span)} {p.code}" for p in problems]


def good(text: str) -> Node:
    node, problems = load(text)
    assert problems == []
    assert node is not None
    return node


def where(span: Span | None) -> str:
    if span is None:
        return ""
    end = f"{span.end_column}" if span.line == span.end_line else f"{span.end_line}:{span.end_column}"
    return f"{span.line}:{span.column}-{end}"


def under(span: Span) -> str:
    source = span.source
    start = source.offset(span.line, span.column)
    return source.text[start : source.offset(span.end_line, span.end_column)]


# What is read


def test_values_are_read_by_the_strict_rules() -> None:
    node = good(
        "text: a b\nnumber: 12\nnegative: -3\nhex: 0xFf\nyes-no: [true, false]\nnothing: [null, ~]\n"
        'quoted: [\'12\', "true", "6.10"]\nunit: [5s, 64KiB, 13..15, 6.12.95]\n0x10: hex key\n'
        "'off': quoted key\n"
    )
    assert plain(node) == {
        "text": "a b",
        "number": 12,
        "negative": -3,
        "hex": 255,
        "yes-no": [True, False],
        "nothing": [None, None],
        "quoted": ["12", "true", "6.10"],
        "unit": ["5s", "64KiB", "13..15", "6.12.95"],
        "0x10": "hex key",
        "off": "quoted key",
    }


def test_mappings_know_their_keys() -> None:
    node = good("b: 1\na: 2\n")
    assert isinstance(node, Mapping)
    assert [key.text for key, _ in node] == ["b", "a"]
    value = node.get("a")
    key = node.key("a")
    assert isinstance(value, Scalar)
    assert value.value == 2
    assert key is not None
    assert where(key.span) == "2:1-2"
    assert node.get("c") is None
    assert node.key("c") is None


def test_a_scalar_says_whether_it_was_quoted() -> None:
    node = good("[a, 'b', \"c\"]")
    assert isinstance(node, Sequence)
    assert [item.quoted for item in node.items if isinstance(item, Scalar)] == [False, True, True]


def test_text_may_be_in_any_language() -> None:
    assert plain(good("prénom: 日本 😀\n")) == {"prénom": "日本 😀"}


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("a:\n  b: [x, {c: yz}]\n", ["a", "b", 1, "c"], "2:14-16"),
        ("é: ☃😀x\n", ["é"], "1:4-7"),
        ("a: 'q r'\n", ["a"], "1:4-9"),
        ("a: |  # c\n  x\n  y\n\n\nb: 1\n", ["a"], "1:4-3:4"),
        ("a: x\n  y\nb: 1\n", ["a"], "1:4-2:4"),
        ("a: {b: c}\n", ["a"], "1:4-10"),
        ("a:\n  b: c\n  d: [e]\n# comment\n\nf: g\n", ["a"], "2:3-3:9"),
        ("a:\n- b\n- c: d\n\nf: g\n", ["a"], "2:1-3:7"),
        ("---\na: b\n...\n", ["a"], "2:4-5"),
    ],
)
def test_spans_are_exact(text: str, path: list[str | int], expected: str) -> None:
    assert where(node_at(good(text), path).span) == expected


def test_a_path_that_leads_nowhere_is_an_error() -> None:
    node = good("a: [1]\n")
    paths: list[list[str | int]] = [["b"], ["a", 1], ["a", 0, "x"]]
    for path in paths:
        with pytest.raises(LookupError):
            node_at(node, path)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: foo bar\n", "bar"),
        ("a: 'foo bar'\n", "bar"),
        ('a: "foo bar"\n', "foo"),
        ("a: >-\n   foo\n   or bar\n", "bar"),
        ("a: |\n  foo\n\n  bar\n", "bar"),
        ("a: foo\n   or   bar\n", "bar"),
        ("a: 'foo\n\n   bar'\n", "bar"),
    ],
)
def test_parts_of_a_text_have_spans(text: str, part: str) -> None:
    scalar = node_at(good(text), ["a"])
    assert isinstance(scalar, Scalar)
    start = scalar.text.index(part)
    span = scalar.span_of(start, start + len(part))
    assert under(span) == part
    assert span.line == span.end_line


def test_the_end_of_a_text_has_a_span() -> None:
    scalar = good("'ab'")
    assert isinstance(scalar, Scalar)
    assert where(scalar.span_of(2, 2)) == "1:4-4"
    assert where(scalar.span_of(0, 2)) == "1:2-4"


@pytest.mark.parametrize("text", ["'it''s x'", r'"a\tx"', '"a \\\n x"'])
def test_parts_of_a_text_with_escapes_are_the_whole(text: str) -> None:
    scalar = good(text)
    assert isinstance(scalar, Scalar)
    assert scalar.span_of(1, 2) == scalar.span
    assert scalar.span_of(0, 99) == scalar.span


# What is refused

AMBIGUOUS = """yes no on off y n Yes NO On OFF True FALSE Null NULL
    010 00 08 -07 0o17 0b11 0X1f 0x_1 -0x10 +5 1_000 0x1_0
    3.10 6.12 .5 5. 1e3 12e4 1.5e+3 .inf -.INF .nan
    10:30 03:00.0 0000:03:00.0 03:1f.7 fe:00.0 1234:11e8 2024-01-01 2001-12-14T21:59:43.10-05:00
""".split()  # noqa: SIM905


@pytest.mark.parametrize("word", AMBIGUOUS)
@pytest.mark.parametrize("shape", ["key: {}\n", "{}: value\n", "- {}\n", "[{}]\n"])
def test_what_versions_of_yaml_read_differently_is_refused(word: str, shape: str) -> None:
    column = shape.index("{") + 1
    _, problems = load(shape.replace("{}", word))
    assert problems == [f"1:{column}-{column + len(word)} yaml-ambiguous"]


@pytest.mark.parametrize("word", AMBIGUOUS)
def test_quotes_settle_it(word: str) -> None:
    assert plain(good(f"'{word}': \"{word}\"\n")) == {word: word}


@pytest.mark.parametrize(
    "text",
    [
        *("yess", "none", "offset", "a_1", "x10", "0x", "0xg", "1s", "1:x", "a:b", "--", "1-2"),
        *("6.12.95", "v6.12", "~edu.liveness", "0x40 + 4", "1e", "2024-01", "10ms", "e1:g", "+x"),
    ],
)
def test_other_words_are_text(text: str) -> None:
    assert plain(good(f"a: {text}\n")) == {"a": text}


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("010", 'write `10`, or `"010"` if text is meant'),
        ("off", 'write `false`, or `"off"` if text is meant'),
        ("0o17", 'write `15`, or `"0o17"` if text is meant'),
        ("0X1F", 'write `0x1f`, or `"0X1F"` if text is meant'),
        ("1_000", 'write `1000`, or `"1_000"` if text is meant'),
        ("03:00.0", 'quote it if text is meant: `"03:00.0"`'),
        ("6.10", 'quote it if text is meant: `"6.10"`'),
    ],
)
def test_ambiguity_comes_with_a_way_out(word: str, hint: str) -> None:
    problems = Problems()
    load_source(Source("x", f"a: {word}\n"), problems)
    assert [problem.hints for problem in problems] == [(hint,)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\na: 2\n", "2:1-2 yaml-duplicate-key"),
        ("a: 1\n'a': 2\n", "2:1-4 yaml-duplicate-key"),
        ("0x1f: 1\n0x1F: 2\n", "2:1-5 yaml-duplicate-key"),
        ("16: 1\n0x10: 2\n", "2:1-5 yaml-duplicate-key"),
        ("a:\n\tb: c\n", "2:1-2 yaml-tab"),
        ("a:\n  - b\n\t- c\n", "3:1-2 yaml-tab"),
        ("a: {\n\t\tb: c}\n", "2:1-3 yaml-tab"),
        ("a: b\n\t# c\n", "2:1-2 yaml-tab"),
        ("a: &x b\n", "1:4-6 yaml-feature"),
        ("a: &x\n  b: c\n", "1:4-6 yaml-feature"),
        ("a: *x\n", "1:4-6 yaml-feature"),
        ("a: !x b\n", "1:4-6 yaml-feature"),
        ("a: !!python/name:os.system\n", "1:4-27 yaml-feature"),
        ("<<: {a: b}\n", "1:1-3 yaml-feature"),
        ("? [a]\n: b\n", "1:3-6 yaml-feature"),
        ("? {a: b}\n: c\n", "1:3-9 yaml-feature"),
        ("a: b\n--- \nc: d\n", "2:1-4 yaml-feature"),
        ("%YAML 1.1\n---\na: b\n", "1:1-10 yaml-feature"),
        ("%FOO\n---\na: b\n", "1:1-5 yaml-feature"),
        ("", "1:1-1 yaml-empty"),
        ("# nothing\n\n", "1:1-1 yaml-empty"),
        ("---\n...\n", "1:1-1 yaml-empty"),
        ("a:\n", "1:3-3 yaml-empty"),
        ("a:\nb: c\n", "1:3-3 yaml-empty"),
        ("a: {b}\n", "1:6-6 yaml-empty"),
        ("a:\n  - \n  - b\n", "2:4-4 yaml-empty"),
        ("?\n: b\n", "1:2-2 yaml-empty"),
        ("? a\n\nb: c\n", "1:4-4 yaml-empty"),
        ("true: a\n", "1:1-5 yaml-ambiguous"),
        ("~: a\n", "1:1-2 yaml-ambiguous"),
        ("a: 18446744073709551616\n", "1:4-24 yaml-number"),
        ("a: 0x10000000000000000\n", "1:4-23 yaml-number"),
        ("a: -9223372036854775809\n", "1:4-24 yaml-number"),
        ("a: " + "9" * 5000, "1:4-5004 yaml-number"),
        ("{ do: f(a, b) }\n", "1:7-10 yaml-comma"),
        ("{ do: f(a, b, c), x: 1 }\n", "1:7-10 yaml-comma"),
        ("[f(a, b)]\n", "1:2-5 yaml-comma"),
        ("a: b: c\n", "1:5-6 yaml-syntax"),
        ("a: 'b\nc: d\n", "1:4-6 yaml-syntax"),
        ("a: [b\nc: d\n", "2:2-3 yaml-syntax"),
        ("a: {b: c\n", "1:9-9 yaml-syntax"),
        ("a: b\nc\nd: e\n", "2:1-2 yaml-syntax"),
        ("a:\n  b: 1\n c: 2\n", "3:2-3 yaml-syntax"),
        ("- a\nb: c\n", "2:1-2 yaml-syntax"),
        ("a: @b\n", "1:4-5 yaml-syntax"),
        ("a: *\n", "1:4-5 yaml-syntax"),
        ('a: "\\q"\n', "1:5-7 yaml-syntax"),
        ("a: - b\n", "1:4-5 yaml-syntax"),
        ("a: \0\n", "1:4-5 file-encoding"),
        ("a: \x1b[31m\n", "1:4-5 file-encoding"),
        ("a: x\rb: y\n", "1:5-6 file-encoding"),
        ("a: \u2028\n", "1:4-5 file-encoding"),
        ("a: \u202e\n", "1:4-5 file-encoding"),
        ("\ufeffa: b\n", "1:1-2 file-encoding"),
        ("a: \ud800\n", "1:4-5 file-encoding"),
        ('a: "\\0"\n', "1:4-8 file-encoding"),
        ("[" * 65 + "]" * 65, "1:65-66 yaml-depth"),
        ("{a: " * 100_000, "1:257-258 yaml-depth"),
        ("- " * 100_000, "1:129-129 yaml-depth"),
    ],
)
def test_what_a_spec_cannot_use_is_refused_at_its_place(text: str, expected: str) -> None:
    _, problems = load(text)
    assert problems == [expected]


def test_64_levels_are_enough() -> None:
    assert load("[" * 64 + "a" + "]" * 64)[1] == []


def test_tabs_inside_text_are_no_indentation() -> None:
    assert plain(good("a: |\n  x\n  \ty\nb: 'c\n\td'\ne: f\t# g\n")) == {
        "a": "x\n\ty\n",
        "b": "c d",
        "e": "f",
    }


def test_all_problems_are_found_in_one_run() -> None:
    node, problems = load("a: yes\nb:\na: 1\nc: &x {d: 010}\n- \n")
    assert [p.split()[1] for p in problems] == [
        *("yaml-ambiguous", "yaml-empty", "yaml-duplicate-key", "yaml-feature", "yaml-ambiguous"),
        "yaml-syntax",
    ]
    assert node is None


def test_problems_do_not_lose_the_rest() -> None:
    node, problems = load("a: off\nb: &x [1]\nc: *x\nd: 1\nd: 2\n")
    assert len(problems) == 4
    assert node is not None
    assert plain(node) == {"a": "off", "b": [1], "c": None, "d": 1}


def test_the_rest_of_a_cut_value_is_not_reported_again() -> None:
    node, problems = load("a: {do: f(p, q, r), b: 1}\nc: [g(p, q), r]\n")
    assert problems == ["1:9-12 yaml-comma", "2:5-8 yaml-comma"]
    assert node is not None
    assert plain(node) == {"a": {"do": "f(p", "b": 1}, "c": ["g(p"]}


def test_a_duplicate_points_at_the_first() -> None:
    problems = Problems()
    load_source(Source("x", "a: 1\n\nb: 2\na: 3\n"), problems)
    (problem,) = problems
    ((span, message),) = problem.related
    assert (where(span), message) == ("1:1-2", "first given here")


def test_reading_stops_when_there_are_too_many_problems() -> None:
    _, problems = load("x: [" + "off, " * 200_000 + "]\n")
    assert len(problems) == 101
    assert [p for p in problems if "yaml-too-many" in p] == ["1:500-503 yaml-too-many"]


@pytest.mark.parametrize("text", ["a: {b: [c, 'd']}\n", "a:\n- |\n  b\n- off\n", "a: 1\na: 2\n"])
def test_the_parser_in_python_does_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    node, problems = load(text)
    monkeypatch.setattr(builder, "_loader", lambda: yaml.Loader)
    other, others = load(text)
    assert node is not None
    assert other is not None
    assert (plain(node), problems, where(node.span)) == (plain(other), others, where(other.span))


# Files


def read(path: Path) -> tuple[Source | None, list[str]]:
    problems = Problems()
    source = read_source(path, path.name, problems)
    return source, [f"{p.code}: {p.message}" for p in problems]


def test_a_file_is_read_with_newlines_only(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes("a: é\r\nb: c\n".encode())
    source, problems = read(path)
    assert problems == []
    assert source is not None
    assert (source.path, source.text) == ("x.yaml", "a: é\nb: c\n")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("a: b".encode("utf-16"), "file-encoding: `x.yaml` is written in UTF-16"),
        ("a: b".encode("utf-32"), "file-encoding: `x.yaml` is written in UTF-32"),
        (b"\xfe\xff\0a", "file-encoding: `x.yaml` is written in UTF-16"),
        (b"\xef\xbb\xbfa", "file-encoding: `x.yaml` is written in UTF-8 with a byte order mark"),
        (b"a: \xe9\n", "file-encoding: the byte 0xe9 is not UTF-8 here"),
        (b"a" * (1 << 20) + b"b", "file-size: `x.yaml` is larger than 1 MiB"),
    ],
)
def test_bad_files_are_one_clear_problem(tmp_path: Path, data: bytes, expected: str) -> None:
    (tmp_path / "x.yaml").write_bytes(data)
    assert read(tmp_path / "x.yaml") == (None, [expected])


def test_a_bad_byte_has_a_position(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes("é: 1\r\nñ: ".encode() + b"\xff\n")
    problems = Problems()
    read_source(tmp_path / "x.yaml", "x.yaml", problems)
    (problem,) = problems
    assert where(problem.span) == "2:4-5"


def test_a_mebibyte_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"#" * (1 << 20))
    assert read(tmp_path / "x.yaml")[1] == []


def test_what_is_not_a_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dir").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    for name in ("fifo", "dir", "loop", "x" * 300, "dir/\0"):
        source, problems = read(tmp_path / name)
        assert source is None
        assert [p.split(":")[0] for p in problems] == ["file-unreadable"]
    assert read(Path("/dev/zero"))[1] == ["file-unreadable: `zero` can't be read: it is not a regular file"]


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "qat.yaml").write_text("a: b\n")
    problems = Problems()
    assert read_source(tmp_path / "qta.yaml", "specs/qta.yaml", problems) is None
    (problem,) = problems
    assert problem.code == "file-missing"
    assert problem.hints == ("did you mean `specs/qat.yaml`?",)
    assert read(tmp_path / "no/such")[1] == ["file-missing: there is no file `such`"]


# Properties

FRAGMENTS = (
    *("a", "b: ", "c", ":", " ", "  ", "\n", "\n  ", "- ", "{", "}", "[", "]", ", ", "'", '"', "#"),
    *("|", ">-", "&x ", "*x", "!t ", "<<", "---", "...", "\t", "0x1", "yes", "1.0", "? ", "%", "\\"),
    *("é", "😀", "\0", "\x85", "f(", ")"),
)
YAML_LIKE = st.lists(st.sampled_from(FRAGMENTS), max_size=24).map("".join)


def nodes(node: Node) -> Iterator[Node]:
    yield node
    match node:
        case Mapping(entries=entries):
            for entry in entries:
                assert isinstance(entry, Entry)
                yield entry.key
                yield from nodes(entry.value)
        case Sequence(items=items):
            for item in items:
                yield from nodes(item)


def texts(node: Node) -> Any:
    match node:
        case Scalar(text=text):
            return text
        case Sequence(items=items):
            return [texts(item) for item in items]
        case Mapping():
            return {key.text: texts(value) for key, value in node}


@given(st.one_of(YAML_LIKE, st.text(st.characters(), max_size=60)))
def test_no_text_raises(text: str) -> None:
    problems = Problems()
    node = load_source(Source("x", text), problems)
    assert node is not None or problems
    for problem in problems:
        assert problem.span is not None
        assert 1 <= problem.span.line <= text.count("\n") + 1
    if node is not None and not problems:
        assert texts(node) == yaml.load(text, Loader=yaml.CBaseLoader)
        for part in nodes(node):
            if isinstance(part, Scalar) and not part.quoted and part.span.line == part.span.end_line:
                assert under(part.span) == part.text


@given(st.binary(max_size=40))
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.yaml"
    path.write_bytes(data)
    problems = Problems()
    source = read_source(path, "bytes.yaml", problems)
    assert (source is None) == bool(problems)


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Cn"]), max_size=8)
TREES = st.recursive(
    st.one_of(TEXTS, st.integers(-(1 << 63), (1 << 64) - 1), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
TEXT_TREES = st.recursive(
    TEXTS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4), st.dictionaries(TEXTS, inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
)


@given(TREES)
def test_flow_trees_round_trip(tree: Any) -> None:
    # Blanks around it: YAML allows the colon of a JSON key, but only 128 characters before it.
    node = good(json.dumps(tree, ensure_ascii=False, separators=(", ", ": ")))
    assert plain(node) == tree


@given(TEXT_TREES)
def test_block_trees_round_trip(tree: Any) -> None:
    text = yaml.dump(tree, default_style='"', allow_unicode=True, width=1000, sort_keys=False)
    assert plain(good(text)) == tree
