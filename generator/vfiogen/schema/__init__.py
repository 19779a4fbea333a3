# SPDX-License-Identifier: GPL-2.0-only
"""The JSON Schema of a spec, and what a spec that doesn't fit it is told.

The schema says what is expected by annotations: `title` is a noun with its article ("a name"),
`x-expect` a whole expectation ("a name in kebab-case such as dma-count"). `x-instead` of a map has keys
that a person may try, each with the key that is meant, or with a hint. `x-of` of what a condition asks for
is the place of the map with the descriptions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vfiogen.c.hints import meant_type
from vfiogen.diagnostics import Problems, Span, did_you_mean, listing, quote
from vfiogen.load import Mapping, Node, Scalar, Sequence, node_at, plain
from vfiogen.schema.accept import fits, matches

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

Schema = dict[str, Any]

# More than a person would read; a broken file of a mebibyte could have hundreds of thousands.
MOST_ERRORS = 100

_DEEPEST_PLACE = 4
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-fA-F]+")

_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map",
    "null": "null",
}


def validate(root: Node, problems: Problems) -> None:
    """Report where a spec doesn't fit the schema."""
    if not fits(plain(root), spec_schema(), spec_schema()):
        validate_against(spec_validator(), root, problems)


def validate_against(validator: Draft202012Validator, root: Node, problems: Problems) -> None:
    """Report where a document doesn't fit a schema."""
    schema = validator.schema
    assert isinstance(schema, dict)
    teller = _Teller(schema, root, problems)
    for error in islice(validator.iter_errors(plain(root)), MOST_ERRORS):
        teller.tell(error)
    problems.settle(root.span.source)


def schema_file() -> Path:
    """Return the schema as a file."""
    return Path(__file__).with_name("spec.schema.json")


@cache
def spec_schema() -> Schema:
    """Return the schema of a spec, as it is shipped."""
    text = files("vfiogen").joinpath("schema/spec.schema.json").read_text(encoding="utf-8")
    schema: Schema = json.loads(text)
    return schema


@cache
def spec_validator() -> Draft202012Validator:
    """Return the validator of a spec; a test has checked the schema itself."""
    from jsonschema import Draft202012Validator, validators

    strict: Any = validators.extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
    validator: Draft202012Validator = strict(spec_schema())
    return validator


def _pattern(
    validator: Draft202012Validator, pattern: str, instance: object, schema: Schema
) -> Iterator[ValidationError]:
    from jsonschema.exceptions import ValidationError

    if isinstance(instance, str) and not matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


