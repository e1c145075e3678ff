"""A link to a recording may say anything: where it may lead, and who is shown our credentials."""

import httpx
import pytest

from dialer.clock import boottime_s
from dialer.errors import LookupFailed, ProviderError, TurnedAway
from dialer.exotel.recordings import RecordingHosts

API = "https://api.example.com"
SOUND = b"ID3 and a voice"


class Web:
    """Hosts that answer what a test says, and what they were shown."""

    def __init__(self, **answers):
        self.answers = {f"https://{host}/r.mp3": answer for host, answer in answers.items()}
        self.shown = []

    def answer(self, request):
        self.shown.append((request.url.host, "authorization" in request.headers))
        known = self.answers.get(str(request.url))
        return known or httpx.Response(200, content=SOUND, headers={"Content-Type": "audio/mpeg"})


def hosts(web=None, **options):
    plain = {
        "api_key": "key",
        "api_token": "t0ken",
        "api_urls": (API, "https://ccm.example.com"),
        "clock_s": boottime_s,
        "transport": httpx.MockTransport((web or Web()).answer),
    }
    return RecordingHosts(**plain | options)


@pytest.mark.parametrize(
    "url",
    [
        f"{API}/v1/r.mp3",
        "https://ccm.example.com/r.mp3",
        "https://recordings.exotel.com/x/r.mp3",
        "https://api.in.exotel.com/r.mp3",
    ],
)
def test_the_providers_own_hosts_are_shown_our_credentials(tmp_path, url):
    web = Web()

    length = hosts(web).download(url, tmp_path / "r.mp3")

    assert (tmp_path / "r.mp3").read_bytes() == SOUND
    assert length == len(SOUND)
    assert web.shown[0][1]


@pytest.mark.parametrize(
    "url",
    [
        "https://recordings.example.org/r.mp3",
        "https://exotel.com.example.org/r.mp3",
        "https://notexotel.com/r.mp3",
        "https://recordings.exotel.com:8443/r.mp3",
        "https://api.example.com:8443/r.mp3",
    ],
)
def test_no_other_host_is(tmp_path, url):
    web = Web()

    hosts(web).download(url, tmp_path / "r.mp3")

    assert not web.shown[0][1]


def test_a_redirect_takes_no_credentials_to_another_host(tmp_path):
    away = httpx.Response(302, headers={"Location": "https://store.example.org/r.mp3"})
    web = Web(**{"recordings.exotel.com": away})

    hosts(web).download("https://recordings.exotel.com/r.mp3", tmp_path / "r.mp3")

    assert web.shown == [("recordings.exotel.com", True), ("store.example.org", False)]


def test_redirects_without_end_are_given_up(tmp_path):
    again = httpx.Response(302, headers={"Location": "https://a.example.org/r.mp3"})

    with pytest.raises(LookupFailed, match="again and again"):
        hosts(Web(**{"a.example.org": again})).download(
            "https://a.example.org/r.mp3", tmp_path / "r.mp3"
        )


@pytest.mark.parametrize(
    "url",
    [
        "http://recordings.exotel.com/r.mp3",
        "http://api.example.com/r.mp3",
        "file:///etc/passwd",
        "https://user:word@recordings.exotel.com/r.mp3",
        "https://recordings.exotel.com:x/r.mp3",
        "https://0177.0.0.1/r.mp3",
        "https://①27.0.0.1/r.mp3",
        "//recordings.exotel.com/r.mp3",
        "r.mp3",
    ],
)
def test_a_link_that_is_not_plain_https_is_not_followed(tmp_path, url):
    web = Web()

    with pytest.raises(LookupFailed):
        hosts(web).download(url, tmp_path / "r.mp3")

    assert web.shown == []


def test_a_redirect_may_not_leave_tls(tmp_path):
    down = httpx.Response(302, headers={"Location": "http://store.example.org/r.mp3"})
    web = Web(**{"recordings.exotel.com": down})

    with pytest.raises(LookupFailed, match="not https"):
        hosts(web).download("https://recordings.exotel.com/r.mp3", tmp_path / "r.mp3")


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "10.0.0.1", "localhost"])
def test_a_link_into_a_private_network_is_not_followed(tmp_path, host):
    with (
        hosts(transport=None) as real,
        pytest.raises(TurnedAway, match="not one to connect to"),
    ):
        real.download(f"https://{host}/latest/meta-data", tmp_path / "r.mp3")


def test_a_recording_longer_than_allowed_is_refused(tmp_path):
    with pytest.raises(LookupFailed, match="longer than 10 bytes"):
        hosts(max_bytes=10).download(f"{API}/r.mp3", tmp_path / "r.mp3")


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/json", "text/xml"])
def test_a_page_is_no_recording(tmp_path, kind):
    page = httpx.Response(200, content=b"<html>", headers={"Content-Type": kind})

    with pytest.raises(LookupFailed, match="not to a recording"):
        hosts(Web(**{"a.example.org": page})).download(
            "https://a.example.org/r.mp3", tmp_path / "r.mp3"
        )


@pytest.mark.parametrize(
    ("status", "says"), [(404, "no such recording"), (401, "401"), (429, "429"), (500, "500")]
)
def test_a_refusal_says_why(tmp_path, status, says):
    web = Web(**{"api.example.com": httpx.Response(status)})

    with pytest.raises(ProviderError, match=says):
        hosts(web).download(f"{API}/r.mp3", tmp_path / "r.mp3")
