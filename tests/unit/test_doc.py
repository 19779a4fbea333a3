# SPDX-License-Identifier: GPL-2.0-only
"""vfiogen doc: reStructuredText without a warning, pictures that are whole, and nothing left out."""

from __future__ import annotations

import io
import re
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from docutils.core import publish_doctree
from docutils.nodes import Element, document, entry, image, row, section, title
from docutils.parsers.rst import directives
from docutils.parsers.rst.directives.images import Figure
from hypothesis import given
from hypothesis import strategies as st

from vfiogen import cli
from vfiogen.diagnostics import Problems
from vfiogen.doc import page, rst
from vfiogen.doc.arcs import ArcActions, arcs_of
from vfiogen.doc.picture import segments
from vfiogen.doc.states import words_of
from vfiogen.doc.stores import STORES, describe
from vfiogen.model import spec as m
from vfiogen.model.arcs import FILE_ARCS, device_arcs, pre_copy_arcs
from vfiogen.pipeline import load_specs
from vfiogen.project import SpecFile

ROOT = Path(__file__).parents[2]
SPECS = {
    path.stem: path
    for path in sorted(ROOT.glob("specs/*/*.yaml")) + sorted(ROOT.glob("tests/specs/*/*.yaml"))
}
SVG = "{http://www.w3.org/2000/svg}"

# The kernel's own directive takes what docutils' figure takes (Documentation/sphinx/kfigure.py).
directives.register_directive("kernel-figure", Figure)


@cache
def spec_of(name: str) -> m.Spec:
    problems = Problems()
    (found,) = load_specs([SpecFile(SPECS[name], f"{name}.yaml", f"specs/{name}.yaml")], problems)
    assert not problems
    return found.model


def made(name: str) -> page.Document:
    return page.document(spec_of(name), f"specs/{name}/{name}.yaml")


def migrating() -> list[str]:
    return [name for name in SPECS if spec_of(name).migration]


def structured() -> list[str]:
    return [name for name in migrating() if layout_of(name)]


def layout_of(name: str) -> m.Layout | None:
    migration = spec_of(name).migration
    word = migration.stream.structure if migration else None
    return spec_of(name).layout(word.text) if word else None


def arcs(name: str) -> tuple[ArcActions, ...]:
    spec = spec_of(name)
    assert spec.migration
    return arcs_of(spec, spec.migration, describe(spec, spec.migration))


def parsed(text: str) -> document:
    """Parse a page; a warning of docutils is an error."""
    warnings = io.StringIO()
    settings: dict[str, Any] = {"warning_stream": warnings, "report_level": 2, "halt_level": 5}
    tree = publish_doctree(text, settings_overrides=settings)
    assert not warnings.getvalue(), warnings.getvalue()
    return tree


def chapter(name: str, heading: str) -> Element:
    for found in parsed(made(name).page).findall(section):
        if next(iter(found.findall(title))).astext() == heading:
            return found
    raise AssertionError(f"{name} has no chapter {heading}")


def rows(found: Element) -> list[list[str]]:
    return [[cell.astext() for cell in line.findall(entry)] for line in found.findall(row)]


# reStructuredText


@pytest.mark.parametrize("name", SPECS)
def test_page_is_accepted_without_a_warning(name: str) -> None:
    parsed(made(name).page)
    parsed(page.document(spec_of(name), name, illustrated=False).page)


@pytest.mark.parametrize("name", SPECS)
def test_page_keeps_the_kernels_rules(name: str) -> None:
    """Those of Documentation/doc-guide/sphinx.rst, and what checkpatch.pl asks of a text."""
    text = made(name).page
    lines = text.split("\n")
    assert lines[0] == f".. SPDX-License-Identifier: {spec_of(name).driver.license}"
    over = next(at for at, line in enumerate(lines) if set(line) == {"="})
    assert not "".join(lines[over - 1 : over])
    assert lines[over] == lines[over + 2]
    assert len(lines[over]) == len(lines[over + 1])
    assert "\t" not in text
    assert all(line == line.rstrip() for line in lines)
    assert not set(re.findall(r"^\.\. ([a-z-]+)::", text, re.M)) - {"kernel-figure"}
    assert max(len(line) for line in lines if not line.startswith(("|", "+", "- ``"))) <= 80


