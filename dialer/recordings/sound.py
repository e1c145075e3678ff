"""What a file holds, by its first bytes: a name and a header say what somebody hoped for."""

from typing import NamedTuple

LOOKED_AT = 12


class Sound(NamedTuple):
    """A kind of sound; `ending` is its files'."""

    ending: str
    media_type: str


_MP3 = Sound("mp3", "audio/mpeg")
_KNOWN = (
    (0, b"ID3", _MP3),
    (8, b"WAVE", Sound("wav", "audio/wav")),
    (0, b"OggS", Sound("ogg", "audio/ogg")),
    (0, b"fLaC", Sound("flac", "audio/flac")),
    (4, b"ftyp", Sound("m4a", "audio/mp4")),
)


def media_type_of(name: str) -> str:
    """Give the type of a file that was named after what it holds."""
    _, _, ending = name.rpartition(".")
    types = {sound.ending: sound.media_type for _, _, sound in _KNOWN}
    return types.get(ending, "application/octet-stream")


def sound_of(begins: bytes) -> Sound | None:
    """Tell what a file holds; None: no sound that we know, such as nothing, or a page of HTML."""
    for at, mark, sound in _KNOWN:
        if begins[at : at + len(mark)] == mark:
            return sound
    is_frame = len(begins) > 1 and begins[0] == 0xFF and begins[1] & 0xE6 == 0xE2  # MPEG, layer 3
    return _MP3 if is_frame else None
