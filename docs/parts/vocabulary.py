# SPDX-License-Identifier: GPL-2.0-only
"""The page on the vocabulary: every key, from the JSON Schema.

A map with keys of its own has a heading, the path that leads to it: NAME stands for a key that the spec
chooses, `[]` for the entries of a list. What has a definition in the schema is described once, at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from parts.markdown import anchor, capital, fenced, item, paragraph, sentence
from parts.repository import spec_section
from vfiogen.schema import spec_schema

Schema = dict[str, Any]

# Which spec of the repository shows a section.
EXAMPLES = {
    "driver": "edu",
    "devices": "qat",
    "kernel": "pds",
    "provider": "qat",
    "structures": "edu",
    "context": "pds",
    "registers": "edu",
    "commands": "pds",
    "lifecycle": "pds",
    "migration": "qat",
}
KINDS = {
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map",
}
# Definitions that have a page or a heading of their own.
LINKS = {
    "expression": "expressions.md",
    "steps": "#steps",
    "step": "#steps",
    "needs": "#a-kernel-feature",
    "config": "#a-symbol-of-the-driver",
    "type": "expressions.md#types",
}
# Definitions that are described under "Values", by their headings.
VALUES = (
    "name",
    "constant",
    "note",
    "reason",
    "duration",
    "error",
    "release",
    "needs",
    "config",
    "parameters",
    "capability",
)


def vocabulary_page(intro: str) -> str:
    """Return the page; `intro` is what a person wrote to stand before the keys."""
    schema = spec_schema()
    parts = [intro.strip(), "## A whole spec", paragraph(schema["description"])]
    parts += [_keys(schema, ())]
    for key, section in schema["properties"].items():
        parts += _section(key, section, key in schema["required"])
    parts += ["## Steps", *_steps(schema), "## Values", *_values(schema)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(key: str, schema: Schema, required: bool) -> Iterator[str]:
    yield f"## `{key}`"
    must = " and required" if required else ""
    yield paragraph(f"{_description(schema)} It is {_kind(schema, (key,))}{must}.")
    yield from _inside(schema, (key,), top=True)
    if key in EXAMPLES:
        yield paragraph(f"From `specs/{EXAMPLES[key]}/{EXAMPLES[key]}.yaml`:")
        yield fenced("yaml", spec_section(EXAMPLES[key], key))


def _inside(schema: Schema, path: tuple[str, ...], top: bool = False) -> Iterator[str]:
    """Yield a heading and the keys for each map below a schema that has keys of its own."""
    schema = _resolved(schema)
    if "properties" in schema:
        if not top:
            yield f"### {_heading(path)}"
            yield paragraph(_description(schema))
        yield _keys(schema, path)
        for key, inner in schema["properties"].items():
            if "$ref" not in inner:
                yield from _inside(inner, (*path, key))
    yield from _entries(schema, path)


def _entries(schema: Schema, path: tuple[str, ...]) -> Iterator[str]:
    """Yield what the entries of a map or of a list are, where that is said in the schema itself."""
    entry = schema.get("additionalProperties")
    if isinstance(entry, dict) and "$ref" not in entry:
        yield from _inside(entry, (*path, "NAME"))
    inner = schema.get("items")
    if isinstance(inner, dict) and "$ref" not in inner:
        yield from _inside(inner, (*path, "[]"))


def _keys(schema: Schema, path: tuple[str, ...]) -> str:
    required = schema.get("required", [])
    lines = []
    for key, inner in schema["properties"].items():
        must = " (required)" if key in required else ""
        shown = f"`{key}`" if path else f"[`{key}`](#{anchor(key)})"
        text = f"**{shown}**{must}: {_kind(inner, (*path, key))}. {_description(inner)}"
        lines.append(item(text))
    return "\n".join(lines)


def _description(schema: Schema) -> str:
    schema = _resolved(schema)
    return sentence(schema["description"]) if "description" in schema else ""


def _kind(schema: Schema, path: tuple[str, ...]) -> str:
    """Return what a value is, as a noun with its article."""
    name = _definition(schema)
    if name:
        return _reference(name, _resolved(schema))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        words = [f"`{value}`" for value in schema["enum"]]
        return f"{', '.join(words[:-1])} or {words[-1]}"
    return _plain_kind(schema, path)


def _plain_kind(schema: Schema, path: tuple[str, ...]) -> str:
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if len(kinds) > 1 and not {"array", "object"} & set(kinds):
        return str(schema.get("x-expect") or schema.get("title"))
    words = [_word(kind, schema, path) for kind in kinds]
    return " or ".join(word for word in words if word)


def _word(kind: str, schema: Schema, path: tuple[str, ...]) -> str:
    if kind == "array" and "items" in schema:
        return _list(schema["items"], path)
    if kind == "object":
        return _map(schema, path)
    if kind == "string":
        return str(schema.get("x-expect", "text"))
    return KINDS[kind] + _limits(schema)


def _limits(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f", {low} or more" if low is not None else ""


def _list(inner: Schema, path: tuple[str, ...]) -> str:
    resolved = _resolved(inner)
    if "properties" in resolved and "$ref" not in inner:
        return f"[a list of maps](#{_anchor((*path, '[]'))})"
    return f"a list, each entry {_kind(inner, path)}"


def _map(schema: Schema, path: tuple[str, ...]) -> str:
    if "properties" in schema:
        return f"[a map](#{_anchor(path)})" if path[1:] else "a map"
    names = schema.get("propertyNames", {})
    key = names.get("x-expect", "a key")
    entry = schema["additionalProperties"]
    inner = (*path, "NAME")
    resolved = _resolved(entry)
    if "properties" in resolved and "$ref" not in entry:
        return f"[a map](#{_anchor(inner)}), each key {key}"
    return f"a map from {key} to {_kind(entry, inner)}"


def _heading(path: tuple[str, ...]) -> str:
    if path[-1] == "[]":
        return f"`{'.'.join(path[:-1])}`, each entry"
    return f"`{'.'.join(path)}`"


def _anchor(path: tuple[str, ...]) -> str:
    return anchor(_heading(path))


def _definition(schema: Schema) -> str:
    """Return the name of the definition that a schema refers to, or nothing."""
    return str(schema.get("$ref", "")).removeprefix("#/$defs/")


def _reference(name: str, schema: Schema) -> str:
    title = str(schema.get("title", name))
    if name in LINKS:
        return f"[{title}]({LINKS[name]})"
    return f"[{title}](#{anchor(_value_heading(name))})"


def _value_heading(name: str) -> str:
    schema = spec_schema()["$defs"][name]
    title = str(schema.get("title", name))
    return title[:1].upper() + title[1:]


def _resolved(schema: Schema) -> Schema:
    """Return a schema with what it refers to put in; what it says itself comes first."""
    name = _definition(schema)
    if not name:
        return schema
    return {**_resolved(spec_schema()["$defs"][name]), **{k: v for k, v in schema.items() if k != "$ref"}}


def _steps(schema: Schema) -> Iterator[str]:
    yield paragraph(_description(schema["$defs"]["steps"]))
    step = schema["$defs"]["step"]
    yield paragraph(_description(step))
    yield _keys(step, ("step",))
    yield paragraph("What each verb does in C is in [expressions](expressions.md#steps).")


def _values(schema: Schema) -> Iterator[str]:
    for name in VALUES:
        value = schema["$defs"][name]
        yield f"### {_value_heading(name)}"
        yield paragraph(f"{_form(value)} {_description(value)}")
        if "properties" in value:
            yield _keys(value, (name,))


def _form(value: Schema) -> str:
    """Return how a value is written: its kind and, where the schema has one, an example."""
    resolved = _resolved(value)
    if resolved.get("type") == "object":
        return capital(sentence(_map(resolved, ("NAME",))))
    return capital(sentence(str(resolved.get("x-expect", "text"))))
