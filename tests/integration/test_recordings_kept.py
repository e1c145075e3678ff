"""Recordings keep themselves: once their values are final, whole, named by content, and forgotten with their people."""

import hashlib
from collections.abc import Iterator

import httpx
import pytest

from campaigns.events import EventKind
from dialer.clock import boottime_s
from dialer.errors import NotDone
from dialer.events.keeping import Keeping as EventsKeeping
from dialer.events.outbox import Outbox, Wanted
from dialer.exotel.recordings import RecordingHosts
from dialer.pacing import Allowance, Pacing
from dialer.recordings.keeping import Keeping
from dialer.recordings.places import Bucket, Folder, GoneRecording, PlaceAway, place_of
from dialer.recordings.sound import sound_of
from dialer.settling.lookups import Lookups
from dialer.settling.settling import Settling
from dialer.store.recordings import KeptRecordings
from tests.books_kit import purging_of
from tests.factories import customer, details, events_after, pair, store_campaign
from tests.phone_company import PhoneCompany

LINK = "https://recordings.example.com/r.mp3"
MP3 = b"ID3\x04\x00\x00" + b"a voice and another" * 1000
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\x00" * 100
HTML = b"<!doctype html><title>Please wait</title>"


class Web:
    """What the provider's store answers."""

    def __init__(self):
        self.body, self.kind, self.status = MP3, "audio/mpeg", 200
        self.before_answer = lambda: None

    def answer(self, request):
        self.before_answer()
        return httpx.Response(self.status, content=self.body, headers={"content-type": self.kind})


KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Moto's S3, over HTTP, with a bucket."""
    import boto3  # noqa: PLC0415 - half a second, in the one process that runs these
    from moto.server import ThreadedMotoServer  # noqa: PLC0415

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    keys = {name.lower(): value for name, value in KEYS.items()}
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys).create_bucket(
        Bucket="calls"
    )
    yield endpoint
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def place(request, tmp_path, monkeypatch):
    if request.param == "folder":
        return Folder(tmp_path / "kept")
    endpoint = request.getfixturevalue("s3")
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    return Bucket(f"s3://calls/{tmp_path.name}?endpoint={endpoint}")


@pytest.fixture
def web():
    return Web()


@pytest.fixture
def kept(db):
    return KeptRecordings(db)


@pytest.fixture
def keeping(db, web, place, tmp_path):
    hosts = RecordingHosts(
        api_key="k",
        api_token="t",
        api_urls=("https://api.example.com",),
        clock_s=boottime_s,
        transport=httpx.MockTransport(web.answer),
    )
    pacing = Pacing(db, Allowance(requests=100_000))
    lookups = Lookups(PhoneCompany(db.now).client, pacing, sleep=lambda _: None)
    return Keeping(db, hosts, lookups, place, folder=tmp_path / "incoming")


@pytest.fixture
def recorded(account, db):
    """Dial a contact whose call is recorded; gives its attempt."""
    account.settling = Settling(db, account.times, keeps_recordings=True)
    store_campaign(db, [pair(1, 1)])
    id_ = account.dial_all()[0].attempt_id
    account.end_all()
    return id_


def finish(account, id_) -> None:
    sid = account.attempts.get(id_).sid
    report = details(sid, recording_url=LINK)
    account.settling.report(id_, report, at=account.db.now())


def all_of(place, kept, id_) -> bytes:
    one = kept.of(id_.campaign, id_.n, [id_.no])[id_.no]
    return b"".join(place.read(one.name, first=0, length=one.length))


def test_a_recording_is_due_once_the_values_are_final_and_not_before(
    account, db, kept, recorded, tmp_path
):
    assert kept.due(most=9) == []

    finish(account, recorded)

    assert kept.due(most=9) == [recorded]


def test_a_link_that_comes_after_the_values_were_final_is_kept_and_told_all_the_same(
    account, db, kept, keeping, recorded, tmp_path
):
    """Also after the report was said to be final, which is corrected by it."""
    outbox = Outbox(db, account="main", folder=tmp_path / "events")
    keeper = EventsKeeping(db, outbox, days=400, holder="a")
    account.settling.report(
        recorded, details(account.attempts.get(recorded).sid), at=account.db.now()
    )
    keeper.tick()
    assert kept.due(most=9) == []

    finish(account, recorded)
    assert keeping.keep(recorded)
    keeper.tick()

    told = [str(one.type) for one in events_after(outbox)]
    assert told[told.index("campaign.report_final") + 1 :] == [
        "attempt.corrected",
        "attempt.recording_stored",
        "campaign.report_final",
    ]


