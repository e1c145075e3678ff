"""What people note on a contact: it stands in its story and its report, and goes where its row goes."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from dialer.access.api_keys import Scope
from dialer.ids import ContactId
from dialer.reporting.files import Format
from dialer.steering.noting import MOST_NOTES, NotNoted, note
from dialer.store.notes import Note, notes_of, with_note
from dialer.store.removal import mark_archived, replace_lines
from dialer.store.snapshot import contact_lines
from dialer.watching.finding import Finding
from tests import books_kit
from tests.web_kit import Site


def texts(account, campaign, n: int, tmp_path: Path) -> list[str]:
    finding = Finding(account.db, archives=tmp_path / "archive")
    line = finding.contact(account.campaigns.find(campaign.id), n)
    return [one.text for one in notes_of(line.row)]


def test_notes_keep_their_order_and_change_nothing_else_of_the_row(account, finished, tmp_path):
    account.db.pass_time(60)
    for text in ("asked for Meera", "  calls\tback  "):
        note(account.db, ContactId(finished.id, 2), text, by="Asha")

    assert texts(account, finished, 2, tmp_path) == ["asked for Meera", "calls back"]
    assert texts(account, finished, 1, tmp_path) == []
    finding = Finding(account.db, archives=tmp_path / "archive")
    assert [one.name for one in finding.by_name("ravi")] == ["Ravi"]
    assert account.db.client.exists(account.db.key("c", finished.id, "index", 0))


def test_notes_that_come_together_are_all_kept(account, finished, tmp_path):
    write = partial(note, account.db, ContactId(finished.id, 1), by="Asha")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, map(str, range(12))))

    assert sorted(texts(account, finished, 1, tmp_path), key=int) == list(map(str, range(12)))


def test_notes_go_into_archives_and_the_report_is_the_same_from_there(account, finished, tmp_path):
    note(account.db, ContactId(finished.id, 2), "moved to Pune", by="Asha")
    before = _contacts(account, finished, tmp_path, "before")

    books_kit.archive(account, finished, tmp_path)

    assert before[1]["notes"].endswith("Asha: moved to Pune")
    assert before[0]["notes"] == ""
    assert _contacts(account, finished, tmp_path, "after") == before
    assert texts(account, finished, 2, tmp_path) == ["moved to Pune"]
    with pytest.raises(NotNoted, match="archived"):
        note(account.db, ContactId(finished.id, 2), "more", by="Asha")


def test_a_note_that_comes_while_its_campaign_leaves_redis_is_not_taken_for_kept(
    account, finished, redis_client
):
    lines = list(contact_lines(account.db, finished.id, size=finished.accepted))
    noted = replace(lines[0], row=with_note(lines[0].row, Note(1.0, "Asha", "late")))
    assert mark_archived(account.db, account.campaigns.find(finished.id))

    taken = replace_lines(account.db, finished.id, lines, [noted, *lines[1:]], forgets=False)

    assert not taken
    assert b"late" not in books_kit.everything_in(redis_client)


def _contacts(account, campaign, tmp_path: Path, into: str) -> list[dict[str, str]]:
    made = books_kit.report(account, campaign, tmp_path, tmp_path / into, formats=[Format.CSV])
    (path,) = [one for one in made.files if "_contacts_" in one.name]
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


def test_who_is_forgotten_takes_the_notes_along(account, finished, tmp_path, redis_client):
    note(account.db, ContactId(finished.id, 1), "sister of Zubeida", by="Asha")
    note(account.db, ContactId(finished.id, 2), "knows 098765 43201", by="Asha")
    note(account.db, ContactId(finished.id, 3), "of no matter", by="Asha")

    books_kit.purging_of(account.db, tmp_path).number("+919876543201")

    assert b"Zubeida" not in books_kit.everything_in(redis_client)
    assert texts(account, finished, 1, tmp_path) == []
    assert texts(account, finished, 3, tmp_path) == ["of no matter"]


@pytest.mark.parametrize(
    ("n", "text", "why"),
    [
        (1, "   ", "write something"),
        (1, "x" * 501, "500 characters"),
        (1, "a\x07b", "control characters"),
        (99, "x", "does not exist"),
    ],
)
def test_what_is_no_note_and_a_contact_that_is_not_there_are_told(account, finished, n, text, why):
    with pytest.raises(NotNoted, match=why):
        note(account.db, ContactId(finished.id, n), text, by="Asha")


def test_a_contact_takes_so_many_notes_and_no_more(account, finished):
    for number in range(MOST_NOTES):
        note(account.db, ContactId(finished.id, 1), str(number), by="Asha")

    with pytest.raises(NotNoted, match=str(MOST_NOTES)):
        note(account.db, ContactId(finished.id, 1), "one more", by="Asha")


def test_a_note_is_written_from_a_search_and_told_with_who_and_when_but_not_masked(
    web: Site,
) -> None:
    id_ = web.upload().json()["campaign_id"]
    browser, where = web.browser(), f"/campaigns/{id_}/contacts/1"

    assert f"{where}#note" in browser.post("/search", who="asha").text
    wrong = browser.post(f"{where}/note", note=" ")
    right = browser.post(f"{where}/note", note="asked for the price")

    assert wrong.status_code == 422
    assert "write something" in wrong.text
    assert right.status_code == 303
    assert "asked for the price, by " in browser.get(where).text
    masked = web.key(Scope.READ_MASKED)
    assert "asked for the price" not in web.browser(masked).get(where).text
    told = web.api("GET", f"/campaigns/{id_}/contacts/1", key=masked)
    assert told.json()["notes"] == []
    assert "asked for the price" not in told.text


def test_a_program_notes_something_with_a_key_that_operates(web: Site) -> None:
    id_ = web.upload().json()["campaign_id"]
    path, order = f"/contacts/{id_}-1/notes", {"text": "asked for the price"}

    assert web.api("POST", path, key=web.key(Scope.READ), json=order).status_code == 403
    assert web.api("POST", path, json=order).json()["text"] == "asked for the price"
    (noted,) = web.api("GET", f"/campaigns/{id_}/contacts/1").json()["notes"]
    assert (noted["text"], bool(noted["by"])) == ("asked for the price", True)
    assert web.api("POST", path, json={"text": " "}).status_code == 409
    assert web.api("POST", "/contacts/zz/notes", json=order).status_code == 404
