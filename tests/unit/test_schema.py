# SPDX-License-Identifier: GPL-2.0-only
"""What a document that doesn't fit a schema is told, and that the shipped schema can be trusted."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from vfiogen.diagnostics import Problem, Problems, Source
from vfiogen.load import load_source, plain
from vfiogen.schema import spec_schema, spec_validator, validate_against
from vfiogen.schema.accept import fits
from vfiogen.schema.respell import meant_number, respelled

ROOT = Path(__file__).parents[2]
NAME = {
    "title": "a name",
    "type": "string",
    "pattern": "^[a-z]+(-[a-z]+)*$",
    "x-expect": "a name such as dma",
}
SCHEMA = {
    "title": "A device",
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"description": "What it is called.", "$ref": "#/$defs/name"},
        "kind": {"enum": ["virtual", "physical", 3]},
        "version": {"const": 1},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/name"}, "minItems": 1, "uniqueItems": True},
        "width": {"title": "a width", "type": "integer", "minimum": 8, "maximum": 64},
        "count": {"title": "a count", "type": "integer", "minimum": 1},
        "note": {"title": "a note", "type": "string", "minLength": 1, "maxLength": 10},
        "code": {"title": "a code", "type": "string", "pattern": "^x"},
        "ids": {
            "title": "IDs",
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": "^0x", "x-expect": "a hex number"},
            "additionalProperties": {"type": "string"},
        },
        "map": {
            "type": "object",
            "additionalProperties": {
                "title": "a register",
                "type": ["integer", "object"],
                "additionalProperties": False,
                "properties": {"at": {"type": "integer"}, "access": {"enum": ["ro", "rw"]}},
                "required": ["at"],
            },
        },
        "either": {
            "anyOf": [
                {"$ref": "#/$defs/name"},
                {
                    "title": "a pair",
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"first": {"type": "string"}, "second": {"type": "string"}},
                },
            ]
        },
        "steps": {"$ref": "#/$defs/steps"},
    },
    "patternProperties": {"^x-": {"type": "string"}},
    "dependentRequired": {"code": ["note"]},
    "$defs": {
        "name": NAME,
        "steps": {
            "title": "steps",
            "type": ["string", "array"],
            "items": {"type": "object", "properties": {"undo": {"$ref": "#/$defs/steps"}}},
        },
    },
}


def told(text: str, schema: dict[str, Any] = SCHEMA) -> list[Problem]:
    problems = Problems()
    root = load_source(Source("x", text), problems)
    assert root is not None
    validate_against(Draft202012Validator(schema), root, problems)
    return list(problems)


def line(problem: Problem) -> str:
    span = problem.span
    assert span is not None
    return f"{span.line}:{span.column}-{span.end_column} {problem.code}: {problem.message}"


def test_what_fits_is_told_nothing() -> None:
    assert told("name: a-b\nids: {0x1: a}\nmap: {a: 1, b: {at: 2}}\neither: {first: a}\nx-y: z\n") == []


@pytest.mark.parametrize(
    ("text", "expected", "hints"),
    [
        (
            "nmae: a\nname: b",
            "1:1-5 schema-unknown-key: there is no key `nmae` here",
            ["did you mean `name`?"],
        ),
        (
            "name: a\nat: 1",
            "2:1-3 schema-unknown-key: there is no key `at` here",
            ["`at` is a key of `map.*`"],
        ),
        (
            "name: a\nmap: {r: {at: 1, acess: ro}}",
            "2:18-23 schema-unknown-key: there is no key `acess` here",
            ["did you mean `access`?", "allowed here: `at` and `access`"],
        ),
        (
            "kind: virtual",
            "1:1-14 schema-missing-key: the key `name` is missing",
            ["`name`: What it is called."],
        ),
        ("{}", "1:1-3 schema-missing-key: the key `name` is missing", ["`name`: What it is called."]),
        ("name: a\nmap:\n  reg:\n    access: ro", "3:3-6 schema-missing-key: the key `at` is missing", []),
        ("name: a\nmap: {r: {}}", "2:7-8 schema-missing-key: the key `at` is missing", []),
        ("[name]", "1:1-7 schema-type: expected a map, found a list", []),
        ("name: [a]", "1:7-10 schema-type: expected a name such as dma, found a list", []),
        ("name: 12", "1:7-9 schema-type: expected a name such as dma, found the number `12`", []),
        (
            "name: true",
            "1:7-11 schema-type: expected a name such as dma, found `true`",
            ['quote it if text is meant: `"true"`'],
        ),
        ("name: null", "1:7-11 schema-type: expected a name such as dma, found nothing", None),
        (
            "name: a\ntags: b",
            "2:7-8 schema-type: expected a list, each item a name, found `b`",
            ["a list of one item is written `[b]`"],
        ),
        (
            "name: a\nwidth: '8'",
            "2:8-11 schema-type: expected a width, found `8`",
            ["a number has no quotes"],
        ),
        ("name: a\nids: [x]", "2:6-9 schema-type: expected IDs (a map), found a list", []),
        ("name: a\nids:\n  - 0x1: b\n  - c\n", "3:3-4 schema-type: expected IDs (a map), found a list", []),
        ("name: a\nmap: {r: x}", "2:10-11 schema-type: expected a register, found `x`", []),
        ("name: a\nmap: x", "2:6-7 schema-type: expected a map, found `x`", []),
        (
            "name: a\neither: 5",
            "2:9-10 schema-type: expected a name such as dma or a pair (a map), found the number `5`",
            [],
        ),
        ("name: a\neither: B", "2:9-10 schema-value: expected a name such as dma, found `B`", ["write `b`"]),
        (
            "name: a\neither: {frist: b}",
            "2:10-15 schema-unknown-key: there is no key `frist` here",
            ["did you mean `first`?", "allowed here: `first` and `second`"],
        ),
        ("name: A", "1:7-8 schema-value: expected a name such as dma, found `A`", ["write `a`"]),
        (
            "name: a\nkind: vitrual",
            "2:7-14 schema-value: expected `virtual`, `physical` or `3`, found `vitrual`",
            ["did you mean `virtual`?"],
        ),
        ("name: a\nversion: 2", "2:10-11 schema-value: expected `1`, found the number `2`", []),
        (
            "name: a\nwidth: 65",
            "2:8-10 schema-value: expected a width from 8 to 64, found the number `65`",
            [],
        ),
        ("name: a\ncount: 0", "2:8-9 schema-value: expected a count of at least 1, found the number `0`", []),
        (
            "name: a\nnote: abcdefghijk",
            "2:7-18 schema-value: expected a note from 1 to 10 characters, found `abcdefghijk`",
            [],
        ),
        (
            "name: a\nnote: |\n  line one\n  two\n",
            "2:7-6 schema-value: expected a note from 1 to 10 characters, found `line one…`",
            [],
        ),
        (
            "name: a\nnote: b\ncode: zz",
            "3:7-9 schema-value: expected a code that matches `^x`, found `zz`",
            [],
        ),
        (
            "name: a\ncode: x",
            "1:1-5 schema-missing-key: the key `note` is missing, which `code` needs",
            [],
        ),
        ("name: a\nids: {1: b}", "2:7-8 schema-value: expected a hex number as a key, found `1`", []),
        ("name: a\ntags: [b, c, b]", "2:14-15 schema-value: `b` is listed twice", []),
        ("name: a\ntags: []", "2:1-5 schema-empty: `tags` is empty", ["expected a list, each item a name"]),
        ("name: a\nids: {}", "2:1-4 schema-empty: `ids` is empty", ["expected IDs (a map)"]),
        ("name: a\nnote: ''", "2:1-5 schema-empty: `note` is empty", ["expected a note"]),
        ("name: a\nx-y: 1", "2:6-7 schema-type: expected text, found the number `1`", None),
    ],
)
def test_a_mistake_is_told_at_its_place(text: str, expected: str, hints: list[str] | None) -> None:
    (problem,) = told(text)
    assert line(problem) == expected
    if hints is not None:
        assert [h for h in problem.hints if not h.startswith("allowed here: `name`")] == hints


def test_all_mistakes_are_told_at_once() -> None:
    problems = told("nmae: a\nkind: x\nmap: {r: {acess: 1}, s: z}\nids: {}\n")
    assert [p.code for p in problems] == [
        *("schema-missing-key", "schema-unknown-key", "schema-value", "schema-missing-key"),
        *("schema-unknown-key", "schema-type", "schema-empty"),
    ]


def test_what_is_wrong_as_yaml_is_not_told_again() -> None:
    assert [p.code for p in told("name: off\nwidth: 010\nkind:\nno: 1\nknid:\n")] == [
        *("yaml-ambiguous", "yaml-ambiguous", "yaml-empty", "yaml-ambiguous"),
        *("schema-unknown-key", "yaml-empty"),
    ]


def test_a_repeated_item_points_at_the_first() -> None:
    (problem,) = told("name: a\ntags: [b, c, b]\n")
    assert [(span.column, text) for span, text in problem.related] == [(8, "first listed here")]


def test_a_huge_mistake_is_told_briefly() -> None:
    text = "name: a\n" + "".join(f"k{i}: 1\n" for i in range(5000))
    assert 100 <= len(told(text)) <= 200


def test_deep_nesting_is_no_matter() -> None:
    text = "name: a\nsteps: " + "[{undo: " * 31 + "1" + "}]" * 31
    (problem,) = told(text)
    assert problem.code == "schema-type"


# The shipped schema


def subschemas(schema: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema in a schema, by the places where JSON Schema has them."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for keyword in ("properties", "patternProperties", "$defs"):
        for name, inner in schema.get(keyword, {}).items():
            yield from subschemas(inner, f"{path}/{keyword}/{name}")
    for keyword in ("items", "additionalProperties", "propertyNames", "if", "then", "else", "not"):
        yield from subschemas(schema.get(keyword), f"{path}/{keyword}")
    for keyword in ("anyOf", "allOf", "oneOf"):
        for number, inner in enumerate(schema.get(keyword, [])):
            yield from subschemas(inner, f"{path}/{keyword}/{number}")


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(spec_schema())
    assert spec_validator().schema is spec_schema()


def test_the_schema_uses_no_unknown_keyword() -> None:
    known = {
        *Draft202012Validator.VALIDATORS,
        *("$schema", "$id", "$defs", "title", "description", "x-expect", "x-instead", "x-of", "then", "else"),
    }
    unknown = {f"{path}: {k}" for path, s in subschemas(spec_schema()) for k in s if k not in known}
    assert unknown == set()


def test_what_is_written_instead_of_a_key_is_a_key_or_a_hint() -> None:
    for path, schema in subschemas(spec_schema()):
        keys = set(schema.get("properties", {}))
        for wrong, meant in schema.get("x-instead", {}).items():
            assert wrong not in keys, f"{path}: {wrong}"
            assert meant in keys or " " in meant, f"{path}: {meant}"


# The short way to yes


def load(path: Path) -> Any:
    root = load_source(Source(path.name, path.read_text(encoding="utf-8")), Problems())
    assert root is not None
    return plain(root)


SPECS = [
    load(path) for path in sorted(ROOT.glob("specs/*/*.yaml")) + sorted(ROOT.glob("tests/specs/*/*.yaml"))
]
VALUES = [
    None,
    True,
    1,
    0,
    -1,
    "",
    "x",
    "x\n",
    "A_B",
    "0x1",
    [],
    ["x", "x"],
    [[]],
    {},
    {"x": 1},
    {"read": "x"},
]


@pytest.mark.parametrize("spec", SPECS)
def test_a_spec_fits_without_jsonschema(spec: Any) -> None:
    assert fits(spec, spec_schema(), spec_schema())


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_what_surely_fits_is_what_jsonschema_takes(data: st.DataObject) -> None:
    spec = copy.deepcopy(data.draw(st.sampled_from(SPECS)))
    for _ in range(data.draw(st.integers(1, 2))):
        break_something(spec, data)
    assert fits(spec, spec_schema(), spec_schema()) == spec_validator().is_valid(spec)


def break_something(spec: Any, data: st.DataObject) -> None:
    """Put another value at a place of a document, take it out, or put something beside it."""
    container, key = data.draw(st.sampled_from(list(places(spec))))
    value = copy.deepcopy(data.draw(st.sampled_from(VALUES)))
    match data.draw(st.sampled_from(["replace", "remove", "add"])):
        case "replace":
            container[key] = value
        case "remove":
            del container[key]
        case "add" if isinstance(container, list):
            container.append(value)
        case _:
            container[data.draw(st.sampled_from(["extra", "when", "note", "A"]))] = value


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container of a document with every key or index in it."""
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in entries:
        yield value, key
        yield from places(inner)