def test_a_recording_is_kept_whole_and_told_of_with_its_checksum_once(
    account, db, kept, keeping, place, recorded, tmp_path
):
    finish(account, recorded)

    assert keeping.keep(recorded)
    assert not keeping.keep(recorded)

    assert all_of(place, kept, recorded) == MP3
    outbox = Outbox(db, account="main", folder=tmp_path / "events")
    (event,) = events_after(outbox, wanted=Wanted((EventKind.RECORDING_STORED,)))
    assert event.data.details["sha256"] == hashlib.sha256(MP3).hexdigest()
    assert event.data.details["bytes"] == len(MP3)
    assert event.data.attempt_no == recorded.no
    assert kept.due(most=9) == []
    assert list((tmp_path / "incoming").iterdir()) == []


def test_what_is_kept_is_found_by_how_its_name_begins_and_only_that(place, tmp_path):
    file = tmp_path / "f"
    file.write_bytes(MP3)
    for name in ("c/c-1_1_s.mp3", "c/c-1_2_s.wav", "c/c-11_1_s.mp3", "d/c-1_1_s.mp3"):
        place.put(file, name, "audio/mpeg")

    found = place.find("c/c-1_")

    assert found == [("c/c-1_1_s.mp3", len(MP3)), ("c/c-1_2_s.wav", len(MP3))]
    assert place.find("nothing/x-1_") == []


def test_a_part_is_read_from_where_it_begins(account, kept, keeping, place, recorded):
    finish(account, recorded)
    keeping.keep(recorded)
    (one,) = kept.of(recorded.campaign, recorded.n, [recorded.no]).values()

    assert b"".join(place.read(one.name, first=6, length=7)) == MP3[6:13]


def test_a_file_is_named_and_typed_by_what_it_holds(account, kept, keeping, web, recorded):
    web.body = WAV
    finish(account, recorded)

    keeping.keep(recorded)

    (one,) = kept.of(recorded.campaign, recorded.n, [recorded.no]).values()
    assert one.name.startswith(f"{recorded.campaign}/{recorded.contact}_{recorded.no}_")
    assert one.name.endswith(".wav")
    assert one.media_type == "audio/wav"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "audio/mpeg", 200),
        (HTML, "text/html", 200),
        (HTML, "audio/mpeg", 200),
        (b"", "audio/mpeg", 404),
        (b"", "audio/mpeg", 503),
    ],
)
def test_what_is_no_recording_is_tried_again_later_and_kept_then(
    account, db, kept, keeping, place, web, recorded, body, kind, status
):
    web.body, web.kind, web.status = body, kind, status
    finish(account, recorded)

    assert not keeping.keep(recorded)
    assert kept.due(most=9) == []
    assert kept.of(recorded.campaign, recorded.n, [recorded.no]) == {}

    web.body, web.kind, web.status = MP3, "audio/mpeg", 200
    db.pass_time(61)
    (again,) = kept.due(most=9)
    assert keeping.keep(again)
    assert all_of(place, kept, recorded) == MP3


def test_what_never_comes_is_given_up_with_its_reason(account, db, kept, keeping, web, recorded):
    web.body = b""
    finish(account, recorded)

    for _ in range(72):
        db.pass_time(3601)
        (one,) = kept.due(most=9)
        keeping.keep(one)

    (told,) = kept.of(recorded.campaign, recorded.n, [recorded.no]).values()
    assert told.name == ""
    assert "empty" in told.error
    db.pass_time(10_000)
    assert kept.due(most=9) == []


def test_a_place_that_is_away_is_tried_again(account, db, kept, keeping, recorded, monkeypatch):
    finish(account, recorded)
    keeping._place = Away()

    assert not keeping.keep(recorded)

    db.pass_time(61)
    assert kept.due(most=9) == [recorded]


class Away:
    """A place that answers nobody."""

    def put(self, *_):
        raise PlaceAway("the bucket is away")

    def read(self, *_, **__):
        raise PlaceAway("the bucket is away")

    def remove(self, _):
        raise PlaceAway("the bucket is away")


