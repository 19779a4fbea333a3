# SPDX-License-Identifier: GPL-2.0-only
"""Strict YAML to nodes that know their position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vfiogen.diagnostics import Problems, Source, Span

Plain = str | int | bool | None | list["Plain"] | dict[str, "Plain"]


@dataclass(frozen=True, eq=False)
class Scalar:
    """A scalar: `text` as written (quotes resolved), `value` as the strict rules read it."""

    span: Span
    text: str
    value: str | int | bool | None
    quoted: bool = False

    def span_of(self, start: int, end: int) -> Span:
        """Return the span of `text[start:end]`, or of the whole scalar where it can't be mapped."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Sequence:
    """A list."""

    span: Span
    items: tuple[Node, ...]


@dataclass(frozen=True, eq=False)
class Entry:
    """One key of a mapping with its value."""

    key: Scalar
    value: Node


@dataclass(frozen=True, eq=False)
class Mapping:
    """A map, in the order of the file; keys are unique by their text."""

    span: Span
    entries: tuple[Entry, ...]

    def get(self, key: str) -> Node | None:
        """Return the value of `key`, or nothing."""
        return next((e.value for e in self.entries if e.key.text == key), None)

    def key(self, key: str) -> Scalar | None:
        """Return the scalar that is the key `key`, or nothing."""
        return next((e.key for e in self.entries if e.key.text == key), None)

    def __iter__(self) -> Iterator[tuple[Scalar, Node]]:
        return ((e.key, e.value) for e in self.entries)


Node = Scalar | Sequence | Mapping


def load_source(source: Source, problems: Problems) -> Node | None:
    """Return the nodes of a text; report what is wrong with it."""
    raise NotImplementedError


def plain(node: Node) -> Plain:
    """Return a node as plain data for the JSON Schema; keys are their text."""
    raise NotImplementedError


def node_at(node: Node, path: list[str | int]) -> Node:
    """Return the node that a path of keys and indices (as jsonschema reports it) leads to."""
    raise NotImplementedError
