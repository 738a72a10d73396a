"""Pydantic shapes as Markdown: tables of fields with types and bounds. Knows JSON Schema, and neither operations nor events."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

Schema = Mapping[str, Any]
Direction = Literal["validation", "serialization"]
Key = tuple[type[BaseModel], Direction]

REFERENCE = "#/$defs/"
WORDS = {"integer": "integer", "number": "number", "boolean": "true or false", "null": "null", "object": "object", "array": "list"}
FORMATS = {"uuid": "UUID", "date": "date (`YYYY-MM-DD`)", "date-time": "time", "binary": "bytes"}
MOST_PATTERN_CHARACTERS = 30


class Shapes:
    """The schemas of all shapes of the wire: `asked` travel to the server, `told` from it."""

    def __init__(self, *, asked: Iterable[type[BaseModel]], told: Iterable[type[BaseModel]]) -> None:
        directions: list[Key] = [*((shape, "validation") for shape in asked), *((shape, "serialization") for shape in told)]
        wanted: dict[Key, Key] = {(shape, direction): (shape, _mode(shape, direction)) for shape, direction in directions}
        references, document = models_json_schema(list(dict.fromkeys(wanted.values())))
        self._defined: Mapping[str, Schema] = document.get("$defs", {})
        self._names = {key: _name(references[used]) for key, used in wanted.items()}
        self._shared: dict[str, Direction] = {}

    def table(self, shape: type[BaseModel], direction: Direction) -> str:
        """The fields of a shape as a Markdown table, `{}` where it has none; what it refers to is remembered for `shared`."""
        return self._table(self._defined[self._names[shape, direction]], direction)

    def names(self, shape: type[BaseModel], direction: Direction) -> list[str]:
        """The names of a shape's fields on the wire."""
        return list(self._defined[self._names[shape, direction]].get("properties", {}))

    def shared(self) -> str:
        """A heading and a table for each shape that others refer to, by name; those they refer to in turn come along."""
        written: dict[str, str] = {}
        while missing := [name for name in self._shared if name not in written]:
            for name in missing:
                written[name] = self._definition(name, self._shared[name])
        return "\n\n".join(written[name] for name in sorted(written))

    def _definition(self, name: str, direction: Direction) -> str:
        schema = self._defined[name]
        said = _one_line(schema.get("description", ""))
        body = self._table(schema, direction) if "properties" in schema else _described(schema)
        return "\n\n".join(part for part in (f"#### {name}", said, body) if part)

    def _table(self, schema: Schema, direction: Direction) -> str:
        fields: Mapping[str, Schema] = schema.get("properties", {})
        if not fields:
            return "`{}`"
        typed = {name: self._type(field, direction) for name, field in fields.items()}
        if direction == "serialization":
            return "\n".join(["| field | type |", "|---|---|", *(f"| `{name}` | {kind} |" for name, kind in typed.items())])
        required = set(schema.get("required", ()))
        rows = [f"| `{name}` | {kind} | {'refused' if name in required else _absence(fields[name])} |" for name, kind in typed.items()]
        return "\n".join(["| field | type | if absent |", "|---|---|---|", *rows])

    def _type(self, field: Schema, direction: Direction) -> str:
        if "$ref" in field:
            name = _name(field)
            self._shared.setdefault(name, direction)
            return f"[{name}](#{name.lower()})"
        for several in ("anyOf", "oneOf", "allOf"):
            if several in field:
                return "; or ".join(dict.fromkeys(self._type(each, direction) for each in field[several]))
        if field.get("type") == "array":
            return f"list of {self._type(field.get('items') or {}, direction)}{_bounds(field)}"
        return _described(field)


def _described(field: Schema) -> str:
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    kind = field.get("type")
    if kind == "string":
        return FORMATS.get(field.get("format", ""), "string") + _bounds(field)
    return WORDS.get(str(kind), "any JSON value") + _bounds(field)


def _bounds(field: Schema) -> str:
    said = []
    least, most = field.get("minimum"), field.get("maximum")
    if least is not None and most is not None:
        said.append(f"{least:g} to {most:,}" if isinstance(most, int) and most > 1_000_000 else f"{least:g} to {most:g}")
    elif least is not None:
        said.append(f"at least {least:g}")
    elif most is not None:
        said.append(f"at most {most:g}")
    for fewest_key, most_key, unit in (("minLength", "maxLength", "characters"), ("minItems", "maxItems", "items")):
        fewest, largest = field.get(fewest_key), field.get(most_key)
        if largest is not None:
            said.append(f"{fewest} to {largest} {unit}" if fewest else f"at most {largest} {unit}")
        elif fewest:
            said.append(f"at least {fewest} {unit}")
    pattern = field.get("pattern", "")
    if pattern and len(pattern) <= MOST_PATTERN_CHARACTERS:
        said.append(f"`{pattern}`")
    return f", {', '.join(said)}" if said else ""


def _mode(shape: type[BaseModel], direction: Direction) -> Direction:
    """A serializer of a shape's own hides its fields from JSON Schema; they are then those that it is made of."""
    return "validation" if shape.__pydantic_decorators__.model_serializers else direction


def _name(reference: Schema) -> str:
    return str(reference["$ref"]).removeprefix(REFERENCE)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _absence(field: Schema) -> str:
    """What an absent field counts as; "" where only its description can say."""
    if "default" not in field:
        return "a default of its own"
    return "as null" if field["default"] is None else f"`{json.dumps(field['default'])}`"
