"""The runbook is written by executing it; here only its form is tested, since that takes ten minutes."""

import re
import tempfile
from pathlib import Path

from tests.runbook.house import clean
from tests.runbook.page import PAGE, Command, commands, pieces, rewritten

SAMPLE = """## First

<!-- do: prepare it -->

```console
$ say hello
hello
$ say \\
>   nothing
```

## Second

```python
not_ours()
```
"""


def test_a_page_is_taken_apart_into_hidden_and_shown_commands_by_section():
    hidden, shown = pieces(SAMPLE)
    assert (hidden.section, hidden.hidden) == ("First", "prepare it")
    assert shown.commands == (Command("say hello", "hello"), Command("say \\\n  nothing"))


def test_new_output_takes_the_place_of_the_old_and_nothing_else_changes():
    [_, shown] = pieces(SAMPLE)
    again = rewritten(SAMPLE, {shown.span: (Command("say hello", "hello\nagain"), shown.commands[1])})
    assert again == SAMPLE.replace("hello\n$", "hello\nagain\n$")


def test_writing_what_was_read_changes_nothing():
    page = PAGE.read_text()
    assert rewritten(page, {each.span: each.commands for each in pieces(page) if each.commands}) == page


def test_every_step_was_executed():
    silent = re.compile(r"^(export|worker|cp|createdb|pg_dump|pg_restore|psql -qc|kill|sqlite3 small)|worker v2$")
    shown = [each for piece in pieces(PAGE.read_text()) for each in piece.commands]
    assert shown
    assert [each.text for each in shown if not each.printed and not silent.search(each.text)] == []


def test_the_page_says_nothing_of_the_machine_that_it_was_written_on():
    page = PAGE.read_text()
    places = (tempfile.gettempdir(), str(Path.home()), str(PAGE.parent.parent), "/home", "/tmp")
    named = "|".join(rf"{re.escape(place)}/\S+" for place in places)
    assert re.findall(rf"{named}|\b[\w.-]+@(?!HOST)[\w.-]+|\x1b", page) == []
    assert clean("\x1b[1m71@host-1 in /somewhere/callsheet", PAGE.parent) == "USER@HOST in /somewhere/callsheet"


def test_output_that_looks_like_a_prompt_of_more_belongs_to_the_command():
    [only] = commands("$ first\n> second\nprinted\n> quoted\n")
    assert (only.text, only.printed) == ("first\nsecond", "printed\n> quoted")