@pytest.mark.parametrize("name", SPECS)
def test_same_spec_gives_the_same_bytes(name: str) -> None:
    assert (made(name).page, made(name).pictures) == (made(name).page, made(name).pictures)
    assert str(ROOT) not in made(name).page


@pytest.mark.parametrize("name", migrating())
def test_pictures_of_the_page_are_those_that_are_made(name: str) -> None:
    found = made(name)
    shown = [node["uri"] for node in parsed(found.page).findall(image)]
    assert sorted(shown) == sorted(found.pictures)


TEXTS = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Z"), max_codepoint=0x17F), min_size=1
)


@given(TEXTS)
def test_escaped_text_is_shown_as_it_is(text: str) -> None:
    plain = " ".join(text.split())
    if plain:
        assert parsed(rst.paragraph(rst.escaped(plain))).astext() == plain


# docutils takes a cell with nothing but a backslash for the line over a title.
CELLS = TEXTS.filter(lambda text: text.strip() != "\\")


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4))
def test_table_holds_its_cells(cells: list[tuple[str, str]]) -> None:
    plain = [[" ".join(text.split()) or "x" for text in line] for line in cells]
    shown = parsed(rst.table(["One", "Other"], [[rst.escaped(text) for text in line] for line in plain]))
    found = rows(shown)
    assert found[0] == ["One", "Other"]
    assert [[" ".join(cell.split()) for cell in line] for line in found[1:]] == plain


# What is said


@pytest.mark.parametrize("name", structured())
def test_every_field_is_listed_with_its_place(name: str) -> None:
    layout = layout_of(name)
    assert layout is not None
    found = rows(chapter(name, "How the state is composed and consumed"))[1:]
    offset = 0
    for field, cells in zip(layout.fields, found, strict=True):
        assert cells[0] == str(offset)
        count = f"[{field.count.value}]" if field.count else ""
        assert cells[1] == f"{field.type}{count}"
        assert cells[2].split("\n")[0] == field.name.text
        assert (cells[4] == "must match") == bool(field.const or field.match)
        offset += field.size


def test_where_fields_come_from_and_go_to() -> None:
    found = {
        cells[2].split("\n")[0]: cells
        for cells in rows(chapter("edu", "How the state is composed and consumed"))
    }
    assert found["magic"][3:] == ["0x31554445", "must match"]
    assert found["liveness"][3:] == ["~edu.liveness", "edu.liveness"]
    assert found["irq-status"][3:] == ["edu.irq-status", "edu.irq-raise"]
    assert found["dma-count"][3:] == ["edu.dma-count", "edu.dma-count"]
    other = {
        cells[2].split("\n")[0]: cells
        for cells in rows(chapter("big-endian-layout", "How the state is composed and consumed"))
    }
    assert other["least"][4] == "ignored"


def expected_arcs(migration: m.Migration) -> set[tuple[str, str]]:
    p2p = migration.has("p2p")
    early = pre_copy_arcs(p2p) if migration.has("pre-copy") else ()
    return {*device_arcs(p2p), *early, *FILE_ARCS}


@pytest.mark.parametrize("name", migrating())
def test_every_arc_is_there_with_its_commands(name: str) -> None:
    migration = spec_of(name).migration
    assert migration
    lines = rows(chapter(name, "The state machine"))[1:]
    found = {cells[0].replace("\n", " "): cells[1].replace("\n", " ") for cells in lines}
    assert set(found) == {f"{source} -> {target}" for source, target in expected_arcs(migration)}
    for arc in migration.arcs:
        for step in arc.steps:
            if step.verb == "do":
                assert step.formula
                assert step.formula.scalar.text in found[arc.key.text]


