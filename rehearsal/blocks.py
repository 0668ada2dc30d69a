"""The shape of what is said: the blocks of a message, and the words in which the API complains about them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from rehearsal.errors import ApiError


class Shape(BaseModel):
    """A JSON object without unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def as_blocks(value: Any) -> Any:  # noqa: ANN401 - whatever the JSON held
    """Write a plain string as the text block that it stands for."""
    return [{"type": "text", "text": value}] if isinstance(value, str) else value


class CacheControl(Shape):
    """A cache breakpoint."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] = "5m"


class Marked(Shape):
    """Something that may carry a cache breakpoint."""

    cache_control: CacheControl | None = None


class TextBlock(Marked):
    """Words."""

    type: Literal["text"]
    text: str
    citations: Any = None


class Base64Source(Shape):
    """An image in the request itself."""

    type: Literal["base64"]
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
    data: str


class UrlSource(Shape):
    """An image elsewhere, which a rehearsal never fetches."""

    type: Literal["url"]
    url: str


class FileSource(Shape):
    """An uploaded image, which a rehearsal does not keep."""

    type: Literal["file"]
    file_id: str


class Transformations(Shape):
    """What happens to an image that is too large."""

    oversized_image: Literal["downsize", "error"] = "downsize"


class ImageBlock(Marked):
    """A picture."""

    type: Literal["image"]
    source: Annotated[Base64Source | UrlSource | FileSource, Field(discriminator="type")]
    transformations: Transformations | None = None


class ToolUseBlock(Marked):
    """A call that the model made."""

    type: Literal["tool_use"]
    id: str = Field(pattern=r"^[a-zA-Z0-9_-]+$")
    name: str = Field(min_length=1, max_length=200)
    input: dict[str, Any]
    caller: Any = None
    toolset_name: str | None = None


Shown = Annotated[TextBlock | ImageBlock, Field(discriminator="type")]


class ToolResultBlock(Marked):
    """The answer to a call."""

    type: Literal["tool_result"]
    tool_use_id: str = Field(pattern=r"^[a-zA-Z0-9_-]+$")
    content: Annotated[list[Shown], BeforeValidator(as_blocks)] = Field(default_factory=list)
    is_error: bool = False
    toolset_name: str | None = None


class ThinkingBlock(Shape):
    """Thoughts, signed by the API."""

    type: Literal["thinking"]
    thinking: str
    signature: str


class RedactedThinkingBlock(Shape):
    """Thoughts that nobody may read."""

    type: Literal["redacted_thinking"]
    data: str


class ServerToolUseBlock(Marked):
    """A call of a tool that the provider runs."""

    type: Literal["server_tool_use"]
    id: str
    name: str
    input: dict[str, Any]
    caller: Any = None


class CompactionBlock(Marked):
    """A summary in place of the messages it covers; without content it tells that a summary failed."""

    type: Literal["compaction"]
    content: str | None = None
    signature: str | None = None
    encrypted_content: str | None = None
    tool_changes: list[Any] | None = None


Block = Annotated[
    TextBlock
    | ImageBlock
    | ToolUseBlock
    | ToolResultBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ServerToolUseBlock
    | CompactionBlock,
    Field(discriminator="type"),
]


class MessageShape(Shape):
    """One message."""

    role: Literal["user", "assistant", "system"]
    content: Annotated[list[Block], BeforeValidator(as_blocks)]


def read_message(raw: object, at: int) -> MessageShape:
    """Check the shape of one message.

    Raises:
        ApiError: 400, naming the first wrong field by its path.
    """
    try:
        return MessageShape.model_validate(raw)
    except ValidationError as error:
        raise misshapen(error, ("messages", at)) from None


def misshapen(error: ValidationError, under: tuple[str | int, ...] = ()) -> ApiError:
    """Tell about the first wrong field."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(step) for step in (*under, *first["loc"]))
    return ApiError(f"{path}: {first['msg']}" if path else first["msg"])
