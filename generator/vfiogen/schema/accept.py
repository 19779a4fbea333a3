# SPDX-License-Identifier: GPL-2.0-only
"""Whether a document fits a schema, and nothing about why not.

Nearly every spec that is read fits, and a quarter of the time of a run would go into the import of
jsonschema. So this says yes where it is sure; whatever else it meets, an unknown keyword too, is left to
jsonschema, which has the last word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Schema = Mapping[str, Any]

# What says something to people and editors, or is used by way of another keyword.
_SILENT = frozenset(
    {"$schema", "$id", "$defs", "then", "else", "title", "description", "x-expect", "x-instead", "x-of"}
)

_TYPES: dict[str, Callable[[object], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: type(value) is int,
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}


def fits(value: object, schema: Schema | bool, root: Schema) -> bool:
    """Whether a value surely fits a schema, which is a part of `root`."""
    if isinstance(schema, bool):
        return schema
    for keyword, said in schema.items():
        if keyword not in _SILENT:
            rule = _RULES.get(keyword)
            if rule is None or not rule(value, said, schema, root):
                return False
    return True


def matches(pattern: str, text: str) -> bool:
    """Apply a pattern as JSON Schema means it: Python takes `$` for the place before a last line end too."""
    return not text.endswith("\n") and re.search(pattern, text) is not None


Rule = Callable[[Any, Any, Schema, Schema], bool]


def _type(value: object, said: str | list[str], _schema: Schema, _root: Schema) -> bool:
    if isinstance(said, str):
        return said in _TYPES and _TYPES[said](value)
    return any(name in _TYPES and _TYPES[name](value) for name in said)


def _reference(value: object, said: str, _schema: Schema, root: Schema) -> bool:
    place, _, name = said.rpartition("/")
    return place == "#/$defs" and fits(value, root["$defs"][name], root)


def _properties(value: object, said: Schema, _schema: Schema, root: Schema) -> bool:
    if not isinstance(value, dict):
        return True
    return all(fits(inner, said[key], root) for key, inner in value.items() if key in said)


def _additional(value: object, said: Schema | bool, schema: Schema, root: Schema) -> bool:
    if not isinstance(value, dict):
        return True
    known: Schema = schema.get("properties", {})
    if said is False:
        return all(key in known for key in value)
    return all(fits(inner, said, root) for key, inner in value.items() if key not in known)


def _names(value: object, said: Schema, _schema: Schema, root: Schema) -> bool:
    return not isinstance(value, dict) or all(fits(key, said, root) for key in value)


def _required(value: object, said: list[str], _schema: Schema, _root: Schema) -> bool:
    return not isinstance(value, dict) or all(key in value for key in said)


def _companions(value: object, said: dict[str, list[str]], _schema: Schema, _root: Schema) -> bool:
    if not isinstance(value, dict):
        return True
    return all(needed in value for key in said if key in value for needed in said[key])


def _items(value: object, said: Schema, _schema: Schema, root: Schema) -> bool:
    return not isinstance(value, list) or all(fits(item, said, root) for item in value)


def _unique(value: object, said: bool, _schema: Schema, _root: Schema) -> bool:
    """Only texts and whole numbers are compared."""
    if not said or not isinstance(value, list):
        return True
    return all(type(item) in (str, int) for item in value) and len(set(value)) == len(value)


def _enum(value: object, said: list[object], _schema: Schema, _root: Schema) -> bool:
    # 1 and true are one value to Python, and two to JSON.
    return any(type(value) is type(item) and value == item for item in said)


def _any_of(value: object, said: list[Schema], _schema: Schema, root: Schema) -> bool:
    return any(fits(value, schema, root) for schema in said)


def _if(value: object, said: Schema, schema: Schema, root: Schema) -> bool:
    return fits(value, schema.get("then" if fits(value, said, root) else "else", True), root)


def _size(kind: type[str | list[Any] | dict[str, Any]], least: bool) -> Rule:
    def rule(value: Any, said: int, _schema: Schema, _root: Schema) -> bool:
        return not isinstance(value, kind) or (len(value) >= said if least else len(value) <= said)

    return rule


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_RULES: dict[str, Rule] = {
    "$ref": _reference,
    "additionalProperties": _additional,
    "anyOf": _any_of,
    "const": lambda value, said, schema, root: _enum(value, [said], schema, root),
    "dependentRequired": _companions,
    "enum": _enum,
    "if": _if,
    "items": _items,
    "maxItems": _size(list, least=False),
    "maxLength": _size(str, least=False),
    "maxProperties": _size(dict, least=False),
    "maximum": lambda value, said, _schema, _root: not _is_number(value) or value <= said,
    "minItems": _size(list, least=True),
    "minLength": _size(str, least=True),
    "minProperties": _size(dict, least=True),
    "minimum": lambda value, said, _schema, _root: not _is_number(value) or value >= said,
    "pattern": lambda value, said, _schema, _root: not isinstance(value, str) or matches(said, value),
    "properties": _properties,
    "propertyNames": _names,
    "required": _required,
    "type": _type,
    "uniqueItems": _unique,
}