class _Teller:
    """Turns errors of jsonschema into problems of one document."""

    def __init__(self, schema: Schema, root: Node, problems: Problems) -> None:
        self._schema = schema
        self._root = root
        self._problems = problems
        self._by_keyword: dict[str, Callable[[ValidationError, Node], None]] = {
            "additionalProperties": self._unknown_keys,
            "anyOf": self._alternatives,
            "dependentRequired": self._missing_companions,
            "enum": self._not_listed,
            "const": self._not_listed,
            "minItems": self._too_small,
            "minLength": self._too_small,
            "minProperties": self._too_small,
            "oneOf": self._alternatives,
            "required": self._missing_keys,
            "type": self._wrong_type,
            "uniqueItems": self._repeated,
        }

    def tell(self, error: ValidationError) -> None:
        """Report one error."""
        node = node_at(self._root, list(error.absolute_path))
        if "propertyNames" in list(error.schema_path)[:-1]:
            self._bad_key(error, node)
        else:
            self._by_keyword.get(str(error.validator), self._wrong_value)(error, node)

    def _bad_key(self, error: ValidationError, node: Node) -> None:
        """Report a key that isn't a proper name. The error's instance is the key."""
        key = str(error.instance)
        from vfiogen.schema.respell import respelled

        expected = self._expected(_schema(error))
        message = f"expected {expected} as a key, found {quote(key)}"
        hint = respelled(key, _schema(error))
        self._problems.report("schema-value", message, _key_span(node, key), hint)

    def _unknown_keys(self, error: ValidationError, node: Node) -> None:
        schema = _schema(error)
        allowed = list(schema.get("properties", {}))
        for key in _extra_keys(error, schema):
            hint = f"allowed here: {listing(allowed, 'and')}" if allowed else ""
            meant = _instead(schema, key) or did_you_mean(key, allowed) or self._elsewhere(key)
            self._problems.report(
                "schema-unknown-key",
                f"there is no key {quote(key)} here",
                _key_span(node, key),
                meant,
                hint,
            )

    def _elsewhere(self, key: str) -> str:
        """Say where a key does belong, for one that stands at the wrong depth."""
        places = list(islice(_places(self._schema, self._resolved, key), 4))
        return f"{quote(key)} is a key of {listing(places)}" if 0 < len(places) < 4 else ""

    def _missing_keys(self, error: ValidationError, node: Node) -> None:
        self._report_missing(error, node, _strings(error.validator_value))

    def _missing_companions(self, error: ValidationError, node: Node) -> None:
        companions: dict[str, list[str]] = dict(_pairs(error.validator_value))
        for key, needed in companions.items():
            if key in _keys(error.instance):
                self._report_missing(error, node, needed, f", which {quote(key)} needs")

    def _report_missing(self, error: ValidationError, node: Node, needed: list[str], why: str = "") -> None:
        """Report keys that are missing; jsonschema's one error for each of them collapses here."""
        for key in needed:
            if key not in _keys(error.instance):
                hint = self._hint(self._properties(error).get(key, {}), key)
                message = f"the key {quote(key)} is missing{why}"
                self._problems.report("schema-missing-key", message, self._home(error, node), hint)

    def _properties(self, error: ValidationError) -> Schema:
        schema = _schema(error)
        if "x-of" in schema:
            schema = self._resolved({"$ref": f"#{schema['x-of']}"}) if schema["x-of"] else self._schema
        properties: Schema = schema.get("properties", {})
        return properties

    def _hint(self, schema: Schema, key: str) -> str:
        """Say what a missing key is for."""
        description = schema.get("description") or self._resolved(schema).get("description")
        return f"{quote(key)}: {description}" if description else ""

    def _home(self, error: ValidationError, node: Node) -> Span:
        """Return the span of the key that a map belongs to, or of the map if it has none."""
        path = list(error.absolute_path)
        if not path:
            return _first_line(node)
        parent = node_at(self._root, path[:-1])
        key = parent.key(str(path[-1])) if isinstance(parent, Mapping) else None
        return key.span if key else _first_line(node)

    def _wrong_type(self, error: ValidationError, node: Node) -> None:
        schema = _schema(error)
        expected = self._expected(schema) if error.absolute_path else self._kinds(schema)
        hint = _type_hint(error, node)
        path = list(error.absolute_path)
        if not hint and schema.get("type") == "object" and isinstance(node, Scalar) and path:
            hint = self._hint(schema, str(path[-1]))
        self._problems.report(
            "schema-type", f"expected {expected}, found {_found(node)}", _first_line(node), hint
        )

    def _not_listed(self, error: ValidationError, node: Node) -> None:
        allowed = _allowed(error)
        text = node.text if isinstance(node, Scalar) else ""
        message = f"expected {listing(allowed)}, found {_found(node)}"
        if isinstance(node, Scalar) and node.quoted and text in allowed:
            message = f"expected {listing(allowed)}, found it in quotes"
            self._problems.report("schema-value", message, node.span, "a number has no quotes")
            return
        hint = did_you_mean(meant_type(text) or text, allowed)
        self._problems.report("schema-value", message, _first_line(node), hint)

    def _too_small(self, error: ValidationError, node: Node) -> None:
        if error.instance:
            self._wrong_value(error, node)
            return
        path = list(error.absolute_path)
        what = quote(str(path[-1])) if path and isinstance(path[-1], str) else "this"
        hint = f"expected {self._expected(_schema(error))}"
        self._problems.report("schema-empty", f"{what} is empty", self._home(error, node), hint)

    def _repeated(self, error: ValidationError, node: Node) -> None:
        seen: dict[str, Node] = {}
        for item in node.items if isinstance(node, Sequence) else ():
            first = seen.setdefault(repr(plain(item)), item)
            if first is not item:
                related = ((first.span, "first listed here"),)
                message = f"{_found(item)} is listed twice"
                self._problems.report("schema-value", message, item.span, related=related)

    def _wrong_value(self, error: ValidationError, node: Node) -> None:
        """Report what has no wording of its own: patterns, limits, schemas that allow nothing."""
        from vfiogen.schema.respell import respelled

        expected = self._expected(_schema(error), limits=True)
        hint = respelled(node.text, _schema(error)) if isinstance(node, Scalar) else ""
        message = f"expected {expected}, found {_found(node)}"
        self._problems.report("schema-value", message, _first_line(node), hint)

    def _alternatives(self, error: ValidationError, node: Node) -> None:
        """Report the errors of the alternative whose kind fits, or that none does."""
        branches = list(_branches(error.context or []))
        fitting = [branch for branch in branches if not any(map(_is_about_kind, branch))]
        if fitting:
            # The alternative that got furthest is the one that was meant.
            best = max(fitting, key=lambda branch: max(len(e.absolute_path) for e in branch))
            for inner in best:
                self.tell(inner)
            return
        expected = " or ".join(dict.fromkeys(self._expected(s) for s in _schemas(error)))
        self._problems.report("schema-type", f"expected {expected}, found {_found(node)}", _first_line(node))

    # What a schema expects

    def _expected(self, schema: Schema, limits: bool = False) -> str:
        """Return what a schema expects, as a noun with its article."""
        schema = self._resolved(schema)
        said = schema.get("x-expect") or schema.get("title")
        text = str(said or self._kinds(schema))
        if limits and "x-expect" not in schema:
            text += _limits(schema)
        elif said and schema.get("type") in ("array", "object"):
            text += f" ({self._kinds(schema)})"
        return text

    def _kinds(self, schema: Schema) -> str:
        types = schema.get("type", [])
        names = [types] if isinstance(types, str) else types
        return " or ".join(self._kind(name, schema) for name in names) or "something else"

    def _kind(self, name: str, schema: Schema) -> str:
        """Return a kind of value; a list with what it holds, if that has a name."""
        title = self._resolved(schema.get("items", {})).get("title") if name == "array" else None
        return f"a list, each item {title}" if title else _KINDS.get(name, name)

    def _resolved(self, schema: Schema) -> Schema:
        """Return a schema with the target of its $ref put in."""
        target: Any = self._schema
        reference = str(schema.get("$ref", ""))
        if not reference.startswith("#/"):
            return schema
        for step in reference[2:].split("/"):
            target = target[step]
        return {**self._resolved(target), **schema, "$ref": ""}


