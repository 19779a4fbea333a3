# SPDX-License-Identifier: GPL-2.0-only
"""What a built module says about itself."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ModInfo:
    """The entries of a module's .modinfo, in order: (key, value), a key as often as it occurs."""

    entries: tuple[tuple[str, str], ...]

    def values(self, key: str) -> tuple[str, ...]:
        """Return every value of a key, in order."""
        return tuple(value for name, value in self.entries if name == key)

    def _one(self, key: str) -> str:
        return next(iter(self.values(key)), "")

    @property
    def name(self) -> str:
        """The module's name, with underscores."""
        return self._one("name")

    @property
    def license(self) -> str:
        """MODULE_LICENSE."""
        return self._one("license")

    @property
    def description(self) -> str:
        """MODULE_DESCRIPTION."""
        return self._one("description")

    @property
    def authors(self) -> tuple[str, ...]:
        """Each MODULE_AUTHOR."""
        return self.values("author")

    @property
    def aliases(self) -> tuple[str, ...]:
        """Each alias, such as vfio_pci:v00001234d000011E8sv*sd*bc*sc*i*."""
        return self.values("alias")

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The symbol namespaces that are imported."""
        return self.values("import_ns")

    @property
    def depends(self) -> tuple[str, ...]:
        """The modules that it needs, sorted, as modpost found them."""
        return tuple(sorted(name for name in self._one("depends").split(",") if name))


def read_modinfo(module: Path) -> ModInfo:
    """Read the .modinfo section of a .ko; raises CalledProcessError for what isn't an object."""
    section = subprocess.run(
        ["objcopy", "-O", "binary", "--only-section=.modinfo", module, "/dev/stdout"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    ).stdout
    texts = [part.decode(errors="replace") for part in section.split(b"\0") if part]
    pairs = (text.partition("=") for text in texts)
    return ModInfo(tuple((key, value) for key, _, value in pairs))
