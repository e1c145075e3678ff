"""Campaigns over the API: loaded, steered, watched, reported."""

import csv
import io
import json

import openpyxl
import pytest

from dialer.dialing.host_recovery import HostLives
from dialer.store import Database
from tests.patience import until
from tests.web_kit import LIST, Site

MIXED = LIST + "+919000000003,9.19877E+11,damaged\n+919000000001,+919876543201,again\n"


def test_every_row_of_an_upload_is_accounted_for(web: Site) -> None:
    answer = web.upload(MIXED)

    document = answer.json()
    assert answer.status_code == 201
    assert (
        document["rows"],
        document["accepted"],
        document["rejected"],
        document["duplicate"],
    ) == (
        4,
        2,
        1,
        1,
    )
    assert document["faults"]["digits_lost"]["count"] == 1
    assert [one["role"] for one in document["columns"]] == ["agent", "customer", "name"]


def test_a_dry_run_says_the_same_and_writes_nothing(web: Site) -> None:
    checked = web.upload(MIXED, dry_run="true")
    listed = web.api("GET", "/campaigns").json()

    loaded = web.upload(MIXED)

    assert checked.status_code == 200
    assert listed == {"items": []}
    sums = ("rows", "accepted", "rejected", "duplicate", "faults", "warnings", "columns")
    assert {name: checked.json()[name] for name in sums} == {
        name: loaded.json()[name] for name in sums
    }


def test_the_same_content_under_the_same_name_is_loaded_once(web: Site) -> None:
    first = web.upload().json()

    second = web.upload()

    assert second.json()["already"] is True
    assert second.json()["campaign_id"] == first["campaign_id"]


def test_another_file_under_a_name_that_is_taken_is_a_conflict(web: Site) -> None:
    web.upload()

    answer = web.upload(LIST + "+919000000005,+919876543205,Uma\n")

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "load_refused"


def test_an_idempotency_key_gives_the_first_answer_again(web: Site) -> None:
    headers = {"Idempotency-Key": "one"}
    first = web.upload(headers=headers)

    again, other = web.upload(headers=headers), web.upload(MIXED, headers=headers)

    assert again.json() == first.json()
    assert again.json()["already"] is False
    assert other.json()["code"] == "idempotency_key_reused"


def test_a_load_that_failed_may_be_repeated_under_its_idempotency_key(web: Site) -> None:
    headers = {"Idempotency-Key": "one"}
    refused = web.upload("nothing here", headers=headers)

    mended = web.upload("nothing here", headers=headers)

    assert refused.status_code == mended.status_code == 422
    assert mended.json()["code"] == "file_unusable"


def test_start_needs_no_second_request(web: Site) -> None:
    document = web.upload(start="true").json()

    status = web.api("GET", f"/campaigns/{document['campaign_id']}").json()

    assert document["state"] == status["state"] == "running"
    assert status["blocked_by"] == "no_feeder"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"time_out": "90"}, "time_out"),
        ({"hours": "25:00-26:00"}, "hours"),
        ({"retry": "customer_busy"}, "retry"),
        ({"max_atempts": "3"}, "max_atempts"),
        ({"start": "perhaps"}, "start"),
        ({"dedupe": "world"}, "dedupe"),
        ({"name": ""}, "name"),
    ],
)
def test_a_wrong_option_is_named(web: Site, fields: dict[str, str], named: str) -> None:
    answer = web.upload(**fields)

    assert answer.status_code == 422
    assert named in answer.json()["detail"]


def test_options_become_rules(web: Site) -> None:
    id_ = web.upload(time_limit="600", retry="customer_busy=5mx3", wrap_up="0").json()[
        "campaign_id"
    ]

    rules = web.api("GET", f"/campaigns/{id_}").json()["rules"]

    assert (rules["time_limit_s"], rules["wrap_up_s"]) == (600, 0)
    assert "customer_busy=300sx3" in rules["retry"]


def test_columns_can_be_named_by_hand(web: Site) -> None:
    answer = web.upload(
        "owner,number one\n+919000000001,+919876543201\n",
        agent_column="owner",
        customer_column="number one",
    )

    assert answer.json()["accepted"] == 1


def test_a_campaign_goes_through_its_states(web: Site) -> None:
    id_ = web.upload().json()["campaign_id"]

    states = [
        web.api("POST", f"/campaigns/{id_}/{action}").json()["state"]
        for action in ("start", "pause", "resume", "cancel")
    ]

    assert states == ["running", "paused", "running", "cancelling"]
    refused = web.api("POST", f"/campaigns/{id_}/start")
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    assert refused.json()["state"] == "cancelling"


