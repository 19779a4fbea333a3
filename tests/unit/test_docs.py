# SPDX-License-Identifier: GPL-2.0-only
"""The manual: current, linked, and true as far as a machine can tell."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from vfiogen import cli
from vfiogen.c.lex import UNITS
from vfiogen.c.parse import parse_expression
from vfiogen.c.syntax import KEYWORDS, SyntaxProblem
from vfiogen.diagnostics import Problems
from vfiogen.model import scope
from vfiogen.model.read import VERBS
from vfiogen.model.types import SCALARS
from vfiogen.pipeline import load_specs
from vfiogen.project import SpecFile, find_project
from vfiogen.report import format_problems

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
WRITTEN = [page for page in PAGES if page.name not in ("vocabulary.md", "diagnostics.md")]
RENEW = "run `make docs` (python docs/generate.py) and read what it changes"


def str_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
COMMAND = re.compile(r"^(?:\$ |    )?(vfiogen(?: .*)?)$", re.MULTILINE)
INLINE_COMMAND = re.compile(r"`(vfiogen [^`]+)`")


@cache
def generator() -> object:
    sys.path.insert(0, str(DOCS))
    import generate  # type: ignore[import-not-found]

    return generate


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """A page without its fenced blocks and comments."""
    return re.sub(r"<!--.*?-->", "", FENCE.sub("", text_of(page)), flags=re.DOTALL)


def anchors(page: Path) -> list[str]:
    from parts.markdown import anchor  # type: ignore[import-not-found]

    return [anchor(heading) for heading in HEADING.findall(FENCE.sub("", text_of(page)))]


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The relative links of a page: the file, and the anchor in it."""
    for _, target in LINK.findall(prose(page)):
        if not re.match(r"[a-z]+:", target):
            name, _, fragment = target.partition("#")
            yield ((page.parent / name).resolve() if name else page), fragment


@pytest.fixture(autouse=True, scope="module")
def _importable() -> None:
    generator()


def test_generated_pages_are_current() -> None:
    stale = generator().stale_pages()  # type: ignore[attr-defined]
    assert not stale, f"stale: {', '.join(path.name for path in stale)}; {RENEW}"


