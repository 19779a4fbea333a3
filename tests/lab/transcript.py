# SPDX-License-Identifier: GPL-2.0-only
"""What a script sees of a driver: a line for each step, to be held against what it sees of another.

A transcript maps places, "scene: step", to what came of them: the result or the errno, bytes, what the
firmware was told meanwhile, what the kernel reported, and what a scene has left allocated. It has nothing in
it that differs from boot to boot.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

import yaml

from tests.lab import simulation
from tests.lab.bench import Bench, Lab, name_of
from tests.lab.driver import Driver
from tests.lab.errors import GuestGoneError
from vfiogen.vfio.device import Stream

Transcript = dict[str, str]
_T = TypeVar("_T")
_NOTHING = "nothing"
_LISTS = Path(__file__).parent / "differences"


@dataclass(frozen=True)
class Scene:
    """A part of a script that begins with closed devices and leaves nothing behind."""

    name: str
    play: Callable[[Recorder], None]


@dataclass
class Recorder:
    """What a scene works with: its bench, and steps that become lines."""

    bench: Bench
    scene: str
    lines: Transcript = field(default_factory=dict)
    _firmware: simulation.Told | None = None

    def step(
        self, name: str, act: Callable[[], _T], *, shown: bool = True, errors: Container[int | None] = ()
    ) -> _T | None:
        """Do something, and note what it returns or the errno that it is refused with.

        What isn't `shown` is a handle, such as an address. `errors` are as good as each other.
        """
        place = self._place(name)
        try:
            result = act()
        except OSError as error:
            self.lines[place] = "an error" if error.errno in errors else name_of(error.errno)
            return None
        else:
            self.lines[place] = say(result) if shown else "done"
            return result
        finally:
            self._note_commands(place)

    def note(self, name: str, text: str) -> None:
        """Add a line."""
        self.lines[self._place(name)] = text

    def _place(self, name: str) -> str:
        """Return where the lines of a step stand. A name that comes again gets a number."""
        place = f"{self.scene}: {name}"
        if place not in self.lines:
            return place
        return next(one for at in range(2, 1 << 30) if (one := f"{place} ({at})") not in self.lines)

    def close_all(self) -> None:
        """Close what the scene has left open."""
        self.bench.clean_up()
        if self._firmware:
            self._firmware.open()
            self._note_commands(f"{self.scene}: closing all")

    def forget(self) -> None:
        """Leave what the firmware was told since the last step out of the transcript."""
        self._told()

    def _note_commands(self, place: str) -> None:
        """Note what the firmware was told since the last step."""
        commands = self._told()
        if commands:
            self.lines[f"{place}, firmware"] = ", ".join(commands)

    def _told(self) -> list[str]:
        if not self.bench.driver.stand_in:
            return []
        if self._firmware is None:
            self._firmware = simulation.Told(self.bench.guest)
        return [one for one in self._firmware.read() if one not in self.bench.driver.unheard]


def say(value: object) -> str:
    """Return how a result stands in a transcript."""
    match value:
        case None:
            return "done"
        case bytes():
            return value.hex(" ", -4) or "no bytes"
        case Stream():
            return "a descriptor"
        case enum.IntFlag():
            return hex(value)
        case enum.Enum():
            return value.name
        case _:
            return str(value)


def record(lab: Lab, driver: Driver, scenes: tuple[Scene, ...]) -> Transcript:
    """Play scenes on a driver. One that the kernel reports a fault in is followed by a new boot."""
    lines: Transcript = {}
    for scene in scenes:
        lines |= _play(Bench(lab.guest_for(driver), driver), scene)
    return lines


def _play(bench: Bench, scene: Scene) -> Transcript:
    recorder = Recorder(bench, scene.name)
    bench.begin(scene.name)
    try:
        recorder.forget()
        scene.play(recorder)
        recorder.close_all()
        for violation in bench.violations():
            recorder.note("firmware complains", violation)
        for allocation in bench.leaked():
            recorder.note("not freed", headline(allocation))
    except GuestGoneError as error:
        recorder.note("guest", str(error))
        bench.guest.tainted = True
    for report in bench.guest.reports_since(bench.position):
        recorder.note("kernel", headline(report))
    return recorder.lines


_CHANGING = (
    (re.compile(r"^\[ *\d+\.\d+\] "), ""),
    (re.compile(r"(?:CPU: |PID: |at addr )\S+ ?"), ""),
    (re.compile(r"\+0x[0-9a-f]+/0x[0-9a-f]+"), ""),
    (re.compile(r"\b(?:0x)?[0-9a-f]{8,16}\b"), "ADDRESS"),
    (re.compile(r"#\d+"), ""),
)


def headline(report: str) -> str:
    """Return the first line of a report, without what differs from boot to boot."""
    line = report.splitlines()[0].strip()
    for pattern, text in _CHANGING:
        line = pattern.sub(text, line)
    return line


# Differences


@dataclass(frozen=True)
class Difference:
    """Something that two drivers answer differently."""

    place: str
    upstream: str
    rendered: str

    def __str__(self) -> str:
        return f"{self.place}\n    upstream: {_short(self.upstream)}\n    rendered: {_short(self.rendered)}"


def _short(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:150]}... {len(text)} characters"


@dataclass(frozen=True)
class Listed:
    """An entry of a driver's list: where upstream is wrong, what either driver says there, and why.

    All three are patterns as of a shell, and `at` may be several. `fault` is a heading of
    docs/upstream-faults.md.
    """

    at: tuple[str, ...]
    upstream: str
    rendered: str
    fault: str

    def matches(self, one: Difference) -> bool:
        """Whether this is the reason of a difference."""
        return (
            any(fnmatchcase(one.place, pattern) for pattern in self.at)
            and fnmatchcase(one.upstream, self.upstream)
            and fnmatchcase(one.rendered, self.rendered)
        )

    def __str__(self) -> str:
        return f"{', '.join(self.at)}: {self.upstream} / {self.rendered} ({self.fault})"


def compare(upstream: Transcript, rendered: Transcript) -> list[Difference]:
    """Return where two transcripts differ, in the order of the script."""
    places = [*rendered, *(place for place in upstream if place not in rendered)]
    pairs = ((place, upstream.get(place, _NOTHING), rendered.get(place, _NOTHING)) for place in places)
    return [Difference(place, theirs, ours) for place, theirs, ours in pairs if theirs != ours]


def read_listed(driver: Driver) -> tuple[Listed, ...]:
    """Return a driver's list, differences/NAME.yaml; it has none where there is no file."""
    path = _LISTS / f"{driver.name}.yaml"
    if not path.exists():
        return ()
    return tuple(_listed(entry) for entry in yaml.safe_load(path.read_text()))


def _listed(entry: dict[str, object]) -> Listed:
    at = entry["at"]
    places = tuple(map(str, at)) if isinstance(at, list) else (str(at),)
    return Listed(places, str(entry["upstream"]), str(entry["rendered"]), str(entry["fault"]))


def judge(differences: list[Difference], listed: tuple[Listed, ...]) -> Iterator[str]:
    """Yield each difference that isn't listed, and each entry that no difference has."""
    for one in differences:
        if not any(entry.matches(one) for entry in listed):
            yield f"not listed: {one}"
    for entry in listed:
        for pattern in entry.at:
            alone = Listed((pattern,), entry.upstream, entry.rendered, entry.fault)
            if not any(alone.matches(one) for one in differences):
                yield f"listed, and no more: {alone}"
