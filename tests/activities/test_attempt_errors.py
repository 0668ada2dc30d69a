"""What failed is sorted into few kinds, and whatever an endpoint invents is one of them."""

import pytest

from activities.attempt_errors import ERROR_KINDS, kind_of
from activities.ledger_rows import REPEATED, SILENT


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("", ""),
        ("model API error 429 rate_limit_error", "rate_limit"),
        ("model API error 529 overloaded_error", "overloaded"),
        ("model API error 200 overloaded_error", "overloaded"),
        ("model API error 500 api_error", "server"),
        ("model API error 503 http_503", "server"),
        ("model API error 200 api_error", "server"),
        ("model API timeout", "timeout"),
        ("model API error 408 timeout_error", "timeout"),
        ("model API connection failed", "connection"),
        ("the stream was garbled: ValueError", "stream"),
        ("the stream ended early", "stream"),
        ("model API error 400 invalid_request_error", "rejected"),
        ("model API error 401 authentication_error", "rejected"),
        ("cancelled", "cancelled"),
        ("cancelled before it was sent", "cancelled"),
        (SILENT, "lapsed"),
        (REPEATED, "lapsed"),
        ("the batch says expired", "timeout"),
        ("the batch says canceled", "cancelled"),
        ("the batch says errored overloaded_error", "overloaded"),
        ("unexpected KeyError", "other"),
        ("somebody@example.com says hello", "other"),
    ],
)
def test_an_error_has_a_kind(error, kind):
    assert kind_of(error) == kind
    assert not kind or kind in ERROR_KINDS
