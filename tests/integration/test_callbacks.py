"""The receiver takes what is genuine, as it came, within milliseconds; it decides nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import redis.asyncio
from fastapi import FastAPI

from dialer.callback_paths import CallbackPaths
from dialer.store import CallbackInbox, Database
from workers.web.callbacks import MAX_BODY_BYTES, Reception, callback_route

ATTEMPT = "7f3kq2xa-42-2-k3x9p0k3x9"
PATHS = CallbackPaths("", ["s" * 32])
GENUINE = PATHS.url(ATTEMPT)
JSON = {"content-type": "application/json"}


@dataclass
class Receiver:
    """The route alone, over ASGI, on the test's Redis or on none."""

    db: Database
    connection: dict[str, Any]
    body_deadline_s: float = 10.0

    def post(self, path: str, *, content: Any = b"{}", headers: Any = None) -> httpx.Response:
        return asyncio.run(self._post(path, content, headers or JSON))

    def facts(self) -> list[tuple[str, str, bytes]]:
        """What is stored: attempt, type, body."""
        stored = self.db.client.xrange(self.db.key("callbacks"))
        return [
            (fields[b"attempt"].decode(), fields[b"type"].decode(), fields[b"body"])
            for _, fields in stored
        ]

    async def _post(self, path: str, content: Any, headers: Any) -> httpx.Response:
        client = redis.asyncio.Redis(**self.connection)
        app = FastAPI()
        app.router.routes.append(
            callback_route(
                [Reception(PATHS, CallbackInbox(self.db), client)],
                body_deadline_s=self.body_deadline_s,
            )
        )
        transport = httpx.ASGITransport(app)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://web") as http:
                return await http.post(path, content=content, headers=headers)
        finally:
            await client.aclose()


@pytest.fixture
def receiver(db, redis_server):
    return Receiver(db, redis_server.connection_kwargs)


################################################################ genuine


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"CallSid":"a","Status":"completed"}'),
        ("application/x-www-form-urlencoded", b"CallSid=a&Status=completed"),
        ("multipart/form-data; boundary=x", b"--x\r\nnot closed"),
        ("", b""),
        ("text/plain", bytes(range(256))),
        ("application/json", b"[" * 10_000),
    ],
)
def test_a_genuine_callback_is_stored_as_it_came(receiver, content_type, body):
    answer = receiver.post(GENUINE, content=body, headers={"content-type": content_type})

    assert answer.status_code == 200
    assert receiver.facts() == [(ATTEMPT, content_type, body)]


def test_the_same_callback_again_is_stored_again(receiver):
    """Whether it is a repetition is not the receiver's question."""
    assert [receiver.post(GENUINE).status_code for _ in range(3)] == [200] * 3
    assert len(receiver.facts()) == 3


################################################################ not genuine


def test_whatever_is_wrong_with_a_path_the_answer_is_the_same(receiver):
    key_id, _, mac = GENUINE.rsplit("/", 3)[1:]
    other = "7f3kq2xa-42-3-k3x9p0k3x9"
    wrong = [
        f"/callbacks/exotel/{key_id}/{ATTEMPT}/{mac[:-1]}",
        f"/callbacks/exotel/{key_id}/{ATTEMPT}/{'A' * len(mac)}",
        f"/callbacks/exotel/{key_id}/{other}/{mac}",
        f"/callbacks/exotel/00000000/{ATTEMPT}/{mac}",
        f"/callbacks/exotel/{key_id}/{ATTEMPT}%0A/{mac}",
        f"/callbacks/exotel/{key_id}/%F0%9F%98%80/{mac}",
    ]

    answers = [receiver.post(path) for path in wrong]

    assert {one.status_code for one in answers} == {404}
    assert len({(one.content, str(one.headers)) for one in answers}) == 1
    assert receiver.facts() == []


def test_a_forged_callback_is_turned_away_before_its_body_is_read(receiver):
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536

    answer = receiver.post(GENUINE[:-1] + "_", content=endless())

    assert answer.status_code == 404


################################################################ bounds


def test_a_body_of_the_largest_size_is_taken(receiver):
    assert receiver.post(GENUINE, content=b"x" * MAX_BODY_BYTES).status_code == 200


def test_a_larger_body_is_refused_by_its_declared_size(receiver):
    answer = receiver.post(GENUINE, content=b"x" * (MAX_BODY_BYTES + 1))

    assert answer.status_code == 413
    assert receiver.facts() == []


def test_a_larger_body_is_refused_even_if_it_does_not_say_so(receiver):
    async def undeclared() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 1024 + 1):
            yield b"x" * 1024

    answer = receiver.post(GENUINE, content=undeclared())

    assert answer.status_code == 413
    assert receiver.facts() == []


def test_a_body_that_takes_too_long_is_refused(receiver):
    receiver.body_deadline_s = 0.05

    async def never_ending() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    answer = receiver.post(GENUINE, content=never_ending())

    assert answer.status_code == 408
    assert receiver.facts() == []


################################################################ without Redis


def test_without_redis_the_provider_is_asked_to_come_again(receiver, tmp_path):
    receiver.connection = {"unix_socket_path": str(tmp_path / "nobody")}

    answer = receiver.post(GENUINE)

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


def test_a_redis_that_refuses_writes_is_as_good_as_none(receiver, db):
    db.client.set(db.key("callbacks"), "of another type")

    assert receiver.post(GENUINE).status_code == 503
