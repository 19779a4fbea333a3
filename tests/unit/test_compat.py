# SPDX-License-Identifier: GPL-2.0-only
"""vfiogen compat: every kind of change of a stream, what becomes of it, and what is said."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vfiogen import cli
from vfiogen.compat import Comparison, compare
from vfiogen.compat.compare import STORES
from vfiogen.diagnostics import Problems, Source
from vfiogen.doc import stores as doc_stores
from vfiogen.load import load_source
from vfiogen.model import spec as m
from vfiogen.model.read import read_spec
from vfiogen.pipeline import load_specs
from vfiogen.project import SpecFile
from vfiogen.schema import spec_schema

ROOT = Path(__file__).parents[2]
SPECS = {
    "edu": ROOT / "specs/edu/edu.yaml",
    "qat": ROOT / "specs/qat/qat.yaml",
    "xe": ROOT / "specs/xe/xe.yaml",
    "pds": ROOT / "specs/pds/pds.yaml",
    "generic": ROOT / "specs/generic/generic.yaml",
    "firmware": ROOT / "tests/specs/firmware/firmware.yaml",
    "big-endian": ROOT / "tests/specs/big-endian-layout/big-endian-layout.yaml",
    "head": ROOT / "tests/specs/structure-head/structure-head.yaml",
    "memory": ROOT / "tests/specs/pre-copy-memory/pre-copy-memory.yaml",
    "virtio": ROOT / "specs/virtio/virtio.yaml",
    "kinds": ROOT / "tests/specs/record-kinds/record-kinds.yaml",
    "stop-copy": ROOT / "tests/specs/stop-copy-memory/stop-copy-memory.yaml",
}


def model(text: str, name: str = "spec.yaml") -> m.Spec:
    source, problems = Source(name, text), Problems()
    root = load_source(source, problems)
    assert root is not None
    found = read_spec(root, source, problems)
    assert not problems, list(problems)
    return found


@dataclass(frozen=True)
class Change:
    """Edits of a spec; what becomes of streams both ways, and the codes and words of the problems."""

    name: str
    spec: str
    edits: tuple[tuple[str, str], ...]
    verdicts: tuple[str, str]
    said: tuple[tuple[str, str], ...] = ()
    hints: tuple[str, ...] = field(default=())


def edited(change: Change) -> tuple[str, str]:
    before = SPECS[change.spec].read_text(encoding="utf-8")
    after = before
    for old, new in change.edits:
        assert after.count(old) == 1, f"{change.name}: {old!r} isn't there once"
        after = after.replace(old, new)
    return before, after


HINT = "      coming: { tag: 2, optional: true, structure: coming, reserve: coming.bytes }\n"
HINTED = "  coming:\n    endian: little\n    fields:\n      bytes: { type: u64, save: state-size }\n"
VERSION = ("version: { type: u32, const: 1 }", "version: { type: u32, const: 2 }")
SRC = "      dma-src: { type: u64, register: edu.dma-src }\n"
DST = "      dma-dst: { type: u64, register: edu.dma-dst }\n"
SAME = ("loads", "loads")
REFUSED = ("refused", "refused")
MISREAD = ("misread", "misread")
PARENT = ("parent", "parent")
UNSURE = ("unsure", "unsure")
PRE_COPY = ("      pre-copy: { do: prepare, length: end(head-state.version) }\n", "")
ENDS = ("do: prepare, length: ", "else ", "lengths: [")
BUMP = "give `version` a new value with the layout, such as `2`"

CHANGES = (
    # What changes nothing in the stream.
    Change("debugfs", "head", (("      last: { dump: stream, when: ready }\n", ""),), SAME),
    Change("field-renamed", "edu", (("      dma-src: { type", "      source: { type"),), SAME),
    Change("note", "edu", (("note: EDU1", "note: the magic number"),), SAME),
    Change(
        "register-renamed",
        "edu",
        (("      dma-src: { at", "      source: { at"), ("register: edu.dma-src", "register: edu.source")),
        SAME,
    ),
    Change("load-changed", "edu", (("load: edu.irq-raise,", "load: edu.status,"),), SAME),
    Change("same-number", "edu", (("edu.status & 0x80", "edu.status & 128"),), SAME),
    Change("match-dropped", "edu", (("match: edu.id", "save: edu.id"),), SAME),
    Change("arc", "edu", (("STOP -> RUNNING: none", "STOP -> RUNNING: drain"),), SAME),
    Change("arrays-kept", "big-endian", (("note: All four of them.", "note: All."),), SAME),
    Change(
        "reserved-constant",
        "big-endian",
        (("reserved: { type: u8, count: 4, save: 0 }", "reserved: { type: u32, const: 0 }"),),
        SAME,
    ),
    # Heads, derived fields and older streams.
    Change(
        "derived", "head", (('"join(head-state.ring[1], head-state.ring[0])"', '"head-state.ring[0]"'),), SAME
    ),
    Change(
        "pre-copy-gone", "head", (("  features: [pre-copy]\n  optional: [pre-copy]\n", ""), PRE_COPY), SAME
    ),
    Change(
        "older",
        "head",
        (("const: 0x68656132, older: { 0x", "const: 0x68656133, older: { 0x68656132: [], 0x"),),
        ("loads", "refused"),
        (("compat-constant", "`magic` is `0x68656133`"),),
    ),
    Change(
        "head-longer",
        "head",
        tuple((f"{before}end(head-state.version)", f"{before}end(head-state.flags)") for before in ENDS),
        REFUSED,
        (("compat-length", "9 bytes may be sent alone"),),
    ),
    Change(
        "used-by-steps",
        "head",
        (("level: { type: u16, save: 7 }", "level: { type: u16, save: 9 }"),),
        MISREAD,
        (("compat-meaning", "level"),),
    ),
    # Constants and matches.
    Change(
        "version",
        "edu",
        (VERSION,),
        REFUSED,
        (("compat-constant", "`version` is `2`, and was `1`"),),
        ("a new value is how a changed layout is told apart",),
    ),
    Change(
        "magic",
        "edu",
        (("const: 0x31554445", "const: 0x32554445"),),
        REFUSED,
        (("compat-constant", "`magic` is `0x32554445`"),),
    ),
    Change(
        "version-and-layout",
        "edu",
        (VERSION, (SRC + DST, DST + SRC)),
        REFUSED,
        (("compat-constant", "`version` is `2`"),),
    ),
    Change(
        "match-changed",
        "edu",
        (("match: edu.id", "match: edu.id & 0xff"),),
        REFUSED,
        (("compat-meaning", "`id` holds `edu.id & 0xff`, and held `edu.id`"),),
        (BUMP,),
    ),
    Change(
        "became-constant",
        "edu",
        (("id: { type: u32, match: edu.id }", "id: { type: u32, const: 0x010000ed }"),),
        ("refused", "refused"),
        (("compat-meaning", "`id` holds the constant `0x10000ed`, and held `edu.id`"),),
    ),
    Change(
        "late-constant",
        "big-endian",
        (("trailer: { type: u16, const: 0x1db7 }", "trailer: { type: u16, const: 0x1db8 }"),),
        REFUSED,
        (("compat-constant", "`trailer`"),),
    ),
    # The layout.
    Change(
        "added",
        "edu",
        ((SRC, "      spare: { type: u64, const: 0 }\n" + SRC),),
        REFUSED,
        (("compat-field", "`spare`, u64 at byte 24, is new in the stream"),),
        (BUMP, "either driver refuses"),
    ),
    Change(
        "removed",
        "edu",
        ((SRC, ""),),
        REFUSED,
        (("compat-field", "`dma-src`, u64 at byte 24, is no longer in the stream"),),
        (BUMP,),
    ),
    Change(
        "reordered",
        "edu",
        ((SRC + DST, DST + SRC),),
        MISREAD,
        (("compat-field", "has moved: it lies at byte"),),
        (BUMP, "either driver takes and misreads"),
    ),
    Change(
        "moved",
        "edu",
        (
            ("      liveness: { type: u32, save: ~edu.liveness, load: edu.liveness }\n", ""),
            (
                DST,
                DST + "      liveness: { type: u32, save: ~edu.liveness, load: edu.liveness }\n"
                "      pad: { type: u32, const: 0 }\n",
            ),
        ),
        REFUSED,
        (
            ("compat-field", "`liveness` has moved: it lies at byte 36, and lay at byte 12"),
            ("compat-field", "`pad`, u32 at byte 40, is new"),
        ),
    ),
    Change(
        "resized",
        "big-endian",
        (
            (
                "ring: { type: u32, count: 4, register: regs.ring, note: All four of them. }",
                "ring: { type: u32, count: 2, save: 0 }",
            ),
        ),
        REFUSED,
        (("compat-field", "`ring` is u32[2], and was u32[4]; what follows lies 8 bytes further ahead"),),
    ),
    Change(
        "byte-order",
        "edu",
        (("endian: little", "endian: big"),),
        REFUSED,
        (("compat-byte-order", "`edu-state` is big-endian, and was little-endian"),),
    ),
    # What a field holds.
    Change(
        "save-changed",
        "edu",
        (("save: edu.status & 0x80", "save: edu.status & 0xc0"),),
        MISREAD,
        (("compat-meaning", "`status` holds `edu.status & 0xc0`, and held `edu.status & 0x80`"),),
        (BUMP,),
    ),
    Change(
        "register-moved",
        "edu",
        (("dma-dst: { at: 0x88,", "dma-dst: { at: 0xa8,"),),
        MISREAD,
        (("compat-meaning", "`dma-dst` holds `edu.dma-dst`, and held `edu.dma-dst`"),),
    ),
    Change(
        "reserved-used",
        "big-endian",
        (("flags: { type: u8, const: 0 }", "flags: { type: u8, register: regs.tiny }"),),
        ("misread", "refused"),
        (("compat-meaning", "`flags` holds `regs.tiny`, and held the constant `0`"),),
    ),
    Change(
        "no-longer-loaded",
        "edu",
        (("register: edu.dma-count", "save: edu.dma-count"),),
        ("misread", "loads"),
        (("compat-meaning", "`dma-count`"),),
    ),
    # The store.
    Change("parent-unchanged", "qat", (("Live migration of", "Migration of"),), PARENT),
    Change(
        "length-named",
        "qat",
        (("      end: load-state", "      end: load-state\n      lengths: [mdev.setup_size, capacity]"),),
        ("parent", "parent"),
    ),
    Change(
        "capacity",
        "memory",
        (("capacity: 64KiB\n", "capacity: 128KiB\n"),),
        REFUSED,
        (("compat-length", "`capacity` is `128KiB`, and was `64KiB`"),),
        ("name every length",),
    ),
    Change(
        "length-dropped",
        "memory",
        (("lengths: [used, regs.setup, capacity]", "lengths: [regs.setup]"),),
        ("refused", "parent"),
        (("compat-length", "a stream of `regs.setup` is taken, and one of `used` or"),),
    ),
    Change(
        "producer",
        "qat",
        (("do: save-state, length", "do: save-setup, length"),),
        UNSURE,
        (("compat-meaning", "the data comes from `save-setup`, and came from `save-state`"),),
    ),
    Change(
        "pre-copy-length",
        "qat",
        (("length: mdev.setup_size", "length: 16"),),
        UNSURE,
        (
            (
                "compat-pre-copy",
                "begins with `16` bytes of pre-copy from `save-setup`, and began with `mdev.setup_size`",
            ),
        ),
    ),
    Change(
        "pre-copy-dropped",
        "qat",
        (("features: [p2p, pre-copy]", "features: [p2p]"),),
        UNSURE,
        (("compat-pre-copy", "begins with the data of stop-copy, and began with"),),
    ),
    Change("room", "firmware", (("capacity: (3 * 4096) + 17", "capacity: 12305"),), PARENT),
    Change(
        "area-list", "firmware", (("address: addr, length: length", "address: addr, length: addr"),), PARENT
    ),
    Change("unlisted", "firmware", (("lengths: [4096 + 17, capacity]", "lengths: [0x1011]"),), PARENT),
    Change(
        "less-saved",
        "firmware",
        (("length: 4096 + 17 }", "length: 4096 }"), ("lengths: [4096 + 17, capacity]", "lengths: [4096]")),
        REFUSED,
        (("compat-length", "a stream of `4096` is taken, and one of `4096 + 17` or `capacity` was"),),
    ),
    Change(
        "any-dropped",
        "pds",
        (("lengths: { any: the firmware knows the end of its state. }", "lengths: [capacity]"),),
        ("refused", "parent"),
        (("compat-length", "a stream of `capacity` is taken, and one of any length was"),),
    ),
    Change(
        "less-room",
        "firmware",
        (
            ("capacity: (3 * 4096) + 17", "capacity: 4096"),
            ("lengths: [4096 + 17, capacity]", "lengths: { any: it says so. }"),
            ("length: 4096 + 17 }", "length: 4096 }"),
        ),
        ("refused", "refused"),
        (("compat-length", "`capacity` is `4096`, and was `(3 * 4096) + 17`"),),
    ),
    Change(
        "saver",
        "pds",
        (("do: save, length: state-size", "do: restore, length: state-size"),),
        UNSURE,
        (("compat-meaning", "the data comes from `restore`, and came from `save`"),),
    ),
    Change("passed", "xe", (("read: read, write: write", "read: read, write: read"),), PARENT),
    Change("record-renamed", "virtio", (("device-data:", "parts:"),), PARENT),
    Change(
        "record-tag",
        "virtio",
        (("tag: 0", "tag: 3"),),
        ("refused", "refused"),
        (
            ("compat-tag", "records with the tag 0 aren't taken any more"),
            ("compat-tag", "a record with the tag 3 is sent, which the old driver doesn't know"),
        ),
    ),
    Change(
        "record-larger",
        "virtio",
        (("capacity: 1GiB", "capacity: 512MiB"),),
        ("refused", "parent"),
        (("compat-length", "a record has up to `512MiB` bytes, and had `1GiB`"),),
    ),
    Change(
        "record-source",
        "virtio",
        (("save: get-parts(file.object, pages)", "save: get-parts(0, pages)"),),
        UNSURE,
        (("compat-meaning", "the data comes from `get-parts(0, pages)`, and came from"),),
    ),
    # Records ahead of the state.
    Change("hint-gone", "kinds", ((HINT, ""), (HINTED, "")), PARENT),
    Change("hint-of-another-tag", "kinds", (("tag: 2,", "tag: 5,"),), PARENT),
    Change("hint-unused", "kinds", ((", reserve: coming.bytes", ""),), PARENT),
    Change(
        "hint-resized",
        "kinds",
        (("bytes: { type: u64", "bytes: { type: u32"),),
        REFUSED,
        (("compat-field", "`bytes`"),),
    ),
    Change(
        "record-mandatory",
        "kinds",
        (("tag: 2, optional: true,", "tag: 5,"),),
        ("parent", "refused"),
        (("compat-tag", "a record with the tag 5 is sent, which the old driver doesn't know"),),
        ("a record that is `optional` is skipped by whoever doesn't know it",),
    ),
    Change(
        "record-version",
        "kinds",
        (("const: 1 }", "const: 2 }"),),
        REFUSED,
        (("compat-constant", "`version` is `2`, and was `1`"),),
    ),
    Change(
        "records-swapped",
        "kinds",
        (("version: { tag: 1,", "version: { tag: 0,"), ("        tag: 0\n", "        tag: 1\n")),
        MISREAD,
        (
            ("compat-tag", "the tag 0 has another meaning"),
            ("compat-tag", "the tag 1 has another meaning"),
        ),
    ),
    Change(
        "reader",
        "xe",
        (("read: read, write: write", "read: write, write: write"),),
        UNSURE,
        (("compat-meaning", "the data comes from `write`, and came from `read`"),),
    ),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{change.spec}-{change.name}")
def test_change(change: Change) -> None:
    before, after = edited(change)
    found = compare(model(before, "old.yaml"), model(after, "new.yaml"))
    assert (found.both.forward, found.both.backward) == change.verdicts
    assert len(found.problems) == len(change.said), [p.message for p in found.problems]
    for problem, (code, words) in zip(found.problems, change.said, strict=True):
        assert problem.code == code
        assert words in problem.message
        assert problem.span is not None
        assert problem.span.source.path == "new.yaml"
        assert [span.source.path for span, _ in problem.related] == ["old.yaml"]
        for hint in change.hints:
            assert any(hint in one for one in problem.hints), problem.hints


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{change.spec}-{change.name}")
def test_the_other_way_round(change: Change) -> None:
    before, after = edited(change)
    found = compare(model(after), model(before))
    assert (found.both.backward, found.both.forward) == change.verdicts
    assert found.compatible == (not found.problems)


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_is_compatible_with_itself(name: str) -> None:
    text = SPECS[name].read_text(encoding="utf-8")
    assert compare(model(text), model(text)).compatible


def test_every_code_of_a_change_has_a_case() -> None:
    from vfiogen.codes import codes

    told = {code for change in CHANGES for code, _ in change.said} | {"compat-store", "compat-arguments"}
    assert told == {code for code in codes() if code.startswith("compat-")}


NEWS = "say in compat/ and doc/ what it does to a stream, and add it here"


def test_every_part_of_a_stream_is_known() -> None:
    stream = spec_schema()["properties"]["migration"]["properties"]["stream"]["properties"]
    assert set(stream) == {*STORES, "file", "capacity", "background", "save", "load"}, NEWS
    assert set(STORES) == set(doc_stores.STORES)
    roles = {"const", "match", "save", "load", "register", "derive", "older"}
    assert set(m.LayoutField.__struct_fields__) == {"name", "type", "count", "note", *roles}, NEWS


def of(old: str, new: str) -> Comparison:
    return compare(*(model(SPECS[name].read_text(encoding="utf-8"), name) for name in (old, new)))


def test_a_register_in_config_space_is_known_by_its_place() -> None:
    text = HEAD.format(
        registers="a: 0", endian="little", fields="a: { type: u32, save: regs.a, load: regs.a }"
    )
    block = "regs: { bar: 0, map: { a: 0 } }"
    assert block in text
    here, renamed, there = (
        model(
            text.replace(block, f"{name}: {{ config-space: '{at}', map: {{ a: 4 }} }}").replace(
                "regs.", f"{name}."
            )
        )
        for name, at in (("regs", "dvsec(1, 2)"), ("caps", "dvsec(1, 2)"), ("regs", "dvsec(1, 3)"))
    )
    assert compare(here, renamed).compatible
    assert compare(here, there).both.forward == "misread"
    assert compare(model(text), here).both.forward == "misread"


def test_migration_that_is_gone_or_new() -> None:
    gone, come = of("edu", "generic"), of("generic", "edu")
    assert (gone.both.forward, gone.both.backward) == ("refused", "nothing")
    assert (come.both.forward, come.both.backward) == ("nothing", "refused")
    for found in (gone, come):
        (problem,) = found.problems
        assert problem.code == "compat-store"


def test_another_kind_of_store() -> None:
    found = of("edu", "qat")
    (problem,) = found.problems
    assert problem.code == "compat-store"
    assert "is kept in `memory`, and was in `structure`" in problem.message
    assert found.both.backward == "refused"  # edu compares its magic number


# Against drivers that are played through, byte by byte


HEAD = """
vocabulary: 1
registers: {{ regs: {{ bar: 0, map: {{ {registers} }} }} }}
structures: {{ state: {{ endian: {endian}, fields: {{ {fields} }} }} }}
migration: {{ arcs: {{}}, stream: {{ structure: state }} }}
"""
NAMES = "abcde"
# Every byte of a register is another one and below 0x80, whatever the width it is read in; those of constants
# aren't.
START = {8: 1, 16: 2, 32: 4}


def register_value(name: str, bits: int) -> int:
    first = 8 * (NAMES.index(name) + 1) + START[bits]
    return int.from_bytes(bytes(range(first, first + bits // 8)), "big")


ROLES = ("const", "zero", "match", "register", "save", "reserved")


@dataclass(frozen=True)
class Part:
    name: str
    role: str
    bits: int
    value: int
    register: str

    def text(self) -> str:
        key = {
            "const": f"const: {self.value}",
            "zero": "const: 0",
            "reserved": "save: 0",
        }.get(self.role, f"{self.role}: regs.{self.register}")
        return f"{self.name}: {{ type: u{self.bits}, {key} }}"

    def bytes(self, endian: str) -> bytes:
        number = {"const": self.value, "zero": 0, "reserved": 0}.get(
            self.role, register_value(self.register, self.bits)
        )
        return (number & ((1 << self.bits) - 1)).to_bytes(self.bits // 8, endian)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Driver:
    endian: str
    parts: tuple[Part, ...]

    def spec(self) -> m.Spec:
        registers = ", ".join(f"{name}: {16 * at}" for at, name in enumerate(NAMES))
        fields = ", ".join(part.text() for part in self.parts)
        return model(HEAD.format(registers=registers, endian=self.endian, fields=fields))

    def save(self) -> bytes:
        return b"".join(part.bytes(self.endian) for part in self.parts)

    def roles(self) -> list[str]:
        return [part.role for part in self.parts for _ in range(part.bits // 8)]

    def load(self, data: bytes, saver: Driver) -> str:
        """What becomes of data, if loading it is meant to leave the registers as they are."""
        own, at = self.save(), 0
        if len(own) != len(data):
            return "refused"
        wrong = set()
        for part in self.parts:
            end = at + part.bits // 8
            if own[at:end] != data[at:end]:
                wrong.add(part.role)
            at = end
        if wrong & {"const", "zero", "match"}:
            return "refused"
        used = {"const", "zero", "match", "register"}
        pairs = zip(saver.roles(), self.roles(), strict=True)
        lost = any(theirs == "register" and ours not in used for theirs, ours in pairs)
        return "misread" if "register" in wrong or lost else "loads"


def parts(names: list[str]) -> st.SearchStrategy[tuple[Part, ...]]:
    def part(name: str) -> st.SearchStrategy[Part]:
        return st.builds(
            Part,
            st.just(name),
            st.sampled_from(ROLES),
            st.sampled_from([8, 16, 32]),
            st.sampled_from([0x80808080, 0x81818181]).map(lambda value: value & 0xFF),
            st.sampled_from(NAMES),
        )

    return st.tuples(*map(part, names))


drivers = st.builds(
    Driver,
    st.sampled_from(["little", "big"]),
    st.permutations(NAMES).flatmap(lambda names: parts(list(names[: len(names) // 2 + 1]))),
)


@st.composite
def changed(draw: st.DrawFn) -> tuple[Driver, Driver]:
    """A driver and what a few changes make of it."""
    old = draw(drivers)
    fields = list(old.parts)
    for at in draw(st.lists(st.integers(0, len(fields) - 1), max_size=2)):
        other = draw(drivers).parts[0]
        if all(part.name != other.name for part in fields) or fields[at].name == other.name:
            fields[at] = other
    if draw(st.booleans()):
        fields = draw(st.permutations(fields))
    return old, Driver(draw(st.sampled_from([old.endian, "little"])), tuple(fields))


@given(changed())
def test_verdicts_are_what_drivers_do(pair: tuple[Driver, Driver]) -> None:
    old, new = pair
    found = compare(old.spec(), new.spec())
    assert found.both.forward == new.load(old.save(), old)
    assert found.both.backward == old.load(new.save(), new)
    assert bool(found.problems) == (not found.compatible)


# The command


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    before, after = edited(next(change for change in CHANGES if change.name == "added"))
    for name, text in (("old", before), ("new", after)):
        Path(f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_command_tells_both_ways(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compat", "old.yaml", "new.yaml"]) == 1
    said = capsys.readouterr()
    assert said.out == "old.yaml -> new.yaml: refused\nnew.yaml -> old.yaml: refused\n"
    assert said.err.startswith("new.yaml:65:7: error[compat-field]: `spare`")
    assert "old.yaml:56:3: note: the old layout" in said.err


def test_command_is_silent_about_what_is_compatible(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compat", "old.yaml", "old.yaml"]) == 0
    said = capsys.readouterr()
    assert (said.out.count(": loads\n"), said.err) == (2, "")


def test_command_for_programs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compat", "old.yaml", "new.yaml", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verdicts"] == {"forward": "refused", "backward": "refused"}
    assert [problem["code"] for problem in found["problems"]] == ["compat-field"]
    assert cli.main(["compat", "old.yaml", "new.yaml", "--format", "github"]) == 1
    assert capsys.readouterr().out.startswith("::error file=new.yaml,line=65,")


def test_problems_of_either_spec_are_told_as_check_tells_them(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path("old.yaml").read_text(encoding="utf-8")
    Path("wrong.yaml").write_text(text.replace("    STOP -> RUNNING: none\n", ""), encoding="utf-8")
    problems = Problems()
    load_specs([SpecFile(Path("wrong.yaml"), "wrong.yaml", "wrong.yaml")], problems)
    assert [problem.code for problem in problems] == ["arc-missing"]
    for arguments in (["wrong.yaml", "new.yaml"], ["new.yaml", "wrong.yaml"]):
        assert cli.main(["compat", *arguments]) == 1
        said = capsys.readouterr()
        assert (said.out, said.err.count("error[")) == ("", 1)
        assert "error[arc-missing]" in said.err


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(place: Path) -> Path:
    """A project under git: two revisions of a spec with a hook, and a third one that isn't committed."""
    git("init", "--initial-branch=main")
    directory = Path("specs/acme")
    directory.mkdir(parents=True)
    hooked = "\n  look: { hook: look.c }\n  drain:\n"
    texts = [Path(f"{name}.yaml").read_text(encoding="utf-8") for name in ("old", "new")]
    texts = [
        text.replace("\n  drain:\n", hooked).replace("STOP -> RUNNING: none", "STOP -> RUNNING: look")
        for text in texts
    ]
    (directory / "look.c").write_text("", encoding="utf-8")
    for tag, text in zip(("v1", "v2"), texts, strict=True):
        (directory / "acme.yaml").write_text(text, encoding="utf-8")
        git("add", "specs")
        git("commit", "-m", tag)
        git("tag", tag)
    (directory / "acme.yaml").write_text(texts[0], encoding="utf-8")
    return place