def test_what_arcs_of_files_do() -> None:
    found = {
        cells[0]: cells[1].split("\n\n") for cells in rows(chapter("pre-copy-memory", "The state machine"))
    }
    assert found["RUNNING -> PRE_COPY"] == ["opens the file", "produce(false)"]
    assert found["PRE_COPY_P2P -> PRE_COPY"] == ["thaw"]
    assert found["PRE_COPY_P2P -> STOP_COPY"][0].startswith("regs.control.halt = true")
    assert found["PRE_COPY_P2P -> STOP_COPY"][-1] == "produce(true)"
    assert found["RESUMING -> STOP"][0] == "compares the length"
    assert found["RESUMING -> STOP"][-1] == "closes the file"
    xe = {cells[0]: cells[1].split("\n\n") for cells in rows(chapter("xe", "The state machine"))}
    assert xe["STOP -> STOP_COPY"] == ["opens the file", "begin-save"]
    assert xe["RESUMING -> STOP"] == ["end-load", "closes the file"]
    edu = {cells[0]: cells[1].split("\n\n") for cells in rows(chapter("edu", "The state machine"))}
    assert [text.split(":")[0] for text in edu["RESUMING -> STOP"]] == [
        "compares the length",
        "edu.irq-ack = 0xffffffff",
        "loads edu-state",
        "closes the file",
    ]


def test_what_stays_behind_is_named_with_its_reason() -> None:
    text = chapter("edu", "What is not migrated").astext()
    assert "dma buffer: The device's internal buffer" in text.replace("\n", " ")
    for register in ("edu.factorial: Writing the operand", "edu.dma-cmd: It describes a transfer"):
        assert register in text.replace("\n", " ")


def test_what_is_validated() -> None:
    edu = chapter("edu", "What is validated").astext().replace("\n", " ")
    assert "A write beyond byte 48 gets -ENOMEM" in edu
    assert "magic, version and id must all be what this device would save" in edu
    assert "the first 12 bytes gets -EINVAL" in edu
    late = chapter("big-endian-layout", "What is validated").astext().replace("\n", " ")
    assert "trailer must be what this device would save: the write that completes the first 152" in late
    head = chapter("structure-head", "What is validated").astext().replace("\n", " ")
    assert "version must be what this device would save: the write that completes the first 9 bytes" in head
    assert "A magic of 0x68656131 is taken too: an older stream that lacks version and sum." in head
    assert "refuses a stream of other than end(head-state.version) or size(head-state) bytes" in head
    memory = chapter("pre-copy-memory", "What is validated").astext().replace("\n", " ")
    assert "unless it has used or regs.setup or capacity bytes" in memory
    assert "-EAGAIN asks for more data" in memory
    assert "fails with -EIO" in memory


def test_what_the_user_reaches_without_migration_is_told_apart() -> None:
    text = chapter("big-endian-layout", "How the state is composed and consumed").astext().replace("\n", " ")
    assert re.search(r"\bring, control, [^.]* are made of registers of BAR 0, which the user reaches", text)
    assert "window is made of registers of BAR 4" in text
    assert re.search(r"asked\b[^.]* come from the driver or its parent", text)


@pytest.mark.parametrize("name", SPECS)
def test_every_command_is_listed(name: str) -> None:
    commands = spec_of(name).commands
    if commands:
        found = [cells[0].split("(")[0] for cells in rows(chapter(name, "Commands"))[1:]]
        assert found == [command.name.text for command in commands]


def test_the_parent_is_named_with_its_calls() -> None:
    text = chapter("qat", "The parent").astext().replace("\n", " ")
    assert "struct qat_mig_dev *mdev" in text
    assert "qat_vfmig_create(parent, vf-id)" in text
    assert "qat_vfmig_destroy(mdev)" in text
    calls = dict(rows(chapter("qat", "Commands"))[1:])
    assert calls["load-setup"] == "qat_vfmig_load_setup(mdev, loaded)"


