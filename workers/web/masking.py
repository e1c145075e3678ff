"""Who may read masked sees no full number, whatever a page or an answer would have told.

Cells and recordings are left out where they are read. Numbers are masked here, on the way out, in
every text an app of ours answers: a route that is added later need not think of it.
"""

import json
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from campaigns.numbers.mask import Mask, NumberMask
from campaigns.sentence import told
from workers.web.access import Visitor

NUMBERS = NumberMask(Mask.MASKED)
WHOLE_NUMBER_NEEDED = told(
    "Your key shows numbers masked: write the whole number you have, or a name. By some digits of it "
    "the others could be found out."
)
_DATA = "data: "


class Masking:
    """Masks numbers in what visitors get who may read masked alone; stands behind the entrance."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visitor: Visitor | None = scope.get("state", {}).get("visitor")
        is_masked = scope["type"] == "http" and visitor is not None and visitor.is_masked
        await self._app(scope, receive, _Masked(send).send if is_masked else send)


class _Masked:
    """One answer: events are masked as they come, other texts once they are whole."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message = {}
        self._kind = ""
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            self._kind = Headers(raw=message["headers"]).get("content-type", "").partition(";")[0]
            if self._kind == "text/event-stream" or not _is_text(self._kind):
                await self._send(message)
        elif not _is_text(self._kind):
            await self._send(message)
        elif self._kind == "text/event-stream":
            await self._send({**message, "body": _masked_events(message.get("body", b""))})
        else:
            await self._gather(message)

    async def _gather(self, message: Message) -> None:
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        body = masked_body(self._body, self._kind)
        MutableHeaders(raw=self._start["headers"])["content-length"] = str(len(body))
        await self._send(self._start)
        await self._send({**message, "body": body})


def _is_text(kind: str) -> bool:
    return kind.startswith("text/") or kind.endswith("json")


def masked_body(body: bytes, kind: str) -> bytes:
    """Mask a whole text."""
    text = body.decode("utf-8", "replace")
    if kind.endswith("json") and text:
        return json.dumps(_masked(json.loads(text)), ensure_ascii=False).encode()
    if kind in {"text/css", "text/javascript"}:
        return body
    return NUMBERS.text(text).encode()


def _masked_events(body: bytes) -> bytes:
    """Mask events that are sent; each is written in one piece."""
    lines = body.decode("utf-8", "replace").split("\n")
    return "\n".join(
        f"{_DATA}{json.dumps(_masked(json.loads(line.removeprefix(_DATA))), ensure_ascii=False)}"
        if line.startswith(_DATA)
        else NUMBERS.text(line)
        for line in lines
    ).encode()


def _masked(value: Any) -> Any:
    """Mask every text in a document; names of members are ours, or a column's."""
    match value:
        case str():
            return NUMBERS.text(value)
        case list():
            return [_masked(one) for one in value]
        case dict():
            return {NUMBERS.text(name): _masked(one) for name, one in value.items()}
        case _:
            return value
