"""An upload sent twice under one Idempotency-Key is done once, and answered the same twice."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from workers.web.access import Visitor
from workers.web.problems import Problem
from workers.web.services import Services
from workers.web.uploads import Upload

_KEPT_S = 86_400
_RUNNING_S = 3_600  # a process that died leaves its mark no longer than this

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
    client = services.wiring.redis_async
    name = hashlib.sha256(f"{visitor.id}|{idempotency_key}".encode()).hexdigest()[:32]
    key = services.wiring.db.key("idempotency", name)
    print_ = await asyncio.to_thread(_fingerprint, upload, path)
    if not await client.set(key, json.dumps({"of": print_}), nx=True, ex=_RUNNING_S):
        return _answer_of(json.loads(await client.get(key) or "{}"), print_)
    try:
        status, document = await do()
    except BaseException:
        await client.delete(key)  # it was not done: the next try is a first one
        raise
    stored = {"of": print_, "status": status, "document": document}
    await client.set(key, json.dumps(stored), ex=_KEPT_S)
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
