# SPDX-License-Identifier: GPL-2.0-only
"""Where a command's words go: results to standard output, problems to standard error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TextIO

from vfiogen.diagnostics import Problem
from vfiogen.records import Value


class Console(Value):
    """The streams of a run and the environment that decides about colour."""

    out: TextIO
    err: TextIO
    environment: Mapping[str, str]

    def say(self, text: str) -> None:
        """Write a line of the result."""
        self.out.write(text + "\n")

    def show(self, problems: Iterable[Problem], form: str = "human") -> None:
        """Write problems: for a person to standard error, for programs to standard output."""
        from vfiogen.report import format_problems, palette

        if form == "human":
            self.out.flush()
            self.err.write(format_problems(problems, form, palette(self.err, self.environment)))
        else:
            self.out.write(format_problems(problems, form))
