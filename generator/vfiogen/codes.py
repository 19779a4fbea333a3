# SPDX-License-Identifier: GPL-2.0-only
"""The explanations of problems: codes/<code>.md, one file for each code.

A file begins with its title, `# A key is given twice`. A paragraph or two say why this is a
problem and how to go on. Then come a line `wrong:` and a line `right:`, each followed by a fenced
example: ```yaml for a piece of a spec, which has to be strict YAML on the `right:` side, or
```console for what is typed in a shell. Nothing else: `vfiogen explain` prints the file as it is,
but for the fences. A test holds the files against the codes that the tool reports.
"""

from __future__ import annotations

import re
from importlib.resources import files

from vfiogen.diagnostics import VfiogenError, did_you_mean, listing, quote
from vfiogen.records import Value

_FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Explanation(Value):
    """What a code means: a line, and the text below it in Markdown."""

    code: str
    title: str
    body: str

    def plain(self) -> str:
        """Return the text with examples indented instead of fenced."""
        return _FENCE.sub(lambda match: _indent(match[1]), self.body)

    def examples(self, verdict: str) -> list[str]:
        """Return the examples below the lines `wrong:` or `right:`."""
        return re.findall(rf"^{verdict}:\n\n```\w*\n(.*?)^```$", self.body, re.M | re.S)


def codes() -> list[str]:
    """Return all codes that are explained, sorted."""
    names = (entry.name for entry in files("vfiogen").joinpath("codes").iterdir())
    return sorted(name.removesuffix(".md") for name in names if name.endswith(".md"))


def explain(code: str) -> Explanation:
    """Return the explanation of a code; raise VfiogenError (unknown-code) for any other text."""
    known = codes()
    if code not in known:
        raise VfiogenError(
            "unknown-code",
            f"there is no problem with the code {quote(code)}",
            did_you_mean(code, known) or _similar(code, known),
            "`vfiogen explain` lists all codes",
            status=2,
        )
    text = files("vfiogen").joinpath(f"codes/{code}.md").read_text(encoding="utf-8")
    title, _, body = text.partition("\n")
    return Explanation(code, title.removeprefix("# ").strip(), body.strip() + "\n")


def _similar(word: str, known: list[str]) -> str:
    """Name the codes that have a word in them."""
    found = [code for code in known if word and word in code]
    return f"codes with that word: {listing(found, 'and')}" if found else ""


def _indent(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())
