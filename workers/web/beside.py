"""What takes the processor for a while is done beside the event loop: callbacks go on meanwhile."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

Made = TypeVar("Made")

# Several threads at it would be no sooner done: the loop would stand behind each of them for Python's lock.
_ONE_AFTER_THE_OTHER = ThreadPoolExecutor(1, "beside the loop")


async def beside(makes: Callable[..., Made], /, *args: Any, **more: Any) -> Made:
    """Make something out of what is there, such as a page: it must wait for nobody, others wait for it."""
    task = partial(copy_context().run, makes, *args, **more)
    return await asyncio.get_running_loop().run_in_executor(_ONE_AFTER_THE_OTHER, task)
