"""Recordings in a folder: whole files only, fetched once, inside the allowance."""

import csv

import httpx
import pytest

from dialer.clock import boottime_s, sleep
from dialer.exotel.recordings import RecordingHosts
from dialer.pacing import Allowance, Pacing
from dialer.reporting.recordings import Recordings
from dialer.settling.lookups import Lookups
from tests.phone_company import PhoneCompany
from tests.report_samples import CAMPAIGN, attempt, line

API = "https://api.example.com"
LINES = [
    line(1, attempt(sid="s1", recording_url=f"{API}/s1.mp3")),
    line(2, attempt(sid="s2", recording_url="https://store.example.org/s2.mp3")),
    line(3, attempt(sid="s3")),
]


class Web:
    def __init__(self):
        self.asked = []
        self.broken = set()

    def answer(self, request):
        self.asked.append(request.url.path)
        if request.url.path in self.broken:
            raise httpx.ReadError("reset", request=request)
        return httpx.Response(200, content=request.url.path.encode())


@pytest.fixture
def web():
    return Web()


@pytest.fixture
def pacing(db):
    return Pacing(db, Allowance(requests=100_000))


@pytest.fixture
def recordings(db, web, pacing):
    hosts = RecordingHosts(
        api_key="k",
        api_token="t",
        api_urls=(API,),
        clock_s=boottime_s,
        transport=httpx.MockTransport(web.answer),
    )
    provider = PhoneCompany(db.now).client
    return Recordings(hosts, Lookups(provider, pacing, sleep=sleep))


def test_each_recording_is_a_file_named_after_its_contact_attempt_and_call(recordings, tmp_path):
    fetched = recordings.fetch(LINES, tmp_path / "out")

    assert fetched.counts == {"new": 2, "here": 0, "failed": 0}
    assert {one.name: one.read_bytes() for one in (tmp_path / "out").glob("*.mp3")} == {
        f"{CAMPAIGN}-1_1_s1.mp3": b"/s1.mp3",
        f"{CAMPAIGN}-2_1_s2.mp3": b"/s2.mp3",
    }


def test_the_index_tells_of_every_recording(recordings, web, tmp_path):
    web.broken.add("/s2.mp3")

    fetched = recordings.fetch(LINES, tmp_path)

    with fetched.index.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["call_sid"], row["status"], row["length"]) for row in rows] == [
        ("s1", "new", "7"),
        ("s2", "failed", ""),
    ]
    assert "reset" in rows[1]["error"]


def test_what_is_here_is_not_fetched_again_and_what_broke_off_is(recordings, web, tmp_path):
    web.broken.add("/s2.mp3")
    recordings.fetch(LINES, tmp_path)
    web.broken.clear()
    web.asked.clear()

    fetched = recordings.fetch(LINES, tmp_path)

    assert web.asked == ["/s2.mp3"]
    assert fetched.counts == {"new": 1, "here": 1, "failed": 0}


def test_a_recording_that_breaks_off_leaves_no_file(recordings, web, tmp_path):
    web.broken |= {"/s1.mp3", "/s2.mp3"}

    recordings.fetch(LINES, tmp_path)

    assert [one.name for one in tmp_path.iterdir()] == ["recordings.csv"]


def test_only_recordings_on_the_apis_own_host_take_slots(recordings, pacing, tmp_path):
    recordings.fetch(LINES, tmp_path)

    assert pacing.rate().last_60_s == 1
