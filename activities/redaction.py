"""Redaction: what a log must not hold is taken out of it, and what is too long is cut where everybody sees it."""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

REDACTED = "[REDACTED]"
MOST = 2_000
"""Characters of one text."""

SECRET_KEYS = frozenset(
    {"authorization", "api_key", "x-api-key", "password", "secret", "token", "cookie", "set-cookie", "email"}
)
"""Names whose values are never shown. Exact ones: `input_tokens` is no token."""

PLAIN = frozenset(
    """
    kind model stop choice by owner refusal error of before after digest summary_digest strategy
    tool_name call_id request_id question run run_id item pipeline conversation workflow workflow_id workflow_type
    activity_id activity_type task_queue namespace batch key account traceback
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
"""Names whose texts hold nothing of what models, tools or people say: names, ids, digests, and errors of our own."""

_QUOTED = r'"(?:[^"\\]|\\.){0,4000}"'
_SECRETS: tuple[tuple[str, str], ...] = (
    (r"sk-ant-[\w-]{6,}", REDACTED),
    (r"(?i:bearer)\s+[\w.~+/=-]+", REDACTED),
    (r"(://)[^\s/@:]{0,64}:[^\s/@]{1,256}@", rf"\1{REDACTED}@"),  # the user and password of an address
    (r"[\w.+-]{1,64}@[\w-]{1,63}\.[\w.]+", REDACTED),
    (rf'(?i)("(?:{"|".join(sorted(SECRET_KEYS))})"\s*:\s*){_QUOTED}', rf'\1"{REDACTED}"'),  # JSON inside a text
)
_LOOKED_AT = 16
"""How many times as long as it may be a text is looked at; the rest is not even read."""

_ALL = 100_000
"""Characters of all texts of one value that are looked at."""

_SEAM = 512
"""Characters at the end of what was looked at that may be half a secret."""

_DEEPEST = 12
_FEWEST = 10


def plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of `data` what models, tools or people say: all but numbers and what is known to be harmless."""
    return {
        str(name): value
        for name, value in data.items()
        if name in PLAIN or value is None or isinstance(value, int | float) or name == "token_usage"
    }


class Redactor:
    """Makes values fit for a log: as JSON has them, without secrets, of bounded size."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        """Take out what `patterns` match besides keys, tokens, passwords and e-mail addresses."""
        own = ((pattern, REDACTED) for pattern in patterns)
        self._secrets = tuple((re.compile(pattern), instead) for pattern, instead in (*_SECRETS, *own))

    def __call__(self, value: object, most: int = MOST) -> Any:  # noqa: ANN401 - whatever JSON has
        """Redact a value; no text in it is longer than `most`, and no list much longer than a tenth of that."""
        return _Pass(self, most).value(value)

    def text(self, text: str, most: int = MOST, *, end: bool = False) -> str:
        """Redact a text, then cut it, so that no half of a secret is left; with `end` its end is kept."""
        seen = _part(text, _LOOKED_AT * most, end=end)
        for secret, instead in self._secrets:
            seen = secret.sub(instead, seen)
        if len(text) > _LOOKED_AT * most:
            seen = _part(seen, max(len(seen) - _SEAM, 0), end=end)
        elif len(seen) <= most:
            return seen
        shown = _part(seen, most - 40, end=end)
        note = f"({len(text)} characters)"
        return f"{note} …{shown}" if end else f"{shown}… {note}"


class _Pass:
    """Goes through one value, until it has seen enough of it."""

    def __init__(self, redactor: Redactor, most: int) -> None:
        self._text = redactor.text
        self._most = most
        self._limit = max(most // 10, _FEWEST)
        self._left = _ALL

    def value(self, value: object, depth: int = 0) -> Any:  # noqa: ANN401 - whatever JSON has
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return self._many(value, depth + 1)
        return self._said(value if isinstance(value, str) else str(value))

    def _said(self, text: str, *, end: bool = False) -> str:
        if self._left <= 0:
            return "…"
        self._left -= min(len(text), _LOOKED_AT * self._most)
        return self._text(text, self._most, end=end)

    def _many(self, values: Mapping[Any, Any] | Collection[Any], depth: int) -> Any:  # noqa: ANN401 - as above
        if depth > _DEEPEST or self._left <= 0:
            return "…"
        self._left -= len(values)
        more = len(values) - self._limit
        some = islice(values.items() if isinstance(values, Mapping) else values, self._limit)
        if isinstance(values, Mapping):
            found = {self._text(str(name), 100): self._named(str(name), value, depth) for name, value in some}
            return found | ({"…": f"{more} more"} if more > 0 else {})
        return [self.value(value, depth) for value in some] + ([f"… {more} more"] if more > 0 else [])

    def _named(self, name: str, value: object, depth: int) -> Any:  # noqa: ANN401 - as above
        if name.lower() in SECRET_KEYS:
            return REDACTED
        if name == "traceback" and isinstance(value, str):
            return self._said(value, end=True)
        return self.value(value, depth)


def _part(text: str, length: int, *, end: bool) -> str:
    if not end:
        return text[:length]
    return text[-length:] if length else ""
