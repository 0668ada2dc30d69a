"""The shape of a request body: its fields, their types, and the words in which the API complains about them."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from rehearsal.errors import ApiError


class Shape(BaseModel):
    """A JSON object without unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _as_blocks(value: Any) -> Any:  # noqa: ANN401 - whatever the JSON held
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
    content: Annotated[list[Shown], BeforeValidator(_as_blocks)] = Field(default_factory=list)
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


Block = Annotated[
    TextBlock
    | ImageBlock
    | ToolUseBlock
    | ToolResultBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ServerToolUseBlock,
    Field(discriminator="type"),
]


class MessageShape(Shape):
    """One message."""

    role: Literal["user", "assistant", "system"]
    content: Annotated[list[Block], BeforeValidator(_as_blocks)]


class ToolShape(Marked):
    """A tool that the caller runs."""

    type: Literal["custom"] | None = None
    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,128}$")
    description: str = ""
    input_schema: dict[str, Any]
    strict: bool = False
    defer_loading: bool = False
    input_examples: list[dict[str, Any]] | None = None
    allowed_callers: list[str] | None = None


class ToolChoice(Shape):
    """Whether and which tool is to be used."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool = False


class BlockBinding(Shape):
    """What happens to thinking blocks of another conversation."""

    prefix_mismatch_behavior: Literal["error", "drop_block"] | None = None


class ThinkingConfig(Shape):
    """Whether and how the model thinks."""

    type: Literal["adaptive", "enabled", "disabled", "between_tools"]
    budget_tokens: int | None = Field(default=None, ge=1024)
    display: Literal["summarized", "omitted"] | None = None
    block_binding: BlockBinding | None = None


class OutputFormat(Shape):
    """The schema that the answer obeys."""

    type: Literal["json_schema"]
    schema_: dict[str, Any] = Field(alias="schema")


class OutputConfig(Shape):
    """How much effort, and which format."""

    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: OutputFormat | None = None


class Prompt(Shape):
    """What both the messages and the counting endpoint take."""

    model: str = Field(min_length=1, max_length=256)
    messages: list[MessageShape] = Field(max_length=100_000)
    system: Annotated[list[TextBlock], BeforeValidator(_as_blocks)] = Field(default_factory=list)
    tools: list[ToolShape] = Field(default_factory=list)
    tool_choice: ToolChoice | None = None
    thinking: ThinkingConfig | None = None
    output_config: OutputConfig = OutputConfig()
    cache_control: CacheControl | None = None
    speed: Literal["standard", "fast"] | None = None


class Body(Prompt):
    """What the messages endpoint takes."""

    max_tokens: int = Field(ge=0)
    stream: bool = False
    stop_sequences: list[str] = Field(default_factory=list)
    metadata: dict[str, str | None] | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    inference_geo: str | None = None
    container: Any = None
    diagnostics: dict[str, Any] | None = None
    user_profile_id: str | None = None
    workspace_id: str | None = None


B = TypeVar("B", bound=Prompt)


def read_body(raw: object) -> Body:
    """Check the shape of a messages body.

    Raises:
        ApiError: 400, naming the first wrong field by its path.
    """
    return _read(Body, raw)


def read_prompt(raw: object) -> Prompt:
    """Check the shape of a counting body, like `read_body`."""
    return _read(Prompt, raw)


def _read(shape: type[B], raw: object) -> B:
    try:
        return shape.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(step) for step in first["loc"])
        raise ApiError(f"{path}: {first['msg']}" if path else first["msg"]) from None
