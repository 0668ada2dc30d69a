"""`python -m activities.documents`: read one document from standard input, within hard limits, and write its text."""

import json
import resource
import sys
from dataclasses import asdict, replace

from activities.documents.docx import read_docx
from activities.documents.extracts import (
    MOST_BYTES,
    MOST_CHARACTERS,
    MOST_HIDDEN,
    TYPES,
    Extract,
    Unreadable,
    kind_of,
    too_large,
)
from activities.documents.pdf import read_pdf
from activities.documents.plain import read_text
from activities.documents.signs import plain, seen

MEMORY = 1_000_000_000
SECONDS = 20


def read(data: bytes) -> Extract:
    """Read a document of any kind.

    Raises:
        Unreadable: it cannot be read.
    """
    if (problem := too_large(len(data))) is not None:
        raise Unreadable(problem)
    readers = {"pdf": read_pdf, "docx": read_docx, "text": read_text}
    reader = readers.get(kind_of(data))
    if reader is None:
        raise Unreadable(f"the file is of no kind that is read; hand in {TYPES}")
    return _clean(reader(data))


def _clean(found: Extract) -> Extract:
    if len(found.text) > MOST_CHARACTERS:
        raise Unreadable(f"the document has {len(found.text):,} characters; at most {MOST_CHARACTERS:,} are read")
    # Page by page, so that the offsets of pages stay right when something is taken out.
    ends = [*found.pages[1:], len(found.text)]
    text, pages, unseen = "", [], list(found.hidden)
    for start, end in zip(found.pages, ends, strict=True):
        page, spelt = seen(plain(found.text[start:end]))
        unseen += [each for each in spelt if each not in unseen]
        pages.append(len(text))
        text += page
    hidden = tuple(plain(each)[:MOST_HIDDEN] for each in unseen)
    return replace(found, text=text, pages=tuple(pages), hidden=hidden)


def main() -> None:
    """Read standard input, write JSON. Whatever the file does to the parser, it does it to this process alone."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        told = asdict(read(sys.stdin.buffer.read(MOST_BYTES + 1)))
    except Unreadable as reason:
        told = {"unreadable": str(reason)}
    except (MemoryError, RecursionError):
        told = {"unreadable": "reading the document would take more memory than any document needs"}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