def _instead(schema: Schema, key: str) -> str:
    """Say what to write instead of a key that a person may well try."""
    meant = str(schema.get("x-instead", {}).get(key, ""))
    return f"did you mean {quote(meant)}?" if meant in schema.get("properties", {}) else meant


def _schema(error: ValidationError) -> Schema:
    return error.schema if isinstance(error.schema, dict) else {}


def _schemas(error: ValidationError) -> Iterator[Schema]:
    return (value for value in _objects(error.validator_value) if isinstance(value, dict))


def _strings(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, Iterable) else []


def _pairs(value: object) -> Iterator[tuple[str, list[str]]]:
    if isinstance(value, dict):
        yield from value.items()


def _keys(instance: object) -> Iterable[str]:
    return instance if isinstance(instance, dict) else ()


def _extra_keys(error: ValidationError, schema: Schema) -> Iterator[str]:
    patterns = [re.compile(pattern) for pattern in schema.get("patternProperties", {})]
    known = schema.get("properties", {})
    extra = (
        key
        for key in _keys(error.instance)
        if key not in known and not any(pattern.search(key) for pattern in patterns)
    )
    return islice(extra, MOST_ERRORS)


def _key_span(node: Node, key: str) -> Span:
    found = node.key(key) if isinstance(node, Mapping) else None
    return found.span if found else node.span


def _first_line(node: Node) -> Span:
    """Return the span of a scalar, or of the first line of a collection."""
    span = node.span
    if isinstance(node, Scalar) or span.end_line == span.line:
        return span
    if isinstance(node, Mapping) and node.entries:
        return node.entries[0].key.span
    return Span(span.source, span.line, span.column, span.line, span.column + 1)


