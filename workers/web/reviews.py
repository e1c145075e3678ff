"""Uploaded lists that wait for a person: judged first, looked at, then loaded or discarded.

A review is a folder, so that it outlives the process; work that broke off with it is begun again
when somebody looks, which judging and loading both allow.

    REVIEWS/ID/list           the file
               review.json    what is asked, how far it is, what came out
               rejected.csv   the rows that would not be taken
"""

import asyncio
import dataclasses
import json
import re
import secrets
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from campaigns.campaign_rules import CampaignRules
from campaigns.sentence import packed, told, unpacked
from dialer.deeds import Actor, Deed, Did, tell
from dialer.logger import get_logger
from workers.web import jobs
from workers.web.deeds import recorded
from workers.web.lists import ListOrder, default_name, list_order, load_options, reading_choice
from workers.web.problems import Problem, as_problem
from workers.web.subprocesses import Apart, Tell
from workers.web.uploads import Upload, write_whole
from workers.wiring import Wiring

log = get_logger(__name__)

MOST_REVIEWS = 100
_ID = re.compile(r"[0-9a-f]{16}")


class ReviewState(StrEnum):
    """How far a review is."""

    CHECKING = "checking"
    CHECKED = "checked"
    REFUSED = "refused"  # the file, or a field, cannot be used as it is
    LOADING = "loading"
    LOADED = "loaded"


@dataclass(frozen=True, slots=True)
class Review:
    """A list and what is known of it.

    Args:
        fields: Of the form, each with all its values.
        append_to: The campaign to append to; '' for a new one.
        of_agents: It is a list of agents, and makes no campaign.
        asked_by: Who asked for it to be loaded.
        may_start: Whoever had it loaded may start calls.
        document: What became, or would become, of its rows.
        problem: Why it cannot be used, with a code; None when it can.
    """

    id: str
    file_name: str
    fields: dict[str, list[str]]
    stage: ReviewState = ReviewState.CHECKING
    append_to: str = ""
    of_agents: bool = False
    asked_by: dict[str, str] = field(default_factory=dict)
    may_start: bool = False
    document: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None

    @property
    def is_working(self) -> bool:
        """Something is being done with it."""
        return self.stage in {ReviewState.CHECKING, ReviewState.LOADING}


@dataclass(slots=True)
class _Work:
    task: "asyncio.Task[None]"
    share_done: float = 0.0


