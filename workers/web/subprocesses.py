"""Heavy work in a process of its own, so that neither its memory, nor its time, nor its crash
reaches the receiver of callbacks.

Children are forked from a server process that has imported the work beforehand, which takes some
20 ms instead of the second that the imports take.
"""

import asyncio
import multiprocessing
import os
import pickle
import signal
import tempfile
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from dialer import logs
from dialer.parent_watch import end_with_parent
from dialer.settings import Settings

_AT_ONCE = 2
_NICE = 10
_LONGEST_TEMP_DIR_BYTES = 107 - len("/pymp-12345678/listener-12345678")

Tell = Callable[[float], None]
"""Tell how much is done: 0 … 1."""

P = ParamSpec("P")
Result = TypeVar("Result")


class WorkDied(Exception):
    """The process ended without an answer; it was killed, or ran out of memory."""


def _shorten_temp_dir() -> None:
    """Keep temporary files in /tmp where the folder of the user's choice is too deep.

    multiprocessing puts a socket there, and Unix cuts a socket's path off at 108 bytes.
    """
    if len(os.fsencode(tempfile.gettempdir())) > _LONGEST_TEMP_DIR_BYTES:
        tempfile.tempdir = "/tmp"  # noqa: S108 - its folders below are this user's own


class Apart:
    """Runs a few pieces of work at once; more wait for their turn.

    Args:
        settings: The work logs as they say.
    """

    def __init__(self, settings: Settings) -> None:
        _shorten_temp_dir()
        self._settings = settings
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(
            ["__main__", "workers.web.jobs", "workers.web.book_jobs"]
        )
        self._turn = asyncio.Semaphore(_AT_ONCE)

    def warm_up(self) -> None:
        """Have the imports done before the first work comes; they go on while this returns."""
        forkserver.ensure_running()

    async def run(
        self,
        work: Callable[Concatenate[Tell, P], Result],
        on_progress: Tell,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Result:
        """Run a module's function in a child, with a `tell` of its own in front.

        Raises:
            WorkDied: The child did not answer.
            Exception: What the work raised.
        """
        async with self._turn:
            answer = await asyncio.to_thread(self._run, work, on_progress, args, kwargs)
        return cast("Result", answer)

    def _run(
        self, work: Callable[..., Any], on_progress: Tell, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        ours, theirs = self._context.Pipe(duplex=False)
        child = self._context.Process(
            target=_work,
            args=(theirs, self._settings, work, args, kwargs),
            daemon=True,
            name=work.__name__,
        )
        child.start()
        theirs.close()
        try:
            while True:
                kind, value = ours.recv()
                if kind == "progress":
                    on_progress(value)
                elif kind == "done":
                    return value
                else:
                    raise value
        except EOFError:
            child.join()
            raise WorkDied(f"{work.__name__} ended with code {child.exitcode}") from None
        finally:
            ours.close()
            child.join()
            child.close()


def _work(
    connection: Connection,
    settings: Settings,
    work: Callable[..., Any],
    args: Any,
    kwargs: dict[str, Any],
) -> None:
    # forked from a server that never set its logging up: without this nothing would be masked
    logs.set_up(log_format=settings.dialer_log_format, level=settings.dialer_log_level, role="web")
    end_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    os.nice(_NICE)

    def tell(share_done: float) -> None:
        connection.send(("progress", share_done))

    try:
        answer = ("done", work(tell, *args, **kwargs))
    except Exception as error:  # noqa: BLE001 - raised again where the answer is awaited
        answer = ("failed", _travelling(error))
    connection.send(answer)


def _travelling(error: Exception) -> Exception:
    """Give an error that survives the way to another process: itself, or what it is a kind of."""
    for kind in type(error).__mro__:
        as_kind = error if kind is type(error) else _made(kind, str(error))
        if as_kind is not None and _survives(as_kind):
            return as_kind
    return RuntimeError(f"{type(error).__name__}: {error}")


def _made(kind: type, message: str) -> Exception | None:
    if not issubclass(kind, Exception) or kind is Exception:
        return None
    try:
        return kind(message)
    except TypeError:  # it wants more than a message
        return None


def _survives(error: Exception) -> bool:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:  # noqa: BLE001 - whatever it holds, it cannot travel
        return False
    return True