def _found(node: Node) -> str:
    """Return what a node is, as a message says it."""
    match node:
        case Mapping():
            return "a map" if node.entries else "an empty map"
        case Sequence():
            return "a list" if node.items else "an empty list"
        case Scalar(text=text) if node.quoted or isinstance(node.value, str):
            return _found_text(text)
        case Scalar(value=None):
            return "nothing"
        case Scalar(value=bool(), text=text):
            return quote(text)
        case Scalar(text=text):
            return f"the number {quote(text)}"


def _found_text(text: str) -> str:
    first, _, rest = text.partition("\n")
    if not first:
        return "an empty text"
    return quote(first + "…") if rest else quote(first)


def _allowed(error: ValidationError) -> list[str]:
    values = error.validator_value if error.validator == "enum" else [error.validator_value]
    return [v if isinstance(v, str) else json.dumps(v) for v in _objects(values)]


def _objects(values: object) -> list[object]:
    return list(values) if isinstance(values, list | tuple) else []


def _type_hint(error: ValidationError, node: Node) -> str:
    from vfiogen.schema.respell import meant_number

    wanted = error.validator_value
    types = [wanted] if isinstance(wanted, str) else _objects(wanted)
    if isinstance(node, Scalar) and not node.quoted and _could_be_text(node.text, error):
        quoted = quote(f'"{node.text}"')
        return f"quote it if text is meant: {quoted}"
    if isinstance(node, Scalar) and node.quoted and "integer" in types and _NUMBER.fullmatch(node.text):
        return "a number has no quotes"
    if isinstance(node, Scalar) and "integer" in types and (number := meant_number(node.text)):
        return f"write {quote(number)}"
    if isinstance(node, Scalar) and types == ["array"] and node.text:
        return f"a list of one item is written {quote(f'[{node.text}]')}"
    return ""


def _places(
    schema: Schema, resolved: Callable[[Schema], Schema], key: str, path: tuple[str, ...] = ()
) -> Iterator[str]:
    """Yield the paths of the maps that have a key, as `registers.*.map`; shallow ones only."""
    if len(path) > _DEEPEST_PLACE:
        return
    schema = resolved(schema)
    properties = schema.get("properties", {})
    if path and key in properties:
        yield ".".join(path)
    for name, inner in properties.items():
        yield from _places(inner, resolved, key, (*path, name))
    for keyword, step in (("additionalProperties", "*"), ("items", "[]")):
        if isinstance(schema.get(keyword), dict):
            yield from _places(schema[keyword], resolved, key, (*path, step))


def _could_be_text(text: str, error: ValidationError) -> bool:
    """Whether a value that was read as something else would do as text."""
    wanted = error.validator_value
    pattern = _schema(error).get("pattern", "")
    is_text = wanted == "string" or "string" in _objects(wanted)
    return bool(text) and is_text and re.search(pattern, text) is not None


_LIMITS = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
    ("minProperties", "maxProperties", " keys"),
)


def _limits(schema: Schema) -> str:
    """Return the limits of a schema: " from 1 to 64", " of at least 2 items"."""
    limits = "".join(_range(schema.get(least), schema.get(most), unit) for least, most, unit in _LIMITS)
    return limits + (f" that matches {quote(schema['pattern'])}" if "pattern" in schema else "")


def _range(least: int | None, most: int | None, unit: str) -> str:
    if least is not None and most is not None:
        return f" from {least} to {most}{unit}"
    if least is not None:
        return f" of at least {least}{unit}"
    return f" of at most {most}{unit}" if most is not None else ""


def _branches(context: Iterable[ValidationError]) -> Iterator[list[ValidationError]]:
    """Group the errors of anyOf or oneOf by the alternative that they belong to."""
    groups: dict[object, list[ValidationError]] = {}
    for error in context:
        groups.setdefault(error.relative_schema_path[0], []).append(error)
    yield from groups.values()


def _is_about_kind(error: ValidationError) -> bool:
    """Whether an alternative fails since the value is of the wrong kind altogether."""
    return error.validator == "type" and not error.relative_path
