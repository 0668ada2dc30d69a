"""Sorts what the ledger keeps of failed attempts into a few kinds, fit for a label or for `error.type`."""

import re

from activities.ledger_rows import REPEATED, SILENT

_KINDS = (
    ("lapsed", re.escape(SILENT) + "|" + re.escape(REPEATED)),
    ("cancelled", r"\bcancell?ed\b"),
    ("rate_limit", r"rate_limit|\b429\b"),
    ("overloaded", r"overloaded|\b529\b"),
    ("timeout", r"time_?out|\b408\b|\bexpired\b"),
    ("connection", r"connection failed"),
    ("stream", r"the stream (?:was garbled|ended early)"),
    ("server", r"model API error (?:5\d\d|2\d\d)|api_error"),
    ("rejected", r"model API error 4\d\d|invalid_request|authentication|permission|not_found|too_large"),
)

OTHER = "other"
ERROR_KINDS = (*(kind for kind, _ in _KINDS), OTHER)
"""What an error is called: a closed set."""


def kind_of(error: str) -> str:
    """Sort the error of an attempt; empty when there is none."""
    if not error:
        return ""
    return next((kind for kind, pattern in _KINDS if re.search(pattern, error)), OTHER)
