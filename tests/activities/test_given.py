"""Schemas of others: what is no schema of an object, too large or lies elsewhere is refused; all else is checked."""

import pytest
from pydantic import ValidationError

from activities.tools.definition import BadTool
from activities.tools.given import given
from activities.tools.schemas import problems

SEAT = {
    "type": "object",
    "properties": {"rows": {"type": "array", "items": {"$ref": "#/$defs/row"}}, "schema": {"type": "string"}},
    "required": ["rows"],
    "additionalProperties": False,
    "$defs": {"row": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}},
}


def test_every_misfit_is_told_with_its_path():
    with pytest.raises(ValidationError) as found:
        given("seat", SEAT).model_validate({"rows": [{"n": 1}, {"n": 0}], "colour": "red", "schema": 3})
    assert sorted(problems(found.value).split("; ")) == [
        "arguments: Additional properties are not allowed ('colour' was unexpected)",
        "rows[1].n: 0 is less than the minimum of 1",
        "schema: 3 is not of type 'string'",
    ]


def test_names_that_python_reserves_are_arguments_like_all_others():
    fits = given("seat", SEAT).model_validate({"rows": [], "schema": "json"})
    assert fits.model_dump() == {"rows": [], "schema": "json"}


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"type": 3}, "is no JSON schema"),
        ({"type": "array"}, "is not of an object"),
        ({}, "is not of an object"),
        ({"type": "object", "description": "x" * 40_000}, "bytes, more than"),
        ({"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:1/schema"}}}, "refers to another document"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_with_what_to_do(schema, problem):
    with pytest.raises(BadTool) as refused:
        given("seat", schema)
    assert problem in str(refused.value)
    assert "  fix: " in str(refused.value)