@pytest.mark.parametrize("keyword", ["not", "oneOf", "no-such-keyword"])
def test_a_keyword_that_the_short_way_lacks_is_left_to_jsonschema(keyword: str) -> None:
    assert not fits("x", {"type": "string", keyword: [{}]}, {})


@pytest.mark.parametrize(
    ("text", "pattern", "hint"),
    [
        ("[7:4]", r"^[0-9]+\.\.[0-9]+$", "write `4..7`"),
        ("1-2", r"^[0-9]+\.\.[0-9]+$", "write `1..2`"),
        ("12", r"^[0-9]+\.\.[0-9]+$", ""),
        ("running→stop", "^[A-Z_]+ -> [A-Z_]+$", "write `RUNNING -> STOP`"),
        ("RUNNING=>STOP-COPY", "^[A-Z_]+ -> [A-Z_]+$", "write `RUNNING -> STOP_COPY`"),
        ("CONFIG_acme-x", "^[A-Z][A-Z0-9_]*$", "write `ACME_X`"),
        ("Save State", "^[a-z]+(-[a-z]+)*$", "write `save-state`"),
        ("v6.10", r"^[0-9]+\.[0-9]+$", 'write `"6.10"`'),
        ("ä", "^[a-z]+$", ""),
        ("x" * 1000, "^[A-Z]+$", ""),
    ],
)
def test_a_text_is_respelled_as_the_pattern_has_it(text: str, pattern: str, hint: str) -> None:
    assert respelled(text, {"pattern": pattern}) == hint


