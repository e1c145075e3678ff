"""A kept recording as an answer: whole, or the part that a player asks for."""

import re

from starlette.responses import Response, StreamingResponse

from campaigns.sentence import told
from dialer.recordings.finding import kept_of
from dialer.store import Campaign
from workers.web.problems import Problem, not_found
from workers.wiring import Wiring

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def recording_answer(
    wiring: Wiring, campaign: Campaign, n: int, no: int, asked: str | None
) -> Response:
    """Answer with an attempt's recording.

    Args:
        asked: The request's `Range`.

    Raises:
        Problem: There is none, or not so much of it.
        GoneRecording, PlaceAway: It cannot be read.
    """
    place = wiring.recordings_place
    kept = kept_of(wiring.db, place, campaign, n, [no]).get(no)
    if kept is None or not kept.name or place is None:
        raise not_found(told("No recording of this attempt is kept."))
    part = part_of(asked, kept.length)
    if part is None:
        headers = {"Content-Range": f"bytes */{kept.length}"}
        raise Problem(416, "no_such_part", told("The recording is not so long."), headers=headers)
    first, last = part
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(last - first + 1),
        "Content-Disposition": f'inline; filename="{kept.name.rpartition("/")[2]}"',
    }
    is_part = last - first + 1 < kept.length or bool(asked)
    if is_part:
        headers["Content-Range"] = f"bytes {first}-{last}/{kept.length}"
    pieces = place.read(kept.name, first=first, length=last - first + 1)
    return StreamingResponse(
        pieces, 206 if is_part else 200, headers=headers, media_type=kept.media_type
    )


def part_of(asked: str | None, length: int) -> tuple[int, int] | None:
    """Give the first and last byte that are asked for; None: there are no such. Several parts are the whole."""
    match = _RANGE.fullmatch((asked or "").replace(" ", ""))
    if not match or match.groups() == ("", ""):
        return 0, length - 1
    begins, ends = match.groups()
    if not begins:
        first, last = max(0, length - int(ends)), length - 1
    else:
        first, last = int(begins), min(length - 1, int(ends) if ends else length - 1)
    return (first, last) if first <= last < length else None


def is_a_listen(asked: str | None) -> bool:
    """Tell whether a request begins to listen; a player asks for the other parts by themselves."""
    match = _RANGE.fullmatch((asked or "").replace(" ", ""))
    return not match or match[1] in {"", "0"}