def test_rows_can_be_appended_and_the_history_tells(web: Site) -> None:
    id_ = web.upload().json()["campaign_id"]

    more = {"file": ("m.csv", "agent,customer,name\n+919000000001,+919876543209,Uma\n")}
    answer = web.api("POST", f"/campaigns/{id_}/contacts", files=more)

    assert answer.status_code == 201
    assert web.api("GET", f"/campaigns/{id_}").json()["accepted"] == 3
    history = web.api("GET", f"/campaigns/{id_}/imports").json()["items"]
    assert [one["accepted"] for one in history] == [2, 1]


def test_rows_not_taken_come_back_ready_to_be_mended(web: Site) -> None:
    id_ = web.upload(MIXED).json()["campaign_id"]

    answer = web.api("GET", f"/campaigns/{id_}/rejected.csv")

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["error_code"] for row in rows] == ["digits_lost", "duplicate_pair"]
    assert rows[0]["customer"] == "9.19877E+11"


@pytest.mark.parametrize("format_", ["csv", "xlsx", "parquet", "html"])
def test_a_report_comes_in_each_format(web: Site, format_: str) -> None:
    id_ = web.upload().json()["campaign_id"]

    answer = web.api("GET", f"/campaigns/{id_}/reports/contacts.{format_}")

    assert answer.status_code == 200
    assert f".{format_}" in answer.headers["content-disposition"]
    magic = {"csv": b"contact_id,", "xlsx": b"PK", "parquet": b"PAR1", "html": b"<!"}[format_]
    assert answer.content.removeprefix(b"\xef\xbb\xbf")[: len(magic)].lower() == magic.lower()


def test_the_whole_report_is_a_workbook_or_a_page(web: Site) -> None:
    id_ = web.upload().json()["campaign_id"]
    whole = f"/campaigns/{id_}/reports/report"

    book = web.api("GET", f"{whole}.xlsx")
    as_page = web.api("GET", f"{whole}.html")
    as_table = web.api("GET", f"{whole}.csv")

    assert {"contents", "attempts", "contacts"} < {
        *openpyxl.load_workbook(io.BytesIO(book.content)).sheetnames
    }
    assert "_report_" in book.headers["content-disposition"]
    assert as_page.status_code == 200
    assert as_table.status_code == 404
    assert as_table.json()["detail"] == "The whole report is html or xlsx; csv is of a table."


def test_what_was_written_for_a_report_is_removed_once_it_is_sent(web: Site) -> None:
    id_ = web.upload().json()["campaign_id"]

    web.api("GET", f"/campaigns/{id_}/reports/summary.csv")

    sending = web.wiring.settings.dialer_data_dir / "sending"
    until(lambda: not list(sending.iterdir()), what="an empty folder")


def test_contacts_are_filtered_and_paged_until_all_were_seen(web: Site) -> None:
    rows = "".join(f"+919000000001,+9198765{n:05},n{n}\n" for n in range(250))
    id_ = web.upload("agent,customer,name\n" + rows).json()["campaign_id"]

    seen, cursor = [], 0
    while cursor is not None:
        page = web.api("GET", f"/campaigns/{id_}/contacts", params={"limit": 100, "cursor": cursor})
        seen += [one["contact_id"] for one in page.json()["items"]]
        cursor = page.json()["next_cursor"]

    one = web.api(
        "POST", "/numbers/search", json={"number": "9876500007", "campaign_id": id_}
    ).json()
    assert seen == [f"{id_}-{n}" for n in range(1, 251)]
    assert [each["row"]["name"] for each in one["items"]] == ["n7"]


def test_one_contact_tells_its_story(web: Site) -> None:
    id_ = web.upload().json()["campaign_id"]

    document = web.api("GET", f"/campaigns/{id_}/contacts/2").json()

    assert document["row"] == {
        "agent": "+919000000002",
        "customer": "+919876543202",
        "name": "Ravi",
    }
    assert [one["what"] for one in document["events"]] == ["loaded"]
    assert web.api("GET", f"/campaigns/{id_}/contacts/3").status_code == 404


def test_events_begin_with_the_status_and_end_with_the_campaign(web: Site) -> None:
    id_ = web.upload(start="true").json()["campaign_id"]
    campaigns = web.wiring.campaigns
    web.api("POST", f"/campaigns/{id_}/cancel")
    campaigns.cancel_some(id_)

    text = web.api("GET", f"/campaigns/{id_}/events").text

    name, data = text.split("\n\n")[1].splitlines()
    assert name == "event: status"
    assert json.loads(data.removeprefix("data: "))["state"] == "cancelled"
    assert text.rstrip().endswith("event: ended\ndata: {}")


