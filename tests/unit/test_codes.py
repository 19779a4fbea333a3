# SPDX-License-Identifier: GPL-2.0-only
"""Every problem that the tool reports has an explanation, and every explanation a problem."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import vfiogen
from vfiogen.codes import codes, explain
from vfiogen.diagnostics import Problems, Source, VfiogenError
from vfiogen.load import load_source

PACKAGE = Path(vfiogen.__file__).parent
FORMAT = re.compile(
    r"# [^\n`]+[^.\n]\n\n"  # the title, a phrase
    r"(?!wrong:)[^\n].*?\n\n"  # why
    r"wrong:\n\n```(yaml|console|toml)\n.+?\n```\n\n"
    r"right:\n\n```(yaml|console|toml)\n.+?\n```\n",
    re.DOTALL,
)


def name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def reporters(trees: list[ast.Module]) -> dict[str, int]:
    """Return the functions that take a code, and which positional argument it is."""
    found = {"report": 0, "VfiogenError": 0}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name not in ("__init__", "explain"):
                names = [a.arg for a in node.args.args if a.arg not in ("self", "cls")]
                if "code" in names:
                    found[node.name] = names.index("code")
    return found


def literals(argument: ast.expr) -> Iterator[str | None]:
    """Yield the codes that an argument can be; None for what isn't written there."""
    match argument:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=other):
            yield from literals(body)
            yield from literals(other)
        case ast.Name(id="code"):
            pass  # a reporter that passes on its own argument
        case _:
            yield None


@cache
def reported() -> list[tuple[str | None, str]]:
    """Return every code with the place that reports it."""
    return list(search())


def search() -> Iterator[tuple[str | None, str]]:
    paths = sorted(PACKAGE.rglob("*.py"))
    trees = [ast.parse(path.read_text()) for path in paths]
    known = reporters(trees)
    for path, tree in zip(paths, trees, strict=True):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name_of(node.func) in known:
                place = known[name_of(node.func)]
                named = [k.value for k in node.keywords if k.arg == "code"]
                for argument in [*node.args[place : place + 1], *named]:
                    for code in literals(argument):
                        yield code, f"{path.relative_to(PACKAGE)}:{node.lineno}"


def test_codes_are_written_where_they_are_reported() -> None:
    assert [place for code, place in reported() if code is None] == []


def test_every_code_is_explained() -> None:
    missing = {code: place for code, place in reported() if code and code not in codes()}
    assert missing == {}


def test_every_explanation_is_of_a_code() -> None:
    assert set(codes()) - {code for code, _ in reported()} == set()


@pytest.mark.parametrize("code", codes())
def test_explanations_have_their_form(code: str) -> None:
    text = (PACKAGE / f"codes/{code}.md").read_text()
    assert re.fullmatch("[a-z]+(-[a-z]+)*", code)
    assert FORMAT.fullmatch(text), f"see codes.py for the form of codes/{code}.md"
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("code", [code for code in codes() if code.startswith("yaml-")])
def test_a_wrong_example_is_wrong_for_that_reason(code: str) -> None:
    for example in yaml_examples(code, "wrong"):
        assert code in problems_of(example)


@pytest.mark.parametrize("code", codes())
def test_a_right_example_is_right(code: str) -> None:
    for example in yaml_examples(code, "right"):
        assert problems_of(example) == []


def yaml_examples(code: str, verdict: str) -> list[str]:
    explanation = explain(code)
    return explanation.examples(verdict) if f"{verdict}:\n\n```yaml" in explanation.body else []


def problems_of(text: str) -> list[str]:
    problems = Problems()
    load_source(Source("example", text), problems)
    return [problem.code for problem in problems]


def test_an_explanation_is_plain_text() -> None:
    explanation = explain("yaml-tab")
    assert explanation.title == "A tab indents a line"
    plain = explanation.plain()
    assert "```" not in plain
    assert "\nright:\n\n    driver:\n      name: edu-vfio-pci\n" in plain


def test_an_unknown_code_is_wrong_usage() -> None:
    with pytest.raises(VfiogenError) as caught:
        explain("yaml-tap")
    assert caught.value.status == 2
    assert caught.value.problem.hints[0] == "did you mean `yaml-tab`?"
    with pytest.raises(VfiogenError) as caught:
        explain("../codes/yaml-tab")
    with pytest.raises(VfiogenError) as caught:
        explain("busy")
    assert caught.value.problem.hints[0] == "codes with that word: `output-busy`"
