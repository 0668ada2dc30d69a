"""The shape of a request body: its fields, their types, and the words in which the API complains about them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, ValidationError

from rehearsal.blocks import CacheControl, Marked, MessageShape, Shape, TextBlock, as_blocks, misshapen


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


class CompactionConfig(Shape):
    """The wish for a summary of everything that was said, in place of a reply."""

    type: Literal["summarize"]
    instructions: str | None = Field(default=None, max_length=16_384)


class Prompt(Shape):
    """What both the messages and the counting endpoint take."""

    model: str = Field(min_length=1, max_length=256)
    messages: list[MessageShape]
    system: Annotated[list[TextBlock], BeforeValidator(as_blocks)] = Field(default_factory=list)
    tools: list[ToolShape] = Field(default_factory=list)
    tool_choice: ToolChoice | None = None
    thinking: ThinkingConfig | None = None
    output_config: OutputConfig = OutputConfig()
    cache_control: CacheControl | None = None
    speed: Literal["standard", "fast"] | None = None
    compaction: CompactionConfig | None = None
    context_management: Any = None


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
    thread: Any = None


B = TypeVar("B", bound=Prompt)


def read_body(raw: object) -> Body:
    """Check the shape of a messages body; a list of messages is left to whoever reads it message by message.

    Raises:
        ApiError: 400, naming the first wrong field by its path.
    """
    return _read(Body, raw)


def read_prompt(raw: object) -> Prompt:
    """Check the shape of a counting body, like `read_body`."""
    return _read(Prompt, raw)


def _read(shape: type[B], raw: object) -> B:
    listed = isinstance(raw, Mapping) and isinstance(raw.get("messages"), list)
    try:
        return shape.model_validate({**raw, "messages": []} if listed and isinstance(raw, Mapping) else raw)
    except ValidationError as error:
        raise misshapen(error) from None
