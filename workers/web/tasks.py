"""What a person asks for on a page and takes a while: done apart, told on a page of its own.

    DIALER_DATA_DIR/tasks/
        lock           held by the web process that does one of this account
        ID/state.json  where it stands, for whichever web process is asked
        ID/out/        the files it wrote

One of an account at a time. The lock goes with its process: a task that says it runs while nobody
holds the lock was broken off. No number stands in any of these, and all go after a day.
"""

import asyncio
import fcntl
import json
import os
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from campaigns.sentence import packed, told, unpacked
from dialer import clock, deeds
from dialer.access.api_keys import Scope
from dialer.audit import Audit
from dialer.deeds import Actor, Deed, Did
from dialer.embedded.supervisor import is_free, open_lock, try_lock
from dialer.logger import get_logger
from workers.web.deeds import recorded
from workers.web.problems import Problem, as_problem
from workers.web.subprocesses import Apart
from workers.web.uploads import remove_leavings, write_whole

log = get_logger(__name__)

_ID = re.compile(r"[0-9a-f]{12}")
_KEPT_S = 86_400.0
_BROKEN_OFF = told("The web process ended, and this with it. What was done stays done; ask again.")


_Work = Callable[[], Awaitable[dict[str, Any]]]


class Kind(StrEnum):
    """What can be asked for."""

    CHECK = "check"
    COMPARE = "compare"
    KEEP_RECORDINGS = "keep_recordings"
    CALL_BACK = "call_back"
    ARCHIVE = "archive"
    DELETE = "delete"
    LOOK = "look"  # what a purge would remove
    PURGE = "purge"


DEEDS: dict[Kind, Did] = {
    Kind.COMPARE: Did.BOOKS_COMPARED,
    Kind.KEEP_RECORDINGS: Did.RECORDINGS_TAKEN,
    Kind.CALL_BACK: Did.CONTACT_CALLED_BACK,
    Kind.ARCHIVE: Did.CAMPAIGN_ARCHIVED,
    Kind.DELETE: Did.CAMPAIGN_DELETED,
    Kind.PURGE: Did.DATA_PURGED,
}
"""What is recorded of it; the others change nothing."""

SCOPES: dict[Kind, Scope] = {
    Kind.COMPARE: Scope.OPERATE,
    Kind.KEEP_RECORDINGS: Scope.OPERATE,
    Kind.CALL_BACK: Scope.OPERATE,
}
"""Who may ask for it and see it; the others are for administrators."""


class TaskState(StrEnum):
    """Where a task stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Task:
    """Something that is done, or was.

    Args:
        of: What it is about, for people; numbers are masked.
        campaign: Its id, where it is about one.
        by: Who asked for it.
        at: When, epoch s.
        answer: What came of it, as the work gave it.
        error: Why it failed; '' otherwise.
    """

    id: str
    kind: Kind
    of: str
    campaign: str
    by: str
    at: float
    state: TaskState = TaskState.RUNNING
    answer: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    @property
    def scope(self) -> Scope:
        """What takes to see it."""
        return SCOPES.get(self.kind, Scope.ADMIN)


class Tasks:
    """Does one account's."""

    def __init__(self, folder: Path, *, apart: Apart, audit: Audit) -> None:
        self._folder = folder
        self._apart = apart
        self._audit = audit
        self._shares: dict[str, float] = {}
        self._running: set[asyncio.Task[None]] = set()

    def begin(
        self,
        kind: Kind,
        work: Callable[..., dict[str, Any]],
        asked: Mapping[str, Any],
        *,
        of: str,
        by: Actor,
        campaign: str = "",
    ) -> Task:
        """Have work done; it is handed a `tell`, a folder for files, and what is asked.

        Raises:
            Problem: Another one runs.
        """
        self.tidy()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = open_lock(self._folder / "lock")
        if not try_lock(lock, fcntl.LOCK_EX):
            os.close(lock)
            raise Problem(
                409, "in_progress", told("Something else is being done; wait until it is.")
            )
        task = Task(secrets.token_hex(6), kind, of, campaign, by.name, clock.now().timestamp())
        try:
            self.files_dir(task).mkdir(parents=True, mode=0o700)
            self._keep(task)
        except BaseException:
            os.close(lock)
            raise
        running = asyncio.create_task(
            self._do(task, lock, by, partial(self._work, task, work, asked)), name=f"task {task.id}"
        )
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return task

    def find(self, id_: str) -> Task | None:
        """Read a task; None when there is none, or no longer."""
        if not _ID.fullmatch(id_):
            return None
        try:
            kept = json.loads(self._file(id_).read_text(encoding="utf-8"), object_hook=unpacked)
        except (FileNotFoundError, NotADirectoryError):
            return None
        task = Task(**{**kept, "kind": Kind(kept["kind"]), "state": TaskState(kept["state"])})
        if (
            task.state is TaskState.RUNNING
            and id_ not in self._shares
            and is_free(self._folder / "lock")
        ):
            return replace(task, state=TaskState.FAILED, error=_BROKEN_OFF)
        return task

    def all(self, *kinds: Kind, campaign: str = "") -> list[Task]:
        """Give the tasks of some kinds, the newest first."""
        ids = [one.name for one in self._folder.glob("*/")] if self._folder.is_dir() else []
        found = [task for id_ in ids if (task := self.find(id_))]
        fitting = [one for one in found if one.kind in kinds and one.campaign == campaign]
        return sorted(fitting, key=lambda one: -one.at)

    def share_done(self, task: Task) -> float:
        """Tell how much is done: 0 … 1."""
        return self._shares.get(task.id, 0.0)

    def files_dir(self, task: Task) -> Path:
        """Name the folder of what a task wrote."""
        return self._folder / task.id / "out"

    def tidy(self) -> None:
        """Remove what is older than a day."""
        remove_leavings(self._folder, older_than_s=_KEPT_S, now_s=clock.now().timestamp())

    async def _do(self, task: Task, lock: int, by: Actor, work: _Work) -> None:
        self._shares[task.id] = 0.0
        try:
            done = await self._done(task, by, work)
            with suppress(FileNotFoundError):  # it was removed meanwhile
                self._keep(done)
        finally:
            self._shares.pop(task.id, None)
            os.close(lock)

    async def _work(
        self, task: Task, work: Callable[..., dict[str, Any]], asked: Mapping[str, Any]
    ) -> dict[str, Any]:
        def tell(share: float) -> None:
            self._shares[task.id] = share

        return await self._apart.run(work, tell, self.files_dir(task), **asked)

    async def _done(self, task: Task, by: Actor, work: _Work) -> Task:
        try:
            if task.kind not in DEEDS:
                answer = await work()
            else:
                async with recorded(self._audit, Deed(DEEDS[task.kind], by, on=task.of)):
                    answer = await work()
                    deeds.tell(after=answer.get("counts", {}))
        except Exception as error:
            problem = as_problem(error)
            if problem.status >= 500:
                log.exception("task_failed", task_id=task.id, kind=task.kind)
            return replace(task, state=TaskState.FAILED, error=str(problem))
        return replace(task, state=TaskState.DONE, answer=answer)

    def _keep(self, task: Task) -> None:
        write_whole(self._file(task.id), json.dumps(packed(asdict(task))))

    def _file(self, id_: str) -> Path:
        return self._folder / id_ / "state.json"
