# SPDX-License-Identifier: GPL-2.0-only
"""The events of the YAML parser to nodes, without recursion, refusing what a spec can't use."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from msgspec import Struct, field

from vfiogen.diagnostics import Problems, Source, Span, quote
from vfiogen.load.nodes import Entry, Mapping, Node, Scalar, Sequence
from vfiogen.load.scalars import Surprise, read_plain
from vfiogen.load.syntax import report_directive, report_syntax, report_tab

DEEPEST = 64
MOST_PROBLEMS = 100

# What the parser refuses or takes for the end of a line, and characters that make a line look
# like another one (the bidirectional controls, which C compilers warn of).
_FORBIDDEN = re.compile(
    "[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    "|[\u2028\u2029\ufeff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
# What is a tag to YAML, and `not` to those who think in C.
_NEGATION = re.compile(r"![a-z][a-z0-9-]*\.")
_TAB_INDENT = re.compile(r"^ *\t\s*(?=\S)", re.MULTILINE)


def load_source(source: Source, problems: Problems) -> Node | None:
    """Return the nodes of a text; report what is wrong with it.

    Nothing is returned for what isn't YAML. A node that has a problem of its own is returned all
    the same, so that later stages find more.
    """
    bad = _FORBIDDEN.search(source.text)
    if bad:
        message = f"the character U+{ord(bad[0]):04X} can't be part of a spec"
        problems.report("file-encoding", message, source.span(*bad.span()), "remove it")
        return None
    root = _Builder(source, problems).build()
    problems.settle(source)
    return root


class _Open(Struct):
    """A map or list whose end hasn't come yet."""

    span: Span
    flow: bool
    is_map: bool
    items: list[Node] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    seen: dict[str | int, Scalar] = field(default_factory=dict)
    key: Scalar | None = None  # waits for its value
    skip: bool = False  # the next node is the value of a key that was refused
    cut: bool = False  # what follows is the rest of a value that a comma has cut


def _is_rest(node: Node) -> bool:
    """Whether an item can be what follows the comma that has cut a call in two."""
    return isinstance(node, Scalar) and node.text.count("(") <= node.text.count(")")


def _is_missing(node: Node) -> bool:
    return isinstance(node, Scalar) and not node.text and not node.quoted


class _StopError(Exception):
    """Reading can't go on; the reason is reported."""


@cache
def _loader() -> Any:
    """Return the loader on libyaml, or PyYAML's own where that wasn't built."""
    import yaml

    return getattr(yaml, "CLoader", yaml.Loader)


