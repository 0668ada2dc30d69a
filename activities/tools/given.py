"""Arguments that are described by a JSON schema of somebody else's, and checked against it."""

from typing import Any, ClassVar

from jsonschema import Draft202012Validator, SchemaError
from jsonschema.exceptions import ValidationError as Misfit
from pydantic import ConfigDict, RootModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError
from referencing import Registry

from activities.tools.answers import encode
from activities.tools.definition import BadTool

MOST_BYTES = 32 * 1024
"""Bytes of one schema: it is part of every prompt."""
MOST_PROBLEMS = 12


class Given(RootModel[dict[str, Any]]):
    """A JSON object that fits the schema of its class, under the names that the model wrote."""

    model_config = ConfigDict(frozen=True)
    schema_of_others: ClassVar[dict[str, Any]] = {"type": "object"}
    validator: ClassVar[Draft202012Validator] = Draft202012Validator({"type": "object"})

    @classmethod
    def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:  # noqa: ANN401 - the parameters of the base
        """Give the schema as it came."""
        return cls.schema_of_others

    @classmethod
    def model_validate(cls, obj: Any, *_: Any, **__: Any) -> "Given":  # noqa: ANN401 - the parameters of the base
        """Check an object against the schema.

        Raises:
            ValidationError: every misfit with its path.
        """
        misfits = [misfit for _, misfit in zip(range(MOST_PROBLEMS), cls.validator.iter_errors(obj), strict=False)]
        if misfits:
            raise ValidationError.from_exception_data(cls.__name__, [_problem(misfit) for misfit in misfits])
        return cls.model_construct(root=obj)

    @classmethod
    def properties(cls) -> tuple[str, ...]:
        """Name the arguments."""
        return tuple(cls.schema_of_others.get("properties", {}))


def given(name: str, schema: dict[str, Any]) -> type[Given]:
    """Make the class of arguments for a schema.

    Raises:
        BadTool: it is no schema of an object, is too large, or refers to what lies elsewhere.
    """
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        problem = f"{name}: its schema is no JSON schema: {error.message[:200]}"
        raise BadTool(problem, "mend the tool at its server, or leave it out") from None
    if schema.get("type") != "object":
        raise BadTool(f"{name}: its schema is not of an object", 'the server must give it "type": "object" at the root')
    text = encode(schema)
    if len(text.encode()) > MOST_BYTES:
        problem = f"{name}: its schema has {len(text.encode()):,} bytes, more than {MOST_BYTES:,}"
        raise BadTool(problem, "leave the tool out: every call of the model would pay for it")
    if any(not ref.startswith("#") for ref in _refs(schema)):
        raise BadTool(f"{name}: its schema refers to another document", "the server must put it in place")
    # An empty registry: a reference is never fetched from anywhere.
    validator = Draft202012Validator(schema, registry=Registry())
    return type(f"{name}_arguments", (Given,), {"schema_of_others": schema, "validator": validator})


def _problem(misfit: Misfit) -> InitErrorDetails:
    words = PydanticCustomError("schema", "{problem}", {"problem": misfit.message[:200]})
    return InitErrorDetails(type=words, loc=tuple(misfit.absolute_path), input=None)


def _refs(node: Any) -> list[str]:  # noqa: ANN401 - any JSON
    if isinstance(node, list):
        return [ref for each in node for ref in _refs(each)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [ref for each in node.values() for ref in _refs(each)]
