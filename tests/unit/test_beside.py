"""What is made beside the event loop: pages, while callbacks go on."""

import asyncio
import threading
from contextvars import ContextVar

import pytest

from workers.web.beside import beside

ASKED_IN = ContextVar("ASKED_IN", default="")


def test_the_loop_goes_on_while_something_is_made():
    gone_on = threading.Event()

    async def ask() -> bool:
        made = asyncio.create_task(beside(gone_on.wait, timeout=240))
        await asyncio.sleep(0)
        gone_on.set()
        return await made

    assert asyncio.run(ask())


def test_one_thing_is_made_after_the_other():
    begun, may_end, made = threading.Event(), threading.Event(), list[str]()

    def make_the_first() -> None:
        begun.set()
        may_end.wait(timeout=240)
        made.append("the first")

    async def ask() -> None:
        both = asyncio.gather(beside(make_the_first), beside(made.append, "the second"))
        await asyncio.to_thread(begun.wait, 240)
        may_end.set()
        await both

    asyncio.run(ask())

    assert made == ["the first", "the second"]


def test_what_is_made_is_made_for_whoever_asks_and_says_what_went_wrong():
    async def ask(language: str) -> str:
        ASKED_IN.set(language)
        return await beside(ASKED_IN.get)

    async def fail() -> None:
        await beside(int, "x")

    async def both() -> list[str]:
        return await asyncio.gather(ask("hi"), ask("en"))

    assert asyncio.run(both()) == ["hi", "en"]
    with pytest.raises(ValueError, match="'x'"):
        asyncio.run(fail())