@dataclass(slots=True)
class Reviews:
    """Keeps reviews, and does what they ask for."""

    folder: Path
    wiring: Wiring
    apart: Apart
    _works: dict[str, _Work] = field(default_factory=dict)

    def open(
        self,
        upload: Upload,
        fields: dict[str, list[str]],
        *,
        append_to: str = "",
        of_agents: bool = False,
    ) -> Review:
        """Keep an upload and begin to judge it.

        Raises:
            Problem: Too many wait for a decision.
        """
        waiting = self.folder
        if waiting.is_dir() and sum(1 for _ in waiting.iterdir()) >= MOST_REVIEWS:
            raise Problem(
                429,
                "too_many_uploads",
                told(
                    "{most} uploads wait for a decision; load or discard some first.",
                    most=MOST_REVIEWS,
                ),
            )
        review = Review(
            secrets.token_hex(8), upload.name, fields, append_to=append_to, of_agents=of_agents
        )
        self._folder(review.id).mkdir(mode=0o700, parents=True)
        upload.path.rename(self._list(review.id))
        return self.check(review)

    def waiting(self) -> list[Review]:
        """Give those that somebody is to decide on, the oldest first."""
        folders = sorted(self.folder.glob("*/"), key=lambda one: one.stat().st_ctime)
        found = (self._read(one.name) for one in folders)
        return [one for one in found if one and one.stage is not ReviewState.LOADED]

    def has(self, id_: str) -> bool:
        """Tell whether there is such a review."""
        return bool(_ID.fullmatch(id_)) and self._file(id_).is_file()

    def find(self, id_: str) -> Review | None:
        """Read a review, and go on with its work; None when it was discarded, or never was."""
        review = self._read(id_)
        if review and review.is_working and review.id not in self._works:
            self._begin(review)
        return review

    def _read(self, id_: str) -> Review | None:
        if not _ID.fullmatch(id_):
            return None
        try:
            stored = json.loads(self._file(id_).read_text(encoding="utf-8"), object_hook=unpacked)
        except FileNotFoundError:
            return None
        known = {
            one.name: stored[one.name] for one in dataclasses.fields(Review) if one.name in stored
        }
        return Review(**{**known, "stage": ReviewState(stored["stage"])})

    def share_done(self, review: Review) -> float:
        """Tell how much of the work under way is done: 0 … 1."""
        work = self._works.get(review.id)
        return work.share_done if work else 0.0

    def check(self, review: Review, **changed: list[str]) -> Review:
        """Judge the list, with some fields changed."""
        fields = review.fields | changed
        review = replace(
            review, fields=fields, stage=ReviewState.CHECKING, document=None, problem=None
        )
        self._keep(review)
        self._begin(review)
        return review

    def load(
        self,
        review: Review,
        confirmed: dict[str, list[str]],
        *,
        may_start: bool,
        by: Actor,
    ) -> Review:
        """Load the list.

        Args:
            confirmed: Fields of the form that a person has said yes to.
            by: Who asks for it; recorded once it is loaded, which another process may do.
        """
        review = replace(
            review,
            fields=review.fields | confirmed,
            stage=ReviewState.LOADING,
            may_start=may_start,
            asked_by=asdict(by),
            problem=None,
        )
        self._keep(review)
        self._begin(review)
        return review

    def discard(self, review: Review) -> None:
        """Forget the list."""
        shutil.rmtree(self._folder(review.id), ignore_errors=True)

    def rejected_file(self, review: Review) -> Path | None:
        """Give the rows that would not be taken; None while they are not known."""
        path = self._folder(review.id) / "rejected.csv"
        return path if review.document and path.exists() else None

    def order(self, review: Review) -> ListOrder:
        """Read what the form asks for.

        Raises:
            Problem: Naming what is wrong.
        """
        name = default_name(review.file_name)
        return list_order(self.wiring, review.fields, default_name=name)

    def _begin(self, review: Review) -> None:
        task = asyncio.get_running_loop().create_task(self._do(review), name=f"review {review.id}")
        self._works[review.id] = _Work(task)

    async def _do(self, review: Review) -> None:
        try:
            done = await (
                self._load(review) if review.stage is ReviewState.LOADING else self._check(review)
            )
        except Exception as error:
            problem = as_problem(error)
            if problem.status >= 500:
                log.exception("review_failed", review_id=review.id)
            told = {"code": problem.code, "detail": str(problem), **problem.more}
            done = replace(review, stage=ReviewState.REFUSED, problem=told)
        finally:
            self._works.pop(review.id, None)
        if self._folder(review.id).exists():  # else it was discarded meanwhile
            self._keep(done)

    async def _check(self, review: Review) -> Review:
        if review.of_agents:
            document = await self._of_agents(review, jobs.check_agents)
            return replace(review, stage=ReviewState.CHECKED, document=document)
        rules = await asyncio.to_thread(self._rules, review)
        document = await self.apart.run(
            jobs.check_list,
            self._teller(review),
            self.wiring.settings_apart,
            self._list_file(review),
            rules,
            self._folder(review.id) / "rejected.csv",
            append_to=review.append_to,
        )
        return replace(review, stage=ReviewState.CHECKED, document=document)

    async def _load(self, review: Review) -> Review:
        what = Did.LIST_APPENDED if review.append_to else Did.LIST_LOADED
        what = Did.AGENTS_LOADED if review.of_agents else what
        deed = Deed(what, Actor.of(review.asked_by), on=f"import {review.id}")
        async with recorded(self.wiring.audit, deed):
            return await self._do_load(review)

    async def _of_agents(
        self, review: Review, job: Callable[..., dict[str, Any]]
    ) -> dict[str, Any]:
        return await self.apart.run(
            job,
            self._teller(review),
            self.wiring.settings_apart,
            self._list(review.id),
            reading=reading_choice(review.fields),
        )

    async def _do_load(self, review: Review) -> Review:
        if review.of_agents:
            document = await self._of_agents(review, jobs.load_agents)
            told = {name: document[name] for name in ("rows", "new", "changed", "rejected_count")}
            tell(on="agents", after=told)
            return replace(review, stage=ReviewState.LOADED, document=document)
        settings, teller = self.wiring.settings_apart, self._teller(review)
        file = self._list_file(review)
        if review.append_to:
            loaded = await self.apart.run(
                jobs.append_list,
                teller,
                settings,
                file,
                review.append_to,
                may_start=review.may_start,
            )
        else:
            order = await asyncio.to_thread(self.order, review)
            loaded = await self.apart.run(
                jobs.load_list,
                teller,
                settings,
                file,
                order.rules,
                order.name,
                may_start=review.may_start,
            )
        jobs.tell_loaded(loaded)
        return replace(review, stage=ReviewState.LOADED, document=loaded)

    def _rules(self, review: Review) -> CampaignRules:
        if review.append_to:
            return self.wiring.campaigns.find(review.append_to).rules
        return self.order(review).rules

    def _list_file(self, review: Review) -> jobs.ListFile:
        return jobs.ListFile(self._list(review.id), load_options(review.fields))

    def _teller(self, review: Review) -> Tell:
        def tell(share_done: float) -> None:
            if work := self._works.get(review.id):
                work.share_done = share_done

        return tell

    def _keep(self, review: Review) -> None:
        write_whole(self._file(review.id), json.dumps(packed(asdict(review))))

    def _folder(self, id_: str) -> Path:
        return self.folder / id_

    def _file(self, id_: str) -> Path:
        return self._folder(id_) / "review.json"

    def _list(self, id_: str) -> Path:
        return self._folder(id_) / "list"