def test_what_the_user_sees_instead_of_the_device() -> None:
    fields = {cells[0]: cells[1:] for cells in rows(chapter("config-fields", "What the user sees"))}
    assert fields["scratch"] == ["0x40", "what was written last", "shadow"]
    assert fields["device-id"] == ["PCI_DEVICE_ID", "0x1000", "forward"]
    (region,) = rows(chapter("clipped-bar", "What the user sees"))[1:]
    assert region[0] == "bar2"
    assert "bar-size(2) / 2" in region[1]
    assert "are for the host" in region[1].replace("\n", " ")


def test_registers_that_the_driver_hides_are_told_apart(tmp_path: Path) -> None:
    text = SPECS["edu"].read_text(encoding="utf-8")
    path = tmp_path / "edu.yaml"
    path.write_text(f"{text}regions:\n  bar0: {{ visible: bar-size(0) / 2 }}\n", encoding="utf-8")
    problems = Problems()
    (found,) = load_specs([SpecFile(path, "edu.yaml", "edu.yaml")], problems)
    assert not problems
    said = parsed(page.document(found.model, "edu.yaml").page).astext().replace("\n", " ")
    assert "BAR 0, of which the user sees what the driver shows" in said
    assert "can write without migration" not in said


def test_area_and_what_the_parent_tells() -> None:
    composed = chapter("pds", "How the state is composed and consumed").astext().replace("\n", " ")
    assert "mapped for DMA of parent" in composed
    assert "a list of struct pds_lm_sg_elem" in composed
    checks = chapter("pds", "What is validated").astext().replace("\n", " ")
    assert "any length but 0" in checks
    assert "the firmware knows the end of its state" in checks
    (event,) = rows(chapter("pds", "Events: recovery"))[1:]
    assert event[0] == "PDS_EVENT_RESET"
    assert "state != RUNNING" in event[1]
    assert event[2].replace("\n", " ").startswith("the migration state becomes ERROR")
    (channel,) = rows(chapter("pds", "Channels"))[1:]
    assert channel[0] == "adminq"
    assert "pdsc_adminq_post" in channel[2]
    commands = dict(rows(chapter("pds", "Commands"))[1:])
    assert "sgl_addr = area.list" in commands["save"]
    assert "bytes = lm_state_size.size" in commands["state-size"]


def test_what_an_arc_does_if_a_step_fails() -> None:
    found = {cells[0]: cells[1].replace("\n", " ") for cells in rows(chapter("pds", "The state machine"))}
    assert "if a later step fails, resume(PDS_LM_SUSPEND_RESUME_TYPE_P2P)" in found["RUNNING_P2P -> STOP"]
    assert "a failure is ignored: the firmware only tidies up)" in found["RUNNING_P2P -> RUNNING"]


# Pictures


def pictures() -> list[tuple[str, str]]:
    return [(name, picture) for name in migrating() for picture in made(name).pictures]


