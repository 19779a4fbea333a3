# SPDX-License-Identifier: GPL-2.0-only
"""The configuration that a kernel was built with, as far as a driver depends on it."""

from __future__ import annotations

import re
from pathlib import Path

from vfiogen.records import Value

SYMBOL = re.compile(r"^CONFIG_(\w+)=(y|m)$", re.MULTILINE)


class BuildConfig(Value):
    """The symbols that are y or m; nothing is known of a tree without a configuration."""

    enabled: frozenset[str]
    known: bool

    @classmethod
    def read(cls, tree: Path) -> BuildConfig:
        """Read the configuration of a tree, an output directory or a headers package."""
        for name in (".config", "include/config/auto.conf"):
            try:
                text = (tree / name).read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            return cls(frozenset(match[1] for match in SYMBOL.finditer(text)), True)
        return cls(frozenset(), False)

    def chosen(self, symbol: str) -> bool:
        """Tell whether a symbol is known to be enabled."""
        return symbol in self.enabled

    def has(self, symbol: str) -> bool:
        """Tell whether a symbol is enabled; yes where nothing is known."""
        return not self.known or symbol in self.enabled