def test_one_that_was_claimed_by_who_died_is_due_again(account, db, kept, recorded):
    finish(account, recorded)

    assert kept.claim(most=9, for_s=900) == [recorded]
    assert kept.claim(most=9, for_s=900) == []

    db.pass_time(901)
    assert kept.claim(most=9, for_s=900) == [recorded]


def test_a_forgotten_number_takes_its_recordings_with_it(
    account, db, kept, keeping, place, recorded, tmp_path
):
    finish(account, recorded)
    keeping.keep(recorded)
    (one,) = kept.of(recorded.campaign, recorded.n, [recorded.no]).values()

    purged = purging_of(db, tmp_path / "data", place=place).number(customer(1))

    assert purged.recordings == 1
    assert kept.of(recorded.campaign, recorded.n, [recorded.no]) == {}
    with pytest.raises(GoneRecording):
        b"".join(place.read(one.name, first=0, length=1))


def test_a_forgotten_campaign_takes_all_its_recordings_with_it(
    account, db, kept, keeping, place, recorded, tmp_path
):
    finish(account, recorded)
    keeping.keep(recorded)
    (one,) = kept.of(recorded.campaign, recorded.n, [recorded.no]).values()

    purging_of(db, tmp_path / "data", place=place).campaign(account.campaigns.find("sale"))

    with pytest.raises(GoneRecording):
        b"".join(place.read(one.name, first=0, length=1))


def test_what_is_forgotten_while_it_is_fetched_is_not_kept(
    account, db, kept, keeping, place, web, recorded, tmp_path
):
    finish(account, recorded)
    web.before_answer = lambda: purging_of(db, tmp_path / "data", place=place).number(customer(1))

    assert not keeping.keep(recorded)

    assert kept.of(recorded.campaign, recorded.n, [recorded.no]) == {}
    assert place.remove(f"{recorded.campaign}/") == 0


def test_where_the_place_is_away_a_forgotten_recording_goes_as_soon_as_it_is_back(
    account, db, kept, keeping, place, recorded, tmp_path
):
    finish(account, recorded)
    keeping.keep(recorded)
    (one,) = kept.of(recorded.campaign, recorded.n, [recorded.no]).values()

    purging_of(db, tmp_path / "data", place=Away()).number(customer(1))

    (again,) = kept.due(most=9)
    keeping.keep(again)
    assert kept.due(most=9) == []
    with pytest.raises(GoneRecording):
        b"".join(place.read(one.name, first=0, length=1))


def test_a_campaign_counts_as_forgotten_only_once_its_recordings_are_gone(
    account, db, keeping, recorded, tmp_path
):
    finish(account, recorded)
    keeping.keep(recorded)

    with pytest.raises(NotDone, match="cannot be removed now"):
        purging_of(db, tmp_path / "data", place=Away()).campaign(account.campaigns.find("sale"))

    assert account.campaigns.find("sale").purged_at is None


def test_where_nothing_is_kept_nothing_is_due(account, db, kept):
    store_campaign(db, [pair(1, 1)])
    id_ = account.dial_all()[0].attempt_id
    account.end_all()

    finish(account, id_)

    assert kept.due(most=9) == []


def test_a_bucket_that_is_not_there_is_away(s3, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    file = tmp_path / "f"
    file.write_bytes(MP3)

    with pytest.raises(PlaceAway, match=r"NoSuchBucket|does not exist"):
        place_of(f"s3://nowhere?endpoint={s3}").put(file, "a", "audio/mpeg")


@pytest.mark.parametrize(
    ("begins", "ending"),
    [
        (b"ID3\x04", "mp3"),
        (b"\xff\xfb\x90\x00", "mp3"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "wav"),
        (b"OggS\x00", "ogg"),
        (b"\x00\x00\x00\x20ftypM4A ", "m4a"),
    ],
)
def test_sounds_are_known_by_their_first_bytes(begins, ending):
    assert sound_of(begins).ending == ending


@pytest.mark.parametrize("begins", [b"", b"<html>", b"\xff\xfe<\x00", b"%PDF-1.7", b"{}", b"RIFF"])
def test_what_is_no_sound_is_none(begins):
    assert sound_of(begins) is None
