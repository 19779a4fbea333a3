# SPDX-License-Identifier: GPL-2.0-only
"""The page on the problems: every code, from the explanations that `vfiogen explain` prints."""

from __future__ import annotations

from parts.markdown import anchor, item
from vfiogen.codes import codes, explain


def diagnostics_page(intro: str) -> str:
    """Return the page; `intro` is what a person wrote to stand before the codes."""
    known = [explain(code) for code in codes()]
    index = "\n".join(item(f"[`{one.code}`](#{anchor(one.code)}): {one.title}") for one in known)
    sections = [f"## {one.code}\n\n**{one.title}.** {one.body.strip()}" for one in known]
    return "\n\n".join([intro.strip(), index, *sections]) + "\n"
