"""Plain text."""

from activities.documents.extracts import Extract, Unreadable


def read_text(data: bytes) -> Extract:
    """Read UTF-8, or UTF-16 with its mark.

    Raises:
        Unreadable: the bytes are no such text, or there is none.
    """
    coding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(coding)
    except UnicodeDecodeError:
        raise Unreadable("the file is neither UTF-8 text, nor PDF, nor DOCX") from None
    if not text.strip():
        raise Unreadable("the file is empty")
    return Extract("text", text)
