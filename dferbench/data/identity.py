"""Whether a video is still the one it was: told from its files' names, sizes and times, unread."""

from __future__ import annotations

from pathlib import Path

from dferbench.data.decoders import pack
from dferbench.data.packs.source import fingerprint
from dferbench.errors import VideoError


def identity(path: str) -> str:
    """The video's place and the fingerprint of its files, or of what was packed; "" if it is not there."""
    try:
        files = pack.fingerprint(path) if pack.is_packed(path) else fingerprint(path)
    except VideoError:
        return ""
    return f"{Path(path).absolute()}\n{files}" if files else ""
