"""Expectations: what must hold of an outcome, by paths such as `counts.published` or `items.*.score`."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

Plain = str | int | float | bool


class Expected(BaseModel):
    """What must hold of every value at a path; all that is said must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    equals: Plain | None = None
    one_of: tuple[Plain, ...] | None = Field(default=None, min_length=1)
    at_least: float | None = None
    at_most: float | None = None
    contains: str | None = Field(default=None, min_length=1)
    count: int | None = Field(default=None, ge=0, description="how many values there are at the path")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"equals": value} if isinstance(value, str | int | float | bool) else value

    @model_validator(mode="after")
    def _says_something(self) -> "Expected":
        if not self.model_fields_set:
            raise ValueError(f"say one of {', '.join(type(self).model_fields)}, or give a plain value")
        return self

    def misses(self, path: str, outcome: Any) -> Iterator[str]:  # noqa: ANN401 - any outcome
        """Say where an outcome misses it."""
        found = list(values(outcome, path))
        if self.count is not None and len(found) != self.count:
            yield f"{path}: there are {len(found)}, not {self.count}"
        if not found and self.count is None:
            yield f"{path}: there is nothing"
        for value in found:
            yield from (f"{path}: {value!r} is not {what}" for what in self._misfits(value))

    def _misfits(self, value: Any) -> Iterator[str]:  # noqa: ANN401 - any value
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        if self.equals is not None and value != self.equals:
            yield repr(self.equals)
        if self.one_of is not None and value not in self.one_of:
            yield f"one of {', '.join(map(repr, self.one_of))}"
        if self.at_least is not None and (number is None or number < self.at_least):
            yield f"at least {self.at_least:g}"
        if self.at_most is not None and (number is None or number > self.at_most):
            yield f"at most {self.at_most:g}"
        if self.contains is not None and self.contains not in str(value):
            yield f"something with {self.contains!r} in it"


def values(outcome: Any, path: str) -> Iterator[Any]:  # noqa: ANN401 - any outcome
    """Give the values at a path; `*` stands for every element, a number for one of them."""
    first, _, rest = path.partition(".")
    for value in _step(outcome, first):
        if rest:
            yield from values(value, rest)
        elif value is not None:
            yield value


def _step(node: Any, name: str) -> Iterator[Any]:  # noqa: ANN401 - as above
    if name == "*":
        yield from node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    elif isinstance(node, Mapping) and name in node:
        yield node[name]
    elif isinstance(node, list) and name.isdigit() and int(name) < len(node):
        yield node[int(name)]
