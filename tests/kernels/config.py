# SPDX-License-Identifier: GPL-2.0-only
"""Kernel configurations from a fragment whose every line has to take effect."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.kernels.errors import BuildError
from tests.kernels.progress import run_logged
from vfiogen.kernel.release import Release

LAB = Path(__file__).parent / "configs/lab.config"
IN_TREE = LAB.with_name("intree.config")
S390 = LAB.with_name("s390.config")
_SET = re.compile(r"(CONFIG_\w+)=(\S+)(?:\s+#\s*(from|until)\s+(\S+))?")
_UNSET = re.compile(r"# (CONFIG_\w+) is not set")


@dataclass(frozen=True)
class Setting:
    """One line of a fragment: a symbol, its value ("n" for unset), the releases that know it."""

    symbol: str
    value: str
    since: Release | None = None
    until: Release | None = None

    @property
    def line(self) -> str:
        """The line as a .config has it."""
        if self.value == "n":
            return f"# {self.symbol} is not set"
        return f"{self.symbol}={self.value}"

    def known_to(self, release: Release) -> bool:
        """Whether a kernel has the symbol."""
        if self.since and release < self.since:
            return False
        return not (self.until and release.line > self.until.line)

    def met_by(self, lines: frozenset[str]) -> bool:
        """Whether the lines of a .config hold the setting; an absent symbol is unset."""
        if self.value != "n":
            return self.line in lines
        return not any(line.startswith(f"{self.symbol}=") for line in lines)


def parse_setting(line: str) -> Setting | None:
    """Read one line of a fragment; comments and empty lines give nothing.

    Raises ValueError for anything else.
    """
    unset = _UNSET.fullmatch(line.strip())
    if unset:
        return Setting(unset[1], "n")
    if not line.strip() or line.startswith("#"):
        return None
    match = _SET.fullmatch(line.strip())
    if not match:
        raise ValueError(f"not a line of a configuration fragment: {line!r}")
    symbol, value, bound, release = match.groups()
    setting = Setting(symbol, value)
    if bound == "from":
        return replace(setting, since=Release.parse(release))
    return replace(setting, until=Release.parse(release)) if bound else setting


def read_fragment(path: Path, release: Release) -> tuple[Setting, ...]:
    """Return the settings of a fragment that `release` knows."""
    parsed = map(parse_setting, path.read_text().splitlines())
    return tuple(found for found in parsed if found and found.known_to(release))


def built_in(settings: Iterable[Setting]) -> tuple[Setting, ...]:
    """Return the same settings with every module built in."""
    return tuple(replace(one, value="y") if one.value == "m" else one for one in settings)


def unmet(settings: Iterable[Setting], config: Path) -> list[str]:
    """Return the settings, as lines, that a .config doesn't have."""
    lines = frozenset(config.read_text().splitlines())
    return [one.line for one in settings if not one.met_by(lines)]


def require_met(settings: Iterable[Setting], config: Path) -> None:
    """Raise BuildError when a setting didn't take effect."""
    missing = unmet(settings, config)
    if missing:
        raise BuildError(f"{config} lacks what was asked for: {', '.join(missing)}")


def configure(
    source: Path, out: Path, settings: tuple[Setting, ...], title: str, log: Path, *variables: str
) -> None:
    """Configure `out` for `source`: no symbol but the settings and what they need.

    `variables` are make's, such as the architecture.
    """
    out.mkdir(parents=True, exist_ok=True)
    fragment = out / "vfiogen.config"
    fragment.write_text("".join(f"{one.line}\n" for one in settings))
    run_logged(
        ["make", "-C", source, f"O={out}", f"KCONFIG_ALLCONFIG={fragment}", *variables, "allnoconfig"],
        f"configuring {title}",
        log,
    )
    require_met(settings, out / ".config")