@pytest.mark.parametrize(("name", "picture"), pictures())
def test_picture_is_whole(name: str, picture: str) -> None:
    """It is XML of the size that it says; boxes don't overlap; words fit into them and into the picture."""
    root = ElementTree.fromstring(made(name).pictures[picture])
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    boxes = [
        tuple(float(one.attrib[key]) for key in ("x", "y", "width", "height"))
        for one in root.iter(f"{SVG}rect")
    ]
    assert boxes
    for x, y, w, h in boxes:
        assert 0 <= x <= x + w <= width
        assert 0 <= y <= y + h <= height
    for at, (x, y, w, h) in enumerate(boxes):
        for x2, y2, w2, h2 in boxes[at + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
    for text in root.iter(f"{SVG}text"):
        left, right = extent(text)
        assert left >= 0, text.text
        assert right <= width, text.text
        assert 0 < float(text.attrib["y"]) <= height
        inside = text.attrib["class"] != "outside"
        y = float(text.attrib["y"])
        holders = [1 for bx, by, bw, bh in boxes if bx <= left and right <= bx + bw and by <= y <= by + bh]
        assert bool(holders) == inside, text.text
        if not inside:
            touched = [1 for bx, by, bw, bh in boxes if left < bx + bw and bx < right and by < y < by + bh]
            assert not touched, text.text


def extent(text: ElementTree.Element) -> tuple[float, float]:
    """Return where words begin and end, at the most."""
    own, wide = (7.9, 7.9) if text.attrib["class"] == "name" else (6.2, 8.2)
    width = sum(wide if char.isupper() else own for char in text.text or "")
    x = float(text.attrib["x"])
    shift = {"text-anchor: end": 1.0, "text-anchor: start": 0.0}.get(text.attrib.get("style", ""), 0.5)
    return x - width * shift, x + width * (1 - shift)


@pytest.mark.parametrize(("name", "picture"), pictures())
def test_picture_is_readable_in_dark_and_in_light(name: str, picture: str) -> None:
    text = made(name).pictures[picture]
    dark = text[text.index("prefers-color-scheme: dark") :]
    for kind in (".outside", "path", ".head"):
        assert f"\n{kind} {{" in dark
    assert "rect {" not in dark  # boxes are light in both, and so are their words dark


def words(text: str) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(text).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", migrating())
def test_states_and_what_is_done_are_in_the_picture(name: str) -> None:
    text = made(name).pictures[next(key for key in made(name).pictures if key.endswith("-states.svg"))]
    shown = words(text)
    found = arcs(name)
    assert {state for arc in found for state in (arc.source, arc.target)} <= set(shown)
    assert ElementTree.fromstring(text).findall(f".//{SVG}path").__len__() == len(found)
    for arc in found:
        assert set(words_of(arc)) <= set(shown)


@pytest.mark.parametrize("name", structured())
def test_every_byte_is_in_the_picture(name: str) -> None:
    layout = layout_of(name)
    assert layout is not None
    at = 0
    for one in segments(layout):
        assert one.start == at
        at += one.size
    assert at == layout.size
    text = made(name).pictures[next(key for key in made(name).pictures if key.endswith("-stream.svg"))]
    shown = [word.rstrip("…") for word in words(text)]
    for field in layout.fields:
        assert any(word and field.name.text.startswith(word) for word in shown)


def test_every_kind_of_store_is_committed() -> None:
    """docs/streams shows one driver for each; docs/generate.py keeps them current."""
    kinds = set()
    for path in (ROOT / "docs/streams").glob("*.rst"):
        migration = spec_of(path.stem).migration
        assert migration
        kinds |= {key for key in STORES if getattr(migration.stream, key.replace("-", "_")) is not None}
        for name, text in made(path.stem).pictures.items():
            assert (path.parent / name).read_text(encoding="utf-8") == text
    assert kinds == set(STORES)


# The command


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("edu", "generic"):
        target = tmp_path / f"specs/{name}"
        target.mkdir(parents=True)
        (target / f"{name}.yaml").write_text(SPECS[name].read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def test_command_prints_a_page_that_stands_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doc", "edu"]) == 0
    said = capsys.readouterr()
    assert said.out == page.document(spec_of("edu"), "specs/edu/edu.yaml", illustrated=False).page
    assert "kernel-figure" not in said.out
    assert not list(project.glob("*.svg"))


def test_command_writes_pages_and_pictures(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doc", "--out", "new/pages"]) == 0
    names = ["edu.rst", "edu-stream.svg", "edu-states.svg", "generic.rst"]
    assert capsys.readouterr().out.split() == [f"new/pages/{name}" for name in names]
    assert sorted(path.name for path in (project / "new/pages").iterdir()) == sorted(names)
    assert "doesn't migrate" in (project / "new/pages/generic.rst").read_text(encoding="utf-8")


def test_command_writes_nothing_of_a_spec_with_a_problem(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / "specs/edu/edu.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("    STOP -> RUNNING: none\n", ""), encoding="utf-8"
    )
    assert cli.main(["doc", "--out", "pages"]) == 1
    assert "error[arc-missing]" in capsys.readouterr().err
    assert not (project / "pages").exists()


def test_output_that_cannot_be_written(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "pages").write_text("", encoding="utf-8")
    assert cli.main(["doc", "--out", "pages"]) == 1
    assert "error[output-unwritable]: `pages` can't be written" in capsys.readouterr().err