def test_check_writes_nothing_and_tells(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = DOCS / "vocabulary.md"
    before = page.stat().st_mtime_ns
    monkeypatch.setattr(generator(), "vocabulary_page", lambda intro: f"{intro} and more")
    assert generator().main(["--check"]) == 1  # type: ignore[attr-defined]
    assert "docs/vocabulary.md: stale" in capsys.readouterr().out
    assert page.stat().st_mtime_ns == before


def test_picture_is_xml_and_words_fit_their_boxes() -> None:
    from draw import BOXES, HEIGHT, WIDTH, draw_path  # type: ignore[import-not-found]

    ElementTree.fromstring(draw_path())
    for box in BOXES:
        assert 0 <= box.x <= box.x + box.width <= WIDTH
        assert 0 <= box.y <= box.y + box.height <= HEIGHT
        widths = [8.0 * len(box.lines[0]), *(6.4 * len(line) for line in box.lines[1:])]
        assert max(widths) <= box.width, box.lines


@pytest.mark.parametrize("page", PAGES, ids=str_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target, fragment in links(page):
        assert target.exists(), f"{page.name} links to {target}"
        if fragment:
            assert fragment in anchors(target), f"{page.name} links to #{fragment} of {target.name}"


@pytest.mark.parametrize("page", PAGES, ids=str_of)
def test_anchors_are_unique(page: Path) -> None:
    found = anchors(page)
    assert sorted(set(found)) == sorted(found)


def test_every_page_is_reachable() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in seen:
            seen.add(page)
            waiting += [target for target, _ in links(page) if target.suffix == ".md"]
    assert set(PAGES) <= seen


@pytest.mark.parametrize("page", WRITTEN, ids=str_of)
def test_lines_are_wrapped(page: Path) -> None:
    for line in prose(page).split("\n"):
        assert len(line) <= 110, line


@pytest.mark.parametrize("page", PAGES, ids=str_of)
def test_only_the_project_is_spoken_of(page: Path) -> None:
    text = text_of(page)
    assert not re.search(r"(?<![\w/.])/(?:root|work|home|Users)/", text)
    assert not re.search(r"https?://", text)


@pytest.mark.parametrize("page", PAGES, ids=str_of)
def test_releases_of_the_output_are_targets(page: Path) -> None:
    targets = set(find_project(ROOT).targets)
    if page.name == "diagnostics.md":
        pytest.skip("its examples are of other projects")
    assert set(re.findall(r"\bout/(\d+\.\d+\.\d+)", text_of(page))) <= targets


# YAML


def whole_specs() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for _, language, text in FENCE.findall(text_of(page)):
            if language == "yaml" and re.search(r"^vocabulary:", text, re.MULTILINE):
                yield page.name, text


def test_whole_specs_pass_check(tmp_path: Path) -> None:
    for at, (page, text) in enumerate(whole_specs()):
        path = tmp_path / f"{at}.yaml"
        path.write_text(text, encoding="utf-8")
        problems = Problems()
        load_specs([SpecFile(path, path.name, path.name)], problems)
        assert not problems, f"{page}: {format_problems(problems, 'human')}"


# Commands


def shown_commands() -> list[str]:
    """What is typed in blocks, and what is named in sentences."""
    texts = [text_of(page) for page in PAGES]
    blocks = [block for text in texts for _, kind, block in FENCE.findall(text) if kind in ("console", "sh")]
    typed = COMMAND.findall("".join(blocks))
    return sorted({*typed, *(line for text in texts for line in INLINE_COMMAND.findall(text))})


def test_commands_are_shown() -> None:
    assert len(shown_commands()) > 20


@pytest.mark.parametrize("line", shown_commands())
def test_command_exists(line: str) -> None:
    """Up to a redirection or another command: the command and each of its options is one that there is."""
    first = re.split(r"&|\||<\(|>|  ", re.sub(r"\$\([^)]*\)", "x", line))[0]
    words = shlex.split(first, comments=True)[1:]
    if words[0] == "COMMAND":
        return
    parser = subparser(words[0])
    options = [word.partition("=")[0] for word in words[1:] if word.startswith("-")]
    assert set(options) <= set(parser._option_string_actions)
    if len(words) > 1 and "--help" not in options:
        parser.parse_args(words[1:])


def subparser(name: str) -> argparse.ArgumentParser:
    for action in cli._parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            assert name in action.choices, f"there is no command {name}"
            found: argparse.ArgumentParser = action.choices[name]
            return found
    raise AssertionError("the parser has no commands")


# Expressions


def examples(language: str) -> list[str]:
    blocks = [text for _, kind, text in FENCE.findall(text_of(DOCS / "expressions.md")) if kind == language]
    return [line.split("    #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("line", examples("expression"))
def test_shown_expression_parses(line: str) -> None:
    parse_expression(line)


@pytest.mark.parametrize("line", examples("refused"))
def test_refused_expression_is_refused(line: str) -> None:
    with pytest.raises(SyntaxProblem):
        parse_expression(line)


def test_expressions_page_names_everything() -> None:
    text = text_of(DOCS / "expressions.md")
    names = [*KEYWORDS, *UNITS, *VERBS, *SCALARS, *scope.WORDS]
    missing = [name for name in names if not re.search(rf"`{re.escape(name)}\b", text)]
    assert not missing, f"expressions.md doesn't mention {', '.join(missing)}"


# C that is written for one driver alone is what a spec is to save its author from.
MOST_BY_HAND = {
    "edu": 0,
    "generic": 0,
    "hisilicon": 120,
    "igd": 0,
    "ism": 160,
    "mlx5": 700,
    "nvgrace-gpu": 120,
    "nvlink2": 0,
    "pds": 60,
    "qat": 0,
    "vfio-pci": 80,
    "virtio": 120,
    "xe": 0,
    "zdev": 10,
}


@pytest.mark.parametrize("driver", MOST_BY_HAND)
def test_little_is_written_by_hand(driver: str) -> None:
    generator()
    from parts.drivers import hand_written  # type: ignore[import-not-found]

    assert hand_written(driver) <= MOST_BY_HAND[driver]


def test_every_template_of_one_driver_alone_is_counted() -> None:
    """Whatever file of the templates is left out with a driver was written for it."""
    generator()
    from parts.drivers import drivers, own_templates

    assert set(MOST_BY_HAND) == set(drivers())
    users = {template: name for name in drivers() for template in own_templates(name)}
    assert users["core.c.j2"] == "zdev"
    assert users["partials/bar_access.c.j2"] == "ism"
