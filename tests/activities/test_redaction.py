"""What a log must not hold is taken out, whole, and what is left stays readable."""

import math
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from activities.redaction import MOST, Redactor, plain
from activities.settings import Settings

KEY, TOKEN, MAIL = "sk-ant-api03-Zk9_x-41", "Bearer eyJhbGciOi.J9-x_y", "ines.carvalho+shoots@example.co.uk"


@pytest.mark.parametrize("secret", [KEY, TOKEN, TOKEN.replace("Bearer", "bearer"), MAIL])
def test_a_secret_is_taken_out_of_any_text_and_the_rest_stays(secret):
    assert Redactor()(f'{{"said":"before {secret}", "x": 1}}') == '{"said":"before [REDACTED]", "x": 1}'


def test_the_user_and_password_of_an_address_are_taken_out():
    assert Redactor()("at postgresql://ann:hush@db/x") == "at postgresql://[REDACTED]@db/x"


def test_a_value_is_secret_by_the_exact_name_of_its_key():
    given = {"token": 7, "API_KEY": "k", "usage": {"input_tokens": 12}, "tokenizer": "t", "nested": [{"cookie": "c"}]}
    assert Redactor()(given) == {
        "token": "[REDACTED]",
        "API_KEY": "[REDACTED]",
        "usage": {"input_tokens": 12},
        "tokenizer": "t",
        "nested": [{"cookie": "[REDACTED]"}],
    }


def test_a_secret_by_name_is_found_in_json_inside_a_text_too():
    assert Redactor()('{"password": "a\\"b", "input_tokens": 5}') == '{"password": "[REDACTED]", "input_tokens": 5}'


def test_a_secret_in_the_place_of_a_name_is_taken_out():
    assert Redactor()({MAIL: 1}) == {"[REDACTED]": 1}


def test_patterns_of_ones_own_are_taken_out_too():
    assert Redactor(["case-[0-9]{2,3}"])("of case-123 and case-4") == "of [REDACTED] and case-4"


@pytest.mark.parametrize("start", range(MOST - 60, MOST + 5, 3))
@pytest.mark.parametrize("end", [False, True])
def test_no_cut_leaves_half_of_a_secret(start, end):
    text = "x " * (start // 2) + f" {KEY} {MAIL} " + "y " * MOST
    cut = Redactor().text(text[::-1].replace(KEY[::-1], KEY).replace(MAIL[::-1], MAIL) if end else text, end=end)
    assert len(cut) <= MOST
    assert not any(part in cut for part in ("sk-ant", "ines", "example"))


def test_no_half_of_a_secret_slips_in_from_where_looking_stopped():
    text = (MAIL + " ") * 3_000
    assert all("[REDACTED]".startswith(word) for word in Redactor()(text).partition("…")[0].split())


def test_a_text_that_is_cut_says_so_and_how_long_it_was():
    cut = Redactor()("word " * 1_000)
    assert len(cut) <= MOST
    assert cut.endswith("… (5000 characters)")


def test_what_json_has_no_word_for_is_written_as_something_it_has():
    class Odd:
        def __str__(self):
            return f"of {MAIL}"

    moment = datetime(2026, 11, 22, tzinfo=UTC)
    assert Redactor()([math.nan, math.inf, moment, Odd(), True, None, 3]) == [
        *(None, None, "2026-11-22T00:00:00+00:00", "of [REDACTED]", True, None, 3)
    ]


def test_nesting_and_length_have_a_bottom():
    deep = {}
    for _ in range(100):
        deep = {"in": [deep]}
    assert str(Redactor()(deep)).count("in") < 20
    assert Redactor()(list(range(10_000)))[-1] == "… 9800 more"
    assert Redactor()({str(each): each for each in range(10_000)})["…"] == "9800 more"


@pytest.mark.parametrize("said", ["a", "a.", "a@", '"token": "', "Bearer ", "sk-ant-", "://a:", "a@a."])
def test_no_text_can_be_made_for_which_a_pattern_takes_hours(said):
    assert len(Redactor()(said * (1_000_000 // len(said)))) <= MOST


def test_without_content_only_numbers_and_harmless_names_are_left():
    usage = {"input": 3}
    given = {"model": "m", "text": "said", "tool_input": {}, "note": "n", "latency_ms": 1.5, "token_usage": usage}
    assert plain(given) == {"model": "m", "latency_ms": 1.5, "token_usage": usage}


@pytest.mark.parametrize(
    ("given", "read"), [("a+,b{2,3} , ,c[0-9]{2,}", ("a+", "b{2,3}", "c[0-9]{2,}")), ("", ()), ("x", ("x",))]
)
def test_patterns_are_a_list_with_commas_that_repetitions_may_have_too(monkeypatch, given, read):
    monkeypatch.setenv("CALLSHEET_LOG_REDACT", given)
    assert Settings().log_redact == read


@pytest.mark.parametrize("wrong", ["a,(b", "a,b*", "[z"])
def test_a_pattern_that_is_none_or_fits_everywhere_is_refused(monkeypatch, wrong):
    monkeypatch.setenv("CALLSHEET_LOG_REDACT", wrong)
    with pytest.raises(ValidationError, match="pattern"):
        Settings()


def test_the_level_may_be_written_as_elsewhere(monkeypatch):
    monkeypatch.setenv("CALLSHEET_LOG_LEVEL", "WARNING")
    assert Settings().log_level == "warning"
