# SPDX-License-Identifier: GPL-2.0-only
"""A layout whose head is sent before the device stops, or alone."""

from __future__ import annotations

from vfiogen.diagnostics import Problems, Span, quote
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.head import head_of, lengths
from vfiogen.model.typed import walk


def check_head(migration: m.Migration, layout: m.Layout, analysis: Analysis) -> None:
    """Report lengths that are neither the head's nor the whole layout's, and what they leave open."""
    _Head(migration, layout, analysis).check()


class _Head:
    def __init__(self, migration: m.Migration, layout: m.Layout, analysis: Analysis) -> None:
        self._migration = migration
        self._stream = migration.stream
        self._layout = layout
        self._analysis = analysis
        self._problems: Problems = analysis.problems
        self._scope = Scope(analysis.spec)
        self._head = head_of(Analysis(analysis.spec, Problems()), migration, layout)

    def check(self) -> None:
        for formula in lengths(self._stream):
            self._check_length(formula)
        self._check_pre_copy()
        self._check_alone()

    def _say(self, message: str, span: Span, hint: str = "") -> None:
        self._problems.report("stream-head", message, span, hint)

    def _check_length(self, formula: m.Formula) -> None:
        """A length is `size` of the layout, `end` of the head's last field, or a choice between them."""
        typed = self._analysis.number(formula, self._scope)
        for leaf in _leaves(typed) if typed is not None else ():
            name = self._layout.name.text
            if not isinstance(leaf, t.Extent) or leaf.structure != name:
                hint = f"write `size({name})`, or `end({name}.field)`"
                self._say("a structure is sent whole, or up to the end of a field", formula.span, hint)
            elif leaf.field is not None and leaf.field != self._head:
                other = quote(self._head or "")
                message = f"this ends with {quote(leaf.field)}, and another length with {other}"
                self._say(message, formula.span, "a structure has one head")

    def _check_pre_copy(self) -> None:
        early, declared = self._stream.pre_copy, self._migration.has("pre-copy")
        if early and not declared:
            message = "this is never run: pre-copy isn't among the features"
            self._problems.report("pre-copy", message, early.span, "add `pre-copy` to features")
        if declared and (early is None or self._head is None or not self._ends(early.length)):
            at = early.span if early else self._stream.span
            hint = f"write `save: {{ pre-copy: {{ length: end({self._layout.name}.field) }} }}`"
            message = "a structure has nothing to send before the device stops but its head"
            self._problems.report("pre-copy", message, at, hint)

    def _ends(self, formula: m.Formula) -> bool:
        """Tell whether a length is that of the head, whatever happens."""
        typed = Analysis(self._analysis.spec, Problems()).number(formula, self._scope)
        return isinstance(typed, t.Extent) and typed.field is not None

    def _check_alone(self) -> None:
        """A head that may come alone is accepted, and holds all that must match."""
        stop, stream = self._stream.stop_copy, self._stream
        silent = Analysis(self._analysis.spec, Problems())
        typed = silent.number(stop.length, self._scope) if stop else None
        sent = any(isinstance(leaf, t.Extent) and leaf.field for leaf in _leaves(typed)) if typed else False
        accepted = [leaf for x in stream.lengths for leaf in _all_leaves(silent, x, self._scope)]
        if sent and stop and not any(leaf.field for leaf in accepted):
            message = "the head may be sent alone, and a stream of this length is refused"
            hint = f"add `end({self._layout.name}.{self._head})` to `load: lengths`"
            self._say(message, stop.length.span, hint)
        if stream.lengths and all(leaf.field for leaf in accepted):
            hint = f"add `size({self._layout.name})`"
            self._say("a whole structure is refused", stream.lengths[0].span, hint)
        for field in self._layout.fields if accepted and self._head else ():
            late = self._layout.end(field.name.text) > self._layout.end(self._head or "")
            if (field.const or field.match) and late:
                message = f"{quote(field.name.text)} must match, and doesn't belong to the head"
                self._say(message, field.name.span, "let the head end behind it")


def _leaves(typed: t.Typed) -> list[t.Typed]:
    """Return what a choice chooses from."""
    if isinstance(typed, t.Choice):
        return [*_leaves(typed.value), *_leaves(typed.otherwise)]
    return [typed]


def _all_leaves(analysis: Analysis, formula: m.Formula, scope: Scope) -> list[t.Extent]:
    typed = analysis.number(formula, scope)
    return [node for node in walk(typed) if isinstance(node, t.Extent)] if typed is not None else []
