"""The page of the settings names every variable there is."""

import re
from pathlib import Path

from activities.settings import Settings

PAGE = Path(__file__).parent.parent.parent / "docs" / "operations.md"


def test_every_setting_has_its_row():
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `CALLSHEET_")]
    named = {name for row in rows for name in re.findall(r"`(CALLSHEET_[A-Z_]+)`", row.split("|")[1])}
    assert named == {f"CALLSHEET_{name.upper()}" for name in Settings.model_fields}
