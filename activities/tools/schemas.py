"""Schemas of arguments: as the API takes them, as a short line for a hint, and the problems found against them."""

import json
from typing import Any

from pydantic import BaseModel, ValidationError

_MOST_PROBLEMS = 12


def input_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Give the JSON schema of a model with its `$defs` put in place; a recursive one keeps them."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    inlined: dict[str, Any] = _inline(schema, definitions, ())
    if "#/$defs/" in json.dumps(inlined):
        return schema
    return inlined


def brief_schema(schema: dict[str, Any]) -> str:
    """Write an object schema as one short line: names, types, bounds and defaults."""
    required = set(schema.get("required", ()))
    parts = []
    for name, field in schema.get("properties", {}).items():
        parts.append(f"{name}{'' if name in required else '?'}: {_kind(field)}")
    return "{" + ", ".join(parts) + "}"


def problems(error: ValidationError) -> str:
    """Join every problem, each with its path."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"{_path(each['loc'])}: {each['msg']}" for each in found[:_MOST_PROBLEMS]]
    if len(found) > _MOST_PROBLEMS:
        lines.append(f"and {len(found) - _MOST_PROBLEMS} more")
    return "; ".join(lines)


def _path(where: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{str(part)[:60]}" for part in where)
    return text.lstrip(".") or "arguments"


def _inline(node: Any, definitions: dict[str, Any], inside: tuple[str, ...]) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(node, list):
        return [_inline(each, definitions, inside) for each in node]
    if not isinstance(node, dict):
        return node
    name = str(node.get("$ref", "")).removeprefix("#/$defs/")
    if name in definitions and name not in inside:
        rest = {key: each for key, each in node.items() if key != "$ref"}
        whole = {**definitions[name], **rest}
        return _inline(whole, definitions, (*inside, name))
    # Titles repeat the names; a property that is called "title" is no text and stays.
    kept = {
        key: each for key, each in node.items() if key != "$defs" and not (key == "title" and isinstance(each, str))
    }
    return {key: _inline(each, definitions, inside) for key, each in kept.items()}


def _kind(field: dict[str, Any]) -> str:
    if "enum" in field:
        return "|".join(json.dumps(each) for each in field["enum"])
    if "const" in field:
        return json.dumps(field["const"])
    if "anyOf" in field:
        return " or ".join(_kind(each) for each in field["anyOf"])
    if field.get("properties"):
        return brief_schema(field)
    if field.get("type") == "array":
        return f"[{_kind(field.get('items', {}))}]"
    return f"{field.get('type', 'any')}{_bounds(field)}"


def _bounds(field: dict[str, Any]) -> str:
    low = field.get("minimum", field.get("minLength"))
    high = field.get("maximum", field.get("maxLength"))
    bounds = f" {'' if low is None else low}..{'' if high is None else high}" if (low, high) != (None, None) else ""
    return bounds + (f" = {json.dumps(field['default'])}" if field.get("default") is not None else "")
