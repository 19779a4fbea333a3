# SPDX-License-Identifier: GPL-2.0-only
"""What two specs must not share."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vfiogen.diagnostics import Problems, quote
from vfiogen.model import spec as m

# The C of different modules may share names, but not what the kernel's build and modprobe know them by.
UNIQUE: tuple[tuple[str, Callable[[m.Driver], m.Word]], ...] = (
    ("the module name", lambda driver: driver.name),
    ("the directory", lambda driver: driver.directory),
    ("the Kconfig symbol", lambda driver: driver.kconfig.symbol),
)


def check_across(specs: Iterable[m.Spec], problems: Problems) -> None:
    """Report names that two specs of a run both claim. Module names differ in more than - and _."""
    drivers = [spec.driver for spec in specs]
    for title, word_of in UNIQUE:
        seen: dict[str, m.Word] = {}
        for word in map(word_of, drivers):
            first = seen.setdefault(word.text.replace("-", "_"), word)
            if first is not word and word.text:
                message = f"{title} {quote(word.text)} is taken"
                problems.report("spec-clash", message, word.span, related=((first.span, "by this spec"),))
