# SPDX-License-Identifier: GPL-2.0-only
"""Problems as text, and the helpers that word them."""

from __future__ import annotations

import io
import json

import pytest

from vfiogen.diagnostics import (
    Problem,
    Problems,
    Source,
    Span,
    VfiogenError,
    did_you_mean,
    listing,
    nearest,
    quote,
)
from vfiogen.records import astuple
from vfiogen.report import (
    COLOURED,
    PLAIN,
    format_github,
    format_human,
    format_json,
    palette,
    visible,
)

SOURCE = Source("specs/x.yaml", "driver:\n  name: Foo\n\tid: 1\n  日本: foo\n")


def human(span: Span | None, message: str = "wrong", *hints: str) -> list[str]:
    problems = Problems()
    problems.report("some-code", message, span, *hints)
    return format_human(problems).split("\n")


def at(line: int, column: int, end: int, source: Source = SOURCE) -> Span:
    return Span(source, line, column, line, end)


# Positions


def test_positions_and_offsets_are_inverse() -> None:
    for offset in range(len(SOURCE.text) + 1):
        assert SOURCE.offset(*SOURCE.position(offset)) == offset


def test_lines_count_from_one() -> None:
    assert [SOURCE.line(n) for n in (0, 1, 2, 5, 6, 99)] == ["", "driver:", "  name: Foo", "", "", ""]
    assert Source("x").line(1) == ""
    assert Source("x", "a").position(1) == (1, 2)


def test_problems_are_sorted_and_reported_once() -> None:
    problems = Problems()
    for line in (3, 1, 3):
        problems.report("b", "m", at(line, 1, 2), "", "hint")
    problems.report("a", "m", at(3, 1, 2))
    problems.report("z", "no place", None)
    assert len(problems) == 4
    assert bool(problems)
    assert not Problems()
    assert [(p.code, p.span.line if p.span else 0) for p in problems] == [
        ("z", 0),
        ("b", 1),
        ("a", 3),
        ("b", 3),
    ]
    assert [p.hints for p in problems][1] == ("hint",)


def test_what_has_a_problem_is_not_reported_again_by_a_later_stage() -> None:
    problems = Problems()
    problems.report("first", "m", at(2, 3, 12))
    problems.report("same-stage", "m", at(2, 9, 12))
    other = Source("specs/y.yaml", SOURCE.text)
    problems.report("other-file", "m", at(2, 9, 12, other))
    problems.settle(SOURCE)
    problems.report("inside", "m", at(2, 9, 12))
    problems.report("same", "m", at(2, 3, 12))
    problems.report("around", "m", at(2, 1, 12))
    problems.report("beside", "m", at(2, 12, 13))
    problems.report("elsewhere", "m", at(2, 9, 12, other))
    problems.report("nowhere", "m", None)
    assert {p.code for p in problems} == {
        *("first", "same-stage", "other-file", "around", "beside", "elsewhere", "nowhere")
    }


def test_an_error_is_a_problem_without_a_place() -> None:
    error = VfiogenError("some-code", "message", "", "hint", status=2)
    assert error.problem == Problem("some-code", "message", None, ("hint",))
    assert (str(error), error.status) == ("message", 2)


# Words


def test_texts_are_quoted_and_shortened() -> None:
    assert quote("a") == "`a`"
    assert quote("x" * 100) == "`" + "x" * 59 + "…`"


def test_listings_read_well() -> None:
    assert listing([]) == ""
    assert listing(["a"]) == "`a`"
    assert listing(["a", "b"]) == "`a` or `b`"
    assert listing(["b", "a", "c"], "and") == "`b`, `a` and `c`"
    assert listing(map(str, range(30)), most=2) == "`0`, `1` and 28 more"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("pre_copy", "pre-copy"),
        ("PRE-COPY", "pre-copy"),
        ("precopy", "pre-copy"),
        ("stop_copy", "stop-copy"),
        ("qat_mig_devv", "qat_mig_dev"),
        ("zebra", None),
        ("", None),
    ],
)
def test_near_words_are_found(word: str, expected: str | None) -> None:
    known = ["stop-copy", "pre-copy", "qat_mig_dev"]
    assert nearest(word, known) == expected
    assert did_you_mean(word, known) == (f"did you mean `{expected}`?" if expected else "")


def test_a_long_word_is_compared_quickly() -> None:
    assert nearest("x" * 1_000_000, ["y" * 40]) is None


# For a person


def test_a_problem_shows_its_line_with_a_caret_for_each_character() -> None:
    assert human(at(2, 9, 12), "expected `edu`", "did you mean `edu`?", "allowed: `edu`") == [
        "specs/x.yaml:2:9: error[some-code]: expected `edu`",
        "    2 |   name: Foo",
        "      |         ^^^",
        "      = help: did you mean `edu`?",
        "      = help: allowed: `edu`",
        "",
        "1 problem in 1 spec",
        "",
    ]


def test_tabs_and_wide_characters_keep_the_caret_in_place() -> None:
    assert human(at(3, 2, 4))[1:3] == ["    3 |         id: 1", "      |         ^^"]
    assert human(at(3, 1, 2))[2] == "      | ^^^^^^^^"
    assert human(at(4, 3, 5))[1:3] == ["    4 |   日本: foo", "      |   ^^^^"]
    assert human(at(4, 7, 10))[2] == "      |         ^^^"