def test_revisions(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "specs/acme/acme.yaml"
    for arguments, status, first in (
        (["v1", name], 0, f"v1:{name} -> {name}: loads"),
        (["v2", name], 1, f"v2:{name} -> {name}: refused"),
        (["v1..v2", "acme"], 1, f"v1:{name} -> v2:{name}: refused"),
        (["v2..", "acme"], 0, f"v2:{name} -> HEAD:{name}: loads"),
    ):
        assert cli.main(["compat", "--git", *arguments]) == status
        assert capsys.readouterr().out.split("\n")[0] == first


def test_revision_from_a_directory_below(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("specs/acme")
    assert cli.main(["compat", "--git", "v1..v2", "acme"]) == 1
    assert "v2:acme.yaml:" in capsys.readouterr().err


def test_a_spec_that_the_revision_lacks(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("specs/acme/late.yaml").write_text("", encoding="utf-8")
    assert cli.main(["compat", "--git", "v1", "specs/acme/late.yaml"]) == 1
    assert "`specs/acme/late.yaml` isn't in the revision `v1`" in capsys.readouterr().err


def test_without_git(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(repository))
    assert cli.main(["compat", "--git", "v1", "acme"]) == 1
    assert "error[missing-tool]: `git` can't be found" in capsys.readouterr().err


def test_a_revision_is_no_option_of_git(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compat", "--git=--all", "acme"]) == 1
    assert "`--all` is no revision of git" in capsys.readouterr().err
