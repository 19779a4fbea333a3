# SPDX-License-Identifier: GPL-2.0-only
"""What two specs must not share."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vfiogen.diagnostics import Problems, quote
from vfiogen.model import spec as m

# The C of different modules may share names, but not what the kernel's build and modprobe know them by.
UNIQUE: tuple[tuple[str, Callable[[m.Driver], tuple[m.Word, ...]]], ...] = (
    ("the module name", lambda driver: (driver.name,)),
    ("the directory", lambda driver: (driver.directory,)),
    ("the Kconfig symbol", lambda driver: driver.kconfig.symbols),
)


def check_across(specs: Iterable[m.Spec], problems: Problems) -> None:
    """Report names that two specs of a run both claim. Module names differ in more than - and _."""
    drivers = [spec.driver for spec in specs]
    for title, words_of in UNIQUE:
        seen: dict[str, tuple[m.Driver, m.Word]] = {}
        for driver, word in ((one, word) for one in drivers for word in words_of(one)):
            owner, first = seen.setdefault(word.text.replace("-", "_"), (driver, word))
            if owner is not driver and word.text:
                message = f"{title} {quote(word.text)} is taken"
                problems.report("spec-clash", message, word.span, related=((first.span, "by this spec"),))