def test_combining_characters_take_no_room() -> None:
    source = Source("x", "e\u0301e: y\n")
    assert human(at(1, 5, 6, source))[2] == "      |    ^"


def test_an_empty_span_has_one_caret() -> None:
    assert human(at(1, 8, 8))[2] == "      |        ^"


def test_a_span_over_lines_shows_the_first() -> None:
    assert human(Span(SOURCE, 1, 1, 3, 4))[1:3] == ["    1 | driver:", "      | ^^^^^^^"]


def test_a_long_line_is_cut_around_the_mark() -> None:
    source = Source("x", "a" * 500_000 + "B" * 500_000 + "c" * 10)
    _, line, carets, *_ = human(Span(source, 1, 500_001, 1, 1_000_001))
    assert len(line) < 200
    assert line.startswith("    1 | …aaa")
    assert line.endswith("BBB…")
    assert line.index("B") == carets.index("^")
    assert human(Span(source, 1, 1, 1, 2))[1].endswith("a…")


def test_a_problem_without_a_place_is_one_line() -> None:
    assert human(None, "no kernel", "pass --kernel") == [
        "error[some-code]: no kernel",
        "      = help: pass --kernel",
        "",
    ]


def test_related_places_are_shown_too() -> None:
    problems = Problems()
    related = ((at(1, 1, 7), "first given here"),)
    problems.report("some-code", "twice", at(2, 3, 7), related=related)
    assert format_human(problems).split("\n")[3:6] == [
        "specs/x.yaml:1:1: note: first given here",
        "    1 | driver:",
        "      | ^^^^^^",
    ]


def test_the_last_line_counts() -> None:
    problems = Problems()
    other = Source("specs/y.yaml", "a\n")
    for span in (at(1, 1, 2), at(2, 1, 2), at(1, 1, 2, other)):
        problems.report("c", "m", span)
    assert format_human(problems).endswith("\n\n3 problems in 2 specs\n")
    assert format_human([]) == ""


def test_what_a_spec_says_cannot_drive_the_terminal() -> None:
    source = Source("a\x1b[2Jb", "x: \x1b[31m\u202e\n")
    text = format_human([Problem("c", "bad \x1b]0;t\x07\nline \x9b", at(1, 4, 5, source), ("\x08",))])
    assert all(char == "\n" or char.isprintable() for char in text)
    assert "bad \\u001b]0;t\\u0007\\nline \\u009b" in text
    assert visible("a\u202eb") == "a\\u202eb"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_is_for_terminals_that_want_it() -> None:
    assert palette(Terminal(), {"TERM": "xterm"}) is COLOURED
    assert palette(Terminal(), {"NO_COLOR": ""}) is COLOURED
    assert palette(Terminal(), {"NO_COLOR": "1"}) is PLAIN
    assert palette(Terminal(), {"TERM": "dumb"}) is PLAIN
    assert palette(io.StringIO(), {}) is PLAIN


def test_colour_changes_no_text() -> None:
    problems = [Problem("c", "m", at(2, 9, 12), ("hint",), ((at(1, 1, 2), "note"),))]
    coloured = format_human(problems, COLOURED)
    assert "\033[1;31merror[c]:\033[0m" in coloured
    for code in {code for code in astuple(COLOURED) if code}:
        coloured = coloured.replace(code, "")
    assert coloured == format_human(problems)


# For programs


def test_json_has_everything() -> None:
    related = ((at(1, 1, 7), "here"),)
    problems = [Problem("c", "m\n", at(2, 9, 12), ("h",), related), Problem("d", "é", None)]
    assert json.loads(format_json(problems)) == {
        "version": 1,
        "problems": [
            {
                "code": "c",
                "message": "m\n",
                "file": "specs/x.yaml",
                "line": 2,
                "column": 9,
                "end_line": 2,
                "end_column": 12,
                "hints": ["h"],
                "related": [
                    {
                        "message": "here",
                        "file": "specs/x.yaml",
                        "line": 1,
                        "column": 1,
                        "end_line": 1,
                        "end_column": 7,
                    }
                ],
            },
            {"code": "d", "message": "é", "hints": [], "related": []},
        ],
    }
    assert json.loads(format_json([])) == {"version": 1, "problems": []}


def test_github_annotations_are_escaped() -> None:
    source = Source("specs/a,b:c%.yaml", "x\n")
    problem = Problem("c", "100%\r\n::stop", at(1, 1, 3, source), ("h, i: j",))
    assert format_github([problem]) == (
        "::error file=specs/a%2Cb%3Ac%25.yaml,line=1,endLine=1,col=1,endColumn=2,title=c"
        "::100%25%0D%0A::stop%0Ahelp: h, i: j\n"
    )
    assert format_github([Problem("c", "m", None)]) == "::error title=c::m\n"
    over_lines = Problem("c", "m", Span(SOURCE, 1, 3, 2, 4), (), ((at(1, 1, 2), "note"),))
    assert format_github([over_lines]) == (
        "::error file=specs/x.yaml,line=1,endLine=2,title=c::m%0Aspecs/x.yaml:1:1: note\n"
    )
