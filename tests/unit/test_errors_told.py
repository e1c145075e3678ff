"""Whatever kind of error of ours may reach a user is one clear line there, or one JSON document."""

import asyncio
import importlib
import pkgutil
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

import campaigns
import dialer
import workers
from campaigns.campaign import CampaignState
from campaigns.lists.header import ColumnsUnclear
from campaigns.lists.source import CampaignFileError
from campaigns.lists.team_cells import TeamFault
from dialer.errors import CallbackRejected, NumberRefused
from dialer.exotel.bodies import UnreadableBody
from dialer.exotel.deadline import CalledOff, SendWindowPassed
from dialer.loading.contact_blocks import Interrupted
from dialer.loading.refusing import NameTaken, StartRefused
from dialer.simulator.answers import Refusal
from dialer.simulator.parameters import InvalidParameter
from dialer.steering.changing_rules import RuleFault, RulesChanged, RulesRefused
from dialer.steering.starting import NobodyToCall, SecondPersonNeeded
from dialer.store.campaign import CampaignDamaged, SameContent, WrongState
from dialer.store.connection import IsCluster
from dialer.store.contacts import NotTakenNow
from dialer.webhooks.receivers import WebhookNotFound
from workers.cli.faults import JobFailed, WrongUse, judge
from workers.web.live import TooManyWatchers
from workers.web.problems import EXPECTED_ERRORS, Problem, answer_with_problems
from workers.web.rehearsals import AlreadyRehearsing, RehearsalNotFound
from workers.web.subprocesses import WorkDied

A_CAMPAIGN: Any = SimpleNamespace(
    id="c1", name="sale", state=CampaignState.LOADED, archived_at=None, accepted=3, rules_version=2
)
WHY = "the moon is full; wait for it to pass"

NEVER = {
    CallbackRejected: "answered with its status where callbacks come in",
    UnreadableBody: "the provider's client makes a ProviderError of it",
    SendWindowPassed: "likewise",
    CalledOff: "likewise",
    Interrupted: "a load that is interrupted says so itself",
    SameContent: "loading makes AlreadyLoaded of it",
    NotTakenNow: "adding contacts makes one of its own kinds of it",
    TeamFault: "a rejected row is made of it",
    InvalidParameter: "the simulator's own answers",
    Refusal: "likewise",
    TooManyWatchers: "the stream of events answers 429",
    RehearsalNotFound: "its routes answer 404",
    AlreadyRehearsing: "its route answers 409",
    WebhookNotFound: "its routes answer 404, its commands name it",
    IsCluster: "wiring makes SettingsError of it: no process starts",
}
"""Taken by somebody of ours, and by whom."""

AT_THE_WEB_ALONE = {Problem, StartRefused, WorkDied}
AT_THE_COMMAND_LINE_ALONE = {WrongUse, JobFailed}
STARTS = {"AlreadyRunning", "CannotRun", "EmbeddedServerError"}
"""Of a process that does not start, so no page can tell them."""

MADE = {
    Problem: lambda: Problem(409, "moon", WHY),
    WrongState: lambda: WrongState(WHY, state=CampaignState.LOADED),
    RulesChanged: lambda: RulesChanged(A_CAMPAIGN, by=WHY, changes=[]),
    RulesRefused: lambda: RulesRefused(RuleFault("caller_id", WHY)),
    NumberRefused: lambda: NumberRefused(WHY, side=None, do_not_disturb=False),
    NameTaken: lambda: NameTaken(A_CAMPAIGN),
    CampaignDamaged: lambda: CampaignDamaged("7f3kq2xa", WHY),
    NobodyToCall: lambda: NobodyToCall(A_CAMPAIGN),
    SecondPersonNeeded: lambda: SecondPersonNeeded(A_CAMPAIGN),
    StartRefused: StartRefused,
}


def kinds() -> list[type[Exception]]:
    """Every public class of error in the product."""
    for package in (campaigns, dialer, workers):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(
                ("__main__", ".actors", ".deliveries")
            ):  # they run when imported
                importlib.import_module(module.name)
    found, left = set(), [Exception]
    while left:
        below = left.pop().__subclasses__()
        left += below
        found.update(below)
    ours = ("campaigns.", "dialer.", "workers.")
    return sorted(
        (
            one
            for one in found
            if one.__module__.startswith(ours) and not one.__name__.startswith("_")
        ),
        key=lambda one: one.__name__,
    )


KINDS = [one for one in kinds() if one not in NEVER]


def made(kind: type[Exception]) -> Exception:
    return MADE[kind]() if kind in MADE else kind(WHY)


APP = FastAPI()
answer_with_problems(APP)


@APP.get("/")
def raises():
    raise APP.state.error


async def ask(error: Exception, *, taken_by_all: bool = False) -> httpx.Response:
    """Let a route raise it; what has no handler of its own is raised here too."""
    APP.state.error = error
    transport = httpx.ASGITransport(APP, raise_app_exceptions=not taken_by_all)
    async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
        return await client.get("/")


@pytest.mark.parametrize(
    "kind",
    [one for one in KINDS if one not in AT_THE_COMMAND_LINE_ALONE and one.__name__ not in STARTS],
    ids=lambda kind: kind.__name__,
)
def test_each_kind_is_a_problem_document_at_the_web(kind):
    error = made(kind)

    with capture_logs():
        answer = asyncio.run(ask(error))

    assert isinstance(error, EXPECTED_ERRORS)
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["code"] != "internal"
    assert len(told["detail"]) > 10
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "kind", [one for one in KINDS if one not in AT_THE_WEB_ALONE], ids=lambda kind: kind.__name__
)
def test_each_kind_is_one_line_at_the_command_line(kind):
    code, lines = judge(made(kind))

    assert code in {1, 2}
    (line,) = lines
    assert "unexpected" not in line
    assert len(line) > 10


def test_a_mistake_of_ours_shows_nothing_of_itself_and_stands_in_the_log():
    with capture_logs() as logged:
        answer = asyncio.run(ask(KeyError("s3cret-of-redis"), taken_by_all=True))

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "s3cret" not in answer.text
    assert "KeyError" not in answer.text
    (line,) = logged
    assert (line["event"], line["log_level"]) == ("request_failed", "error")
    assert line["exc_info"]


def test_what_is_taken_by_somebody_of_ours_is_a_kind_that_exists():
    assert set(NEVER) <= set(kinds())


@pytest.mark.parametrize("error", [CampaignFileError(WHY, line=7), ColumnsUnclear(WHY, line=1)])
def test_a_files_line_is_told_at_both_doors(error):
    _, (line,) = judge(error)

    assert f"line {error.line}: " in line
