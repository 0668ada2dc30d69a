"""The signature of a summary: what the summary stands for, so that what is kept after it stays what it was.

A seal carries the digests that the summarized messages ended with. Thinking that was kept from right after them is
checked against these, and so stays valid. It carries the first task as well, because the rule-based players, unlike a
model, read their task in its own form and not in a summary.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rehearsal.errors import ApiError
from rehearsal.signatures import Lineage, packed, unpacked


@dataclass(frozen=True)
class Seal:
    """What a summary covers.

    `opening` is the digest of tools and system, `ends` are the digests at the end of the messages (none where the
    model binds no thinking), `role` spoke last, `task` is the first user message and `turns` counts the replies.
    """

    opening: str
    ends: Lineage
    role: str
    task: str
    turns: int


def seal_summary(seal: Seal, content: str) -> str:
    """Sign a summary."""
    task = base64.b64encode(zlib.compress(seal.task.encode("utf-8", "surrogatepass"))).decode()
    told = {**asdict(seal), "ends": list(seal.ends), "task": task}
    return packed({**told, "content": _digest(content), "seal": _digest(told)})


def open_seal(path: str, block: Mapping[str, Any]) -> Seal:
    """Check a replayed summary against its signature.

    Raises:
        ApiError: 400, the signature is none of ours, or the content is not the one that it was made for.
    """
    try:
        told = dict(unpacked(block.get("signature") or ""))
        content, seal = told.pop("content"), told.pop("seal")
        genuine = seal == _digest(told)
        task = zlib.decompress(base64.b64decode(told["task"])).decode("utf-8", "surrogatepass") if genuine else ""
    except (ValueError, KeyError, TypeError, zlib.error):
        genuine, task, told, content = False, "", {}, ""
    if not genuine:
        raise refused(path, "compaction_signature_invalid", "the `signature` of the `compaction` block does not verify")
    if content != _digest(block["content"]):
        why = "the `content` of the `compaction` block differs from what its `signature` recorded"
        raise refused(path, "compaction_content_mismatch", why)
    return Seal(**{**told, "ends": tuple(told["ends"]), "task": task})


def refused(path: str, code: str, message: str) -> ApiError:
    """Make the refusal of a compaction block or of a request for one."""
    return ApiError(f"{path}: {message}", details={"error_code": code})


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
