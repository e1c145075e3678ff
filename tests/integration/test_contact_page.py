"""What whoever runs the desk does on a contact's page: say what came of it, and correct what was said."""

import pytest

from dialer.access.api_keys import Scope
from dialer.store.attempts import decode
from dialer.store.events import EventStream, entries
from tests.desk_kit import Desk, next_desk
from tests.web_kit import one_site

web = one_site()


desk = next_desk


def page_of(desk: Desk) -> str:
    campaign, _, n = desk.contact.partition("-")
    return f"/campaigns/{campaign}/contacts/{n}"


def correct(desk: Desk, disposition: str, **more: str):
    form = {"attempt": "1", "disposition": disposition, **more}
    return desk.web.browser().post(f"{page_of(desk)}/disposition", **form)


def said(desk: Desk) -> tuple[str | None, str | None, str | None]:
    campaign, _, n = desk.contact.partition("-")
    db = desk.web.wiring.db
    (stored,) = db.client.hvals(db.key("c", campaign, "attempts", (int(n) - 1) // 100))
    one = decode(stored)
    return one.disposition, one.note, one.disposition_by


def kinds(desk: Desk) -> list[str]:
    campaign = desk.contact.partition("-")[0]
    told = entries(EventStream(desk.web.wiring.db).after("0-0", most=10_000))
    return [one.kind for one in told if one.campaign == campaign]


def test_what_an_agent_said_is_corrected_and_told(desk: Desk) -> None:
    desk.post("/disposition", attempt=desk.attempt, disposition="sale", note="pays on the 5th")
    shown = desk.web.browser().get(page_of(desk)).text

    answer = correct(desk, "call_back", note="pays on the 6th")

    assert "Correct what came of it" in shown
    assert "pays on the 5th" in shown
    assert answer.status_code == 303
    assert said(desk)[:2] == ("call_back", "pays on the 6th")
    assert [one for one in kinds(desk) if "disposition" in one] == [
        "contact.dispositioned",
        "contact.disposition_corrected",
    ]
    records = desk.web.api("GET", "/audit").json()["items"]
    mine = [one for one in records if one["what"] == "disposition_given" and one.get("after")]
    afters = [one["after"]["disposition"] for one in mine if desk.contact in one["on"]]
    assert sorted(afters) == ["call_back", "sale"]


def test_what_nobody_said_is_said_in_the_agents_stead(desk: Desk) -> None:
    assert "Say what came of it" in desk.web.browser().get(page_of(desk)).text

    correct(desk, "sale")

    assert said(desk)[0] == "sale"
    assert kinds(desk).count("contact.disposition_corrected") == 0


def test_who_is_never_to_be_called_stays_so(desk: Desk) -> None:
    desk.post("/disposition", attempt=desk.attempt, disposition="do_not_call")
    shown = desk.web.browser().get(page_of(desk)).text

    answer = correct(desk, "sale")

    assert "They asked never to be called again" in shown
    assert "Correct what came of it" not in shown
    assert answer.status_code == 422
    assert said(desk)[0] == "do_not_call"
    assert desk.web.wiring.db.client.hlen(desk.web.wiring.db.key("suppressed")) >= 1


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"disposition": "bought"}, "no disposition here"),
        ({"disposition": ""}, "no disposition here"),
        ({"disposition": "call_back", "at": "soon"}, "Write the time"),
        ({"disposition": "sale", "note": "x" * 501}, "note"),
        ({"disposition": "sale", "who": "agent"}, "give a time"),
        ({"disposition": "sale", "attempt": "7"}, "was not called"),
    ],
)
def test_what_is_wrong_is_said_on_the_page_and_changes_nothing(
    desk: Desk, form: dict[str, str], says: str
) -> None:
    answer = correct(desk, **form)

    assert answer.status_code == 422
    assert says in answer.text
    assert said(desk)[0] is None


def test_who_may_only_read_corrects_nothing(desk: Desk) -> None:
    reader = desk.web.browser(desk.web.key(Scope.READ))

    assert "Say what came of it" not in reader.get(page_of(desk)).text
    answer = reader.post(f"{page_of(desk)}/disposition", attempt="1", disposition="sale")
    assert answer.status_code == 403
    assert said(desk)[0] is None


def test_who_may_read_masked_alone_sees_no_note(desk: Desk) -> None:
    desk.post("/disposition", attempt=desk.attempt, disposition="sale", note="lives with Meera")

    masked = desk.web.browser(desk.web.key(Scope.READ_MASKED)).get(page_of(desk)).text

    assert "sale" in masked
    assert "Meera" not in masked
