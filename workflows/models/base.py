"""What every value that crosses the wire has in common."""

from pydantic import BaseModel, ConfigDict

PREVIEW = 300
"""Characters that a preview may have in workflow history."""


class Value(BaseModel):
    """A frozen value. Unknown fields are ignored, so that an older reader survives a newer writer."""

    model_config = ConfigDict(frozen=True)


def preview(text: str, limit: int = PREVIEW) -> str:
    """Cut `text` to `limit` characters, on one line, so that history stays small."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