def test_a_text_that_gets_too_long_is_not_offered() -> None:
    assert respelled("AB", {"pattern": "^[a-z]+$", "maxLength": 1}) == ""


@pytest.mark.parametrize(
    ("text", "number"),
    [("4h", "0x4"), ("1Fh", "0x1f"), ("0x1F_0000", "0x1f0000"), ("BAR2", "2"), ("BAR6", ""), ("four", "")],
)
def test_numbers_of_datasheets_are_known(text: str, number: str) -> None:
    assert meant_number(text) == number


def test_every_key_of_the_schema_is_described() -> None:
    root = spec_schema()
    missing = [
        f"{path}/properties/{name}"
        for path, schema in subschemas(root)
        for name, inner in schema.get("properties", {}).items()
        if "description" not in inner and "description" not in root["$defs"].get(_target(inner), {})
    ]
    assert missing == []


def test_every_map_of_the_schema_says_what_it_takes() -> None:
    loose = [
        path
        for path, schema in subschemas(spec_schema())
        if schema.get("type") == "object" and "additionalProperties" not in schema and "/if" not in path
    ]
    assert loose == []


def test_every_pattern_of_the_schema_is_explained() -> None:
    bare = [path for path, s in subschemas(spec_schema()) if "pattern" in s and "x-expect" not in s]
    assert bare == []


def _target(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "")).removeprefix("#/$defs/")
