# SPDX-License-Identifier: GPL-2.0-only
"""Strict YAML to nodes that know their position.

A spec uses the part of YAML that every reader understands alike: maps, lists, quoted and plain
text, decimal and 0x integers, `true`, `false` and `null`. What YAML 1.1 and 1.2 read differently,
and what hides content (anchors, merge keys, tags, further documents), is a problem with a position.
"""

from vfiogen.load.builder import load_source
from vfiogen.load.files import read_source
from vfiogen.load.nodes import Entry, Mapping, Node, Plain, Scalar, Sequence, node_at, plain

__all__ = [
    "Entry",
    "Mapping",
    "Node",
    "Plain",
    "Scalar",
    "Sequence",
    "load_source",
    "node_at",
    "plain",
    "read_source",
]
