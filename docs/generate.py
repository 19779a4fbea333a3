# SPDX-License-Identifier: GPL-2.0-only
"""Rewrites what is generated in the manual: whole pages, blocks in others, and the picture of the path.

    python docs/generate.py             rewrite what is stale
    python docs/generate.py --check     write nothing; exit with 1 if something is stale

The vocabulary comes from the JSON Schema, the diagnostics from the explanations, blocks of C and YAML from
the specs and what they render to, lists of kernel features from their table, docs/streams from `vfiogen doc`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
for directory in (ROOT / "docs", ROOT / "generator"):
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))

from draw import draw_path  # noqa: E402
from parts import repository  # noqa: E402
from parts.blocks import refresh  # noqa: E402
from parts.diagnostics import diagnostics_page  # noqa: E402
from parts.drivers import drivers_page  # noqa: E402
from parts.repository import MissingPartError  # noqa: E402
from parts.vocabulary import vocabulary_page  # noqa: E402

NOTE = "<!-- Written by docs/generate.py; do not edit. -->"

VOCABULARY = f"""{NOTE}

# The vocabulary

What a spec can say, key by key. Names of the spec's own things are in kebab-case, names of the kernel in
snake_case, constants of the kernel in capitals. Numbers are decimal or `0x`; durations carry a unit. Every
key that isn't listed here is an error, and so is a name that nothing uses. Expressions, types and steps are
described in [expressions](expressions.md), what is reported in [diagnostics](diagnostics.md).
"""

DIAGNOSTICS = f"""{NOTE}

# Diagnostics

Every problem has a code, which stands in brackets behind `error`. `vfiogen explain CODE` prints what is
below. All problems of all specs are reported in one run, sorted by position; with `--format json` or
`--format github` they are for programs. The exit status is 1 where something is wrong with specs or output,
2 for wrong usage and 70 for a fault of vfiogen itself.
"""


# The drivers whose `vfiogen doc` is shown: one for each kind of store.
STREAMS = ("edu", "hisilicon", "mlx5", "qat", "pds", "virtio", "xe")


DRIVERS = f"""{NOTE}

# The drivers

Each directory of `specs/` is a driver. Its spec is counted without blank lines and comments; the C is that
of the newest kernel. "By hand" is C that was written for one driver alone: hooks beside its spec, and
templates that no other driver is made of, since those are hand-written C as well. "Upstream" are
the lines of the driver in the kernel that it takes the place of, with what isn't rendered yet: `mlx5`
and `pds` have dirty tracking besides.
"""


def pages() -> dict[Path, str]:
    """Return every file that is generated, wholly or in part, with what it should hold."""
    docs = ROOT / "docs"
    found = {
        docs / "vocabulary.md": vocabulary_page(VOCABULARY),
        docs / "diagnostics.md": diagnostics_page(DIAGNOSTICS),
        docs / "drivers.md": drivers_page(DRIVERS),
        docs / "path.svg": draw_path(),
    }
    for driver in STREAMS:
        found |= {docs / "streams" / name: text for name, text in repository.documented(driver).items()}
    for page in (ROOT / "README.md", *sorted(docs.glob("*.md"))):
        if page not in found:
            found[page] = refresh(page.read_text(encoding="utf-8"))
    return found


def stale_pages() -> dict[Path, str]:
    """Return the files that aren't what they should be, with what they should hold."""
    return {path: text for path, text in pages().items() if not _holds(path, text)}


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite or check; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python docs/generate.py", description="Rewrites the generated pages."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is stale")
    options = parser.parse_args(arguments)
    try:
        stale = stale_pages()
    except MissingPartError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for path, text in stale.items():
        if not options.check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}: {'stale' if options.check else 'rewritten'}\n")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
