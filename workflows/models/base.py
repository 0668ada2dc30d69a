"""What every value that crosses the wire has in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

PREVIEW = 300
"""Characters that a preview may have in workflow history."""


class Value(BaseModel):
    """A frozen value. Unknown fields are ignored, so that an older reader survives a newer writer."""

    model_config = ConfigDict(frozen=True)


class Small(Value):
    """A value that enters history with every turn: what is at its default is not written.

    So a default is part of the wire: a changed one would make an old history read differently.
    """

    @model_serializer(mode="wrap")
    def _without_defaults(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        return {name: each for name, each in write(self).items() if getattr(self, name) != fields[name].default}


def preview(text: str, limit: int = PREVIEW) -> str:
    """Cut `text` to `limit` characters, on one line, so that history stays small."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
