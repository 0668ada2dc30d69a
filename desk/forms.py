"""Forms as browsers send them: bounded, of one kind, with every field once unless a list is meant."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from desk.refusals import malformed

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 300


class Form:
    """The fields of a form."""

    def __init__(self, fields: Mapping[str, tuple[str, ...]]) -> None:
        """Keep the values of each field."""
        self._fields = fields

    def one(self, name: str, most: int = 200) -> str:
        """Read a field that is there once; empty when it is not there.

        Raises:
            Refused: it is there twice, is too long, or holds control characters.
        """
        values = self._fields.get(name, ("",))
        if len(values) > 1:
            raise malformed(f"The field {name} is there {len(values)} times.")
        text = values[0].replace("\r\n", "\n").strip()
        if len(text) > most:
            raise malformed(f"The field {name} has {len(text):,} characters; {most:,} fit.")
        if any(ord(letter) < 32 and letter not in "\n\t" for letter in text):  # noqa: PLR2004 - ASCII's controls
            raise malformed(f"The field {name} holds characters that cannot be typed.")
        return text

    def every(self, name: str) -> tuple[str, ...]:
        """Read a field that may be there several times."""
        return self._fields.get(name, ())


async def read_form(request: Request) -> Form:
    """Read the body of a request.

    Raises:
        Refused: it is no form.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise malformed("The desk takes forms only.")
    try:
        text = (await request.body()).decode()
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=MOST_FIELDS)
    except ValueError:
        raise malformed("The form is damaged, or has too many fields.") from None
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        fields[name] = (*fields.get(name, ()), value)
    return Form(fields)
