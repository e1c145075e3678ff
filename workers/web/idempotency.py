"""An upload sent twice under one Idempotency-Key is done once, and answered the same twice."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from dialer.store.replies import KeptReply
from workers.web.access import Visitor
from workers.web.problems import Problem
from workers.web.services import Services
from workers.web.uploads import Upload

Answer = tuple[int, dict[str, Any]]


async def once(
    services: Services,
    visitor: Visitor,
    idempotency_key: str | None,
    *,
    upload: Upload,
    path: str,
    do: Callable[[], Awaitable[Answer]],
) -> Answer:
    """Do it, unless this visitor had it done under this key; without a key, do it.

    Raises:
        Problem: The key stands for another request, or for one that is still running.
    """
    if idempotency_key is None:
        return await do()
    name = hashlib.sha256(f"{visitor.id}|{idempotency_key}".encode()).hexdigest()[:32]
    reply = KeptReply(services.wiring.redis_async, services.wiring.db, name)
    print_ = await asyncio.to_thread(_fingerprint, upload, path)
    if not await reply.begin({"of": print_}):
        return _answer_of(await reply.read(), print_)
    try:
        status, document = await do()
    except BaseException:
        await reply.forget()  # it was not done: the next try is a first one
        raise
    await reply.keep({"of": print_, "status": status, "document": document})
    return status, document


def _answer_of(stored: dict[str, Any], print_: str) -> Answer:
    if stored.get("of") not in {None, print_}:
        raise Problem(
            422, "idempotency_key_reused", "This Idempotency-Key stands for another request."
        )
    if "status" not in stored:
        raise Problem(
            409,
            "in_progress",
            "The first request under this Idempotency-Key is still running.",
            headers={"Retry-After": "5"},
        )
    return stored["status"], stored["document"]


def _fingerprint(upload: Upload, path: str) -> str:
    digest = hashlib.sha256(json.dumps([path, sorted(upload.fields.items())]).encode())
    with Path(upload.path).open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
