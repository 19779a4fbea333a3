# SPDX-License-Identifier: GPL-2.0-only
"""Capabilities of the device and of regions: each fills a structure that can be one in a chain."""

from __future__ import annotations

from collections.abc import Mapping

from vfiogen.diagnostics import Problems, quote
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.analyse import Analysis, Scope
from vfiogen.model.types import BYTES, Type, read_type

# struct vfio_info_cap_header, and what each in a chain is aligned to.
HEADER_SIZE = ALIGNMENT = 8
Fields = Mapping[str, Type | None]


def check_capabilities(
    spec: m.Spec, capabilities: tuple[m.Capability, ...], analysis: Analysis, scope: Scope
) -> None:
    """Report capabilities of one chain that can't be filled, aligned, or that no kernel comes to."""
    first: dict[str, m.Capability] = {}
    for one in capabilities:
        earlier = first.get(one.id.text)
        if earlier is not None and earlier.needs is None:
            message = f"no kernel comes to this {quote(one.id.text)}: the one before needs nothing"
            related = ((earlier.id.span, "that one"),)
            analysis.problems.report("capability", message, one.id.span, related=related)
        analysis.condition(one.when, scope)
        _check_values(spec, one, earlier, analysis, scope)
        first[one.id.text] = one


def _check_values(
    spec: m.Spec, one: m.Capability, earlier: m.Capability | None, analysis: Analysis, scope: Scope
) -> None:
    """An older kernel may lack fields that are set for a newer one; there is nothing else to be missing."""
    problems = analysis.problems
    structure = next((x for x in spec.kernel_structures if x.name.text == one.structure.text), None)
    if structure is None:
        message = f"nothing is known of the fields of {quote(one.structure.text)}"
        hint = "name all of them in structures, but for the header"
        problems.report("capability", message, one.structure.span, hint)
        return
    types = {field.name.text: read_type(field.type.text) for field in structure.fields}
    for word, formula in one.values:
        _check_value(one, word, formula, types, analysis, scope)
    given = {word.text for word, _ in one.values}
    newer = {word.text for word, _ in earlier.values} if earlier else set()
    for name in (name for name in types if name not in given | newer):
        hint = "say what it is, if only 0"
        problems.report("capability", f"nothing sets {quote(name)}", one.structure.span, hint)
    _check_size(one, {name: types[name] for name in types if name in given or name not in newer}, problems)


def _check_value(
    one: m.Capability, word: m.Word, formula: m.Formula, types: Fields, analysis: Analysis, scope: Scope
) -> None:
    kind = types.get(word.text)
    if kind is None:
        message = f"{quote(one.structure.text)} has no field {quote(word.text)}"
        analysis.problems.report("capability", message, word.span)
    elif kind is not BYTES:
        analysis.fitting(formula, kind, scope)
    else:
        _check_bytes(one, word, formula, types, analysis, scope)


def _check_bytes(
    one: m.Capability, word: m.Word, formula: m.Formula, types: Fields, analysis: Analysis, scope: Scope
) -> None:
    """Bytes are the end of a structure, and copied as a whole."""
    typed = analysis.value(formula, scope)
    if word.text != list(types)[-1]:
        message = f"only the last field of {quote(one.structure.text)} can be `bytes`"
        analysis.problems.report("capability", message, word.span, "it is as long as what it is set to")
    if typed is not None and not (isinstance(typed, t.Field) and typed.type is BYTES):
        message = "bytes are those of a field of another structure"
        hint = "name an array of the kernel's, whose type is `bytes` in structures"
        analysis.problems.report("capability", message, formula.span, hint)


def _check_size(one: m.Capability, types: Fields, problems: Problems) -> None:
    """Capabilities follow each other at multiples of 8 bytes. What ends in bytes is filled up."""
    kinds = [kind for kind in types.values() if kind is not None]
    if BYTES in kinds or len(kinds) < len(types):
        return
    size = _size(kinds)
    if size % ALIGNMENT:
        message = f"{quote(one.structure.text)} has {size} bytes, which isn't a multiple of 8"
        hint = "the next one would not be aligned: name the field that pads the structure, and set it to 0"
        problems.report("capability", message, one.structure.span, hint)


def _size(kinds: list[Type]) -> int:
    """Return the size of a structure of a 64-bit kernel that begins with a header."""
    size, widest = HEADER_SIZE, 4
    for kind in kinds:
        width = max(kind.bits // 8, 1)
        size = -(-size // width) * width + width
        widest = max(widest, width)
    return -(-size // widest) * widest