class _Builder:
    def __init__(self, source: Source, problems: Problems) -> None:
        self._source = source
        self._problems = problems
        self._reported = 0
        self._stack: list[_Open] = []
        self._root: Node | None = None
        self._documents = 0
        self._continued: set[int] = set()  # lines that go on with a scalar

    def build(self) -> Node | None:
        """Return the root, or nothing if the text can't be understood to its end."""
        import yaml

        try:
            for event in yaml.parse(self._source.text, Loader=_loader()):
                self._take(event)
        except yaml.YAMLError as error:
            report_syntax(self._source, error, self._problems)
            return None
        except _StopError:
            return None
        self._check_tabs()
        if self._root is None:
            self._problems.report("yaml-empty", "the file is empty", self._source.span(0, 0))
        return self._root

    def _take(self, event: Any) -> None:
        match type(event).__name__:
            case "ScalarEvent":
                self._scalar(event)
            case "MappingStartEvent":
                self._start(event, is_map=True)
            case "SequenceStartEvent":
                self._start(event, is_map=False)
            case "MappingEndEvent" | "SequenceEndEvent":
                self._end(event)
            case "AliasEvent":
                self._alias(event)
            case "DocumentStartEvent":
                self._document(event)

    def _report(self, code: str, message: str, span: Span, *hints: str, **related: Any) -> None:
        """Report a problem, and stop after more than a person would read."""
        self._problems.report(code, message, span, *hints, **related)
        self._reported += 1
        if self._reported == MOST_PROBLEMS:
            enough = f"{MOST_PROBLEMS} problems in a file are enough: it is not read any further"
            self._problems.report("yaml-too-many", enough, span)
            raise _StopError

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self._source, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _check_tabs(self) -> None:
        for match in _TAB_INDENT.finditer(self._source.text):
            line, _ = self._source.position(match.start())
            if line not in self._continued:
                report_tab(self._source, line, self._problems)
                return

    # Documents, aliases, anchors and tags

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            hint = "remove the `---`, or move what follows to a spec of its own"
            self._report("yaml-feature", "a second document begins here", self._span(event), hint)
            raise _StopError
        if event.version or event.tags:
            report_directive(self._source, event.start_mark.line + 1, self._problems)

    def _alias(self, event: Any) -> None:
        span = self._span(event)
        self._report(
            "yaml-feature",
            f"{quote('*' + event.anchor)} is an alias, which a spec can't use",
            span,
            "write the value out, or quote it if text is meant",
        )
        self._add(Scalar(span, "", None))

    def _refuse_property(self, event: Any) -> None:
        start = event.start_mark.index
        word = self._source.text[start : start + 80].split()[0].rstrip(",")
        kind = "a tag" if word.startswith("!") else "an anchor"
        hint = "remove it, or quote the value if text is meant"
        if _NEGATION.match(word):
            hint = f"a condition is turned around with `not`: write {quote('not ' + word[1:])}"
        self._report(
            "yaml-feature",
            f"{quote(word)} is {kind}, which a spec can't use",
            self._source.span(start, start + len(word)),
            hint,
        )

    # Scalars

    def _scalar(self, event: Any) -> None:
        refused = event.anchor is not None or event.tag is not None
        if refused:
            self._refuse_property(event)
        span = self._trimmed(event) if event.style in ("|", ">") else self._span(event)
        if span.end_line > span.line:
            self._continued.update(range(span.line + 1, span.end_line + 1))
        if event.style == '"':
            self._check_escapes(span, event.value)
        if event.style or refused:
            self._add(Scalar(span, event.value, event.value, quoted=bool(event.style)))
        elif event.value:
            self._add(Scalar(span, event.value, self._plain(span, event.value)))
        else:
            self._add(self._empty(span))

    def _trimmed(self, event: Any) -> Span:
        """Return the span of a block scalar, which the parser ends at the next token."""
        start = event.start_mark.index
        raw = self._source.text[start : event.end_mark.index]
        return self._source.span(start, start + len(raw.rstrip()))

    def _check_escapes(self, span: Span, text: str) -> None:
        bad = _FORBIDDEN.search(text)
        if bad:
            message = f"the character U+{ord(bad[0]):04X} can't be part of a text"
            self._report("file-encoding", message, span, "remove the escape that makes it")

    def _plain(self, span: Span, text: str) -> str | int | bool | None:
        """Return the value of a plain scalar; the text itself if it is refused."""
        if self._is_flow() and text.count("(") > text.count(")") and self._ends_at_comma(span):
            hint = "between { } and [ ] a comma separates: quote a value that has one"
            self._report("yaml-comma", f"{quote(text)} is cut off at a comma", span, hint)
            self._stack[-1].cut = True
            return text
        value = read_plain(text)
        if isinstance(value, Surprise):
            self._surprise(span, text, value)
            return text
        if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
            hint = "quote it if text is meant"
            self._report("yaml-number", f"{quote(text)} doesn't fit 64 bits", span, hint)
            return text
        return value

    def _ends_at_comma(self, span: Span) -> bool:
        end = self._source.offset(span.end_line, span.end_column)
        return self._source.text[end : end + 200].lstrip().startswith(",")

    def _is_flow(self) -> bool:
        return bool(self._stack) and self._stack[-1].flow

    def _surprise(self, span: Span, text: str, surprise: Surprise) -> None:
        quoted = quote(f'"{text}"')
        hint = f"quote it if text is meant: {quoted}"
        if surprise.instead:
            hint = f"write {quote(surprise.instead)}, or {quoted} if text is meant"
        self._report("yaml-ambiguous", f"{quote(text)} {surprise.meaning}", span, hint)

    def _empty(self, span: Span) -> Scalar:
        """Return the scalar for a missing value, which stands where the value should."""
        top = self._stack[-1] if self._stack else None
        if top is None:
            span = self._source.span(0, 0)
            self._report("yaml-empty", "the file is empty", span)
            return Scalar(span, "", None)
        if top.key and span.line != top.key.span.end_line:
            # After `? key` the parser goes on to the next token.
            at = top.key.span
            span = Span(at.source, at.end_line, at.end_column, at.end_line, at.end_column)
        if not top.skip and not top.cut:
            self._report_empty(top, span)
        return Scalar(span, "", None)

    def _report_empty(self, top: _Open, span: Span) -> None:
        if not top.is_map:
            hint = "write a value, or remove the `-`"
            self._report("yaml-empty", "this item has no value", span, hint)
        elif not top.key:
            self._report("yaml-empty", "a key is missing here", span, "write `key: value`")
        else:
            hint = "write a value, or remove the key"
            self._report("yaml-empty", f"{quote(top.key.text)} has no value", span, hint)

    # Maps and lists

    def _start(self, event: Any, is_map: bool) -> None:
        if event.anchor is not None or event.tag is not None:
            self._refuse_property(event)
        span = self._span(event)
        if len(self._stack) == DEEPEST:
            deep = f"maps and lists are nested more than {DEEPEST} deep here"
            self._report("yaml-depth", deep, span)
            raise _StopError
        self._stack.append(_Open(span, bool(event.flow_style), is_map))

    def _end(self, event: Any) -> None:
        top = self._stack.pop()
        last = self._span(event) if top.flow else self._last_span(top)
        span = Span(self._source, top.span.line, top.span.column, last.end_line, last.end_column)
        if top.is_map:
            self._add(Mapping(span, tuple(top.entries)))
        else:
            self._add(Sequence(span, tuple(top.items)))

    @staticmethod
    def _last_span(top: _Open) -> Span:
        """The span of the last thing in a block, which the parser ends at the next token."""
        if top.entries:
            return top.entries[-1].value.span
        return top.items[-1].span if top.items else top.span

    def _add(self, node: Node) -> None:
        """Put a finished node into the collection around it, or at the root."""
        if not self._stack:
            self._root = node
            return
        top = self._stack[-1]
        if not top.is_map:
            if not (top.cut and _is_rest(node)):
                top.items.append(node)
        elif top.skip:
            top.skip = False
        elif top.key is None:
            top.key = self._key(top, node)
            top.skip = top.key is None
        else:
            if not (top.cut and _is_missing(node)):
                top.entries.append(Entry(top.key, node))
            top.key = None

    def _key(self, top: _Open, node: Node) -> Scalar | None:
        """Return a node as a key; nothing if it can't be one, which is reported."""
        if not isinstance(node, Scalar):
            hint = "write a name, a number or quoted text"
            self._report("yaml-feature", "a key can't be a list or a map", node.span, hint)
        elif node.text == "<<" and not node.quoted:
            hint = "write the keys out"
            self._report("yaml-feature", "`<<` merges maps, which a spec can't do", node.span, hint)
        elif node.value is None or isinstance(node.value, bool):
            if node.text:  # else it is missing, or an alias: reported already
                hint = "quote it if a name is meant"
                message = f"the key {quote(node.text)} is {node.text} to YAML, not a name"
                self._report("yaml-ambiguous", message, node.span, hint)
        else:
            return self._unique(top, node)
        return None

    def _unique(self, top: _Open, key: Scalar) -> Scalar | None:
        # Numbers are the same key if they are equal: 0x1F and 0x1f.
        identity = key.text if isinstance(key.value, str) else int(key.text, 0)
        first = top.seen.setdefault(identity, key)
        if first is key:
            return key
        self._report(
            "yaml-duplicate-key",
            f"the key {quote(key.text)} is given twice",
            key.span,
            "remove one of the two",
            related=((first.span, "first given here"),),
        )
        return None