def test_a_number_is_put_on_the_list_found_and_taken_off(web: Site) -> None:
    added = web.api("PUT", "/suppressions", json={"number": "098765 43201", "why": "asked"}).json()

    listed = web.api("GET", "/suppressions").json()["items"]

    assert added["added"] == 1
    assert [(one["number"], one["why"]) for one in listed] == [("+919876543201", "asked")]
    assert (
        web.api("POST", "/suppressions/remove", json={"number": "+919876543201"}).status_code == 204
    )
    assert (
        web.api("POST", "/suppressions/remove", json={"number": "+919876543201"}).status_code == 404
    )
    assert web.upload(LIST).json()["accepted"] == 2


def test_a_file_of_numbers_is_put_on_the_list(web: Site) -> None:
    file = {"file": ("stop.txt", "+919876543201\nnot a number\n+919876543202\n")}

    added = web.api("POST", "/suppressions", files=file).json()

    assert (added["added"], added["bad_count"], added["bad"][0]["line"]) == (2, 1, 2)
    assert web.upload(LIST).json()["faults"]["suppressed"]["count"] == 2


def test_everything_can_be_stopped_and_released(web: Site, db: Database) -> None:
    held = web.api("PUT", "/health/hold", json={"why": "fire drill"}).json()

    released = web.api("DELETE", "/health/hold").json()

    assert (held["hold"], released["hold"]) == ("fire drill", None)


def hold_by_machine(db: Database) -> None:
    """Let Redis look as if it had been restarted, and somebody notice."""
    db.client.hset(db.key("account"), "run_id", "another")
    db.run(HostLives(0, "its identity", "its name"))


def test_r9_the_machines_hold_ends_by_the_api_only_when_what_is_not_known_is_confirmed(
    web: Site,
) -> None:
    hold_by_machine(web.wiring.db)
    web.api("PUT", "/health/hold", json={"why": "fire drill"})

    both = web.api("DELETE", "/health/hold").json()
    refused = web.api("DELETE", "/health/hold")
    confirmed = web.api("DELETE", "/health/hold?confirm=true").json()

    assert both["hold"] == "Redis was restarted"
    assert both["hold_not_known"] == ["what these hosts sent last: its name"]
    assert (refused.status_code, refused.json()["code"]) == (409, "hold_not_known")
    assert refused.json()["not_known"] == both["hold_not_known"]
    assert "its name" in refused.json()["detail"]
    assert (confirmed["hold"], confirmed["hold_not_known"]) == (None, [])
    assert web.api("DELETE", "/health/hold").status_code == 200


def test_rules_change_while_a_campaign_rests(web: Site) -> None:
    id_ = web.upload().json()["campaign_id"]

    changed = web.api("PATCH", f"/campaigns/{id_}/rules", json={"max_attempts": 5, "wrap_up": ""})
    wrong = web.api("PATCH", f"/campaigns/{id_}/rules", json={"time_out": 90})
    unknown = web.api("PATCH", f"/campaigns/{id_}/rules", json={"ring": 9})

    assert changed.json()["rules"]["max_attempts"] == 5
    assert wrong.json()["faults"][0]["where"] == "time_out_s"
    assert unknown.json()["code"] == "unknown_field"


def test_rules_given_anew_are_based_on_the_version_that_was_seen(web: Site) -> None:
    rules = f"/campaigns/{web.upload(max_attempts=4).json()['campaign_id']}/rules"
    seen = web.api("GET", rules).json()

    order = {"rules_version": 1, "rules": {**seen["given"], "wrap_up_s": "2m"}}
    shown = web.api("PUT", f"{rules}?dry_run=true", json=order).json()
    saved = web.api("PUT", rules, json=order).json()
    late = web.api("PUT", rules, json=order)
    back = web.api("POST", f"{rules}/back", json={"version": 1, "rules_version": 2}).json()

    assert seen["given"] == {"max_attempts": "4", "hours": "00:00-24:00"} or seen["given"] == {
        "max_attempts": "4"
    }
    assert shown["changes"] == [{"rule": "wrap_up_s", "before": "10 s", "after": "2 min"}]
    assert (saved["rules_version"], saved["rules"]["wrap_up_s"]) == (2, 120)
    assert saved["rules"]["max_attempts"] == 4
    assert (late.status_code, late.json()["code"]) == (409, "rules_changed")
    assert late.json()["differs"] == shown["changes"]
    assert (back["rules_version"], back["rules"]["wrap_up_s"]) == (3, 10)
    found = web.api("GET", f"{rules}/versions").json()["items"]
    assert [(one["version"], one["by"]) for one in found] == [
        (3, found[0]["by"]),
        (2, found[0]["by"]),
        (1, ""),
    ]
    assert found[0]["by"]


def test_why_names_what_is_in_the_way(web: Site) -> None:
    id_ = web.upload().json()["campaign_id"]

    document = web.api("GET", f"/campaigns/{id_}/why").json()

    assert document["blocked_by"] == "not_started"
    assert document["blockers"]
