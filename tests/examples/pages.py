"""Pages whose code is executed: a fenced block below a line with nothing but a file's name is that file."""

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent.parent / "docs"
FILE = re.compile(r"^`(?P<name>[\w./-]+)`\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def files_of(page: str) -> dict[str, str]:
    """The files on a page, by name."""
    return {found["name"]: found["text"] for found in FILE.finditer((DOCS / page).read_text())}


def write_out(page: str, folder: Path) -> dict[str, str]:
    """Write the files of a page into a folder."""
    files = files_of(page)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return files
