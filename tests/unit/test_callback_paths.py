"""A callback path proves that we made it, for one attempt, under a secret only we know."""

import base64
import hmac
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.callback_paths import CallbackPaths

SECRET, OLD = "new secret of thirty-two characters", "old secret of thirty-two characters"
ATTEMPT = "7f3kq2xa-42-2-k3x9p0k3x9"


def parts(paths: CallbackPaths, attempt_id: str = ATTEMPT) -> tuple[str, str, str]:
    key_id, attempt, mac = urlsplit(paths.url(attempt_id)).path.split("/")[-3:]
    return key_id, attempt, mac


def test_its_own_path_is_genuine():
    paths = CallbackPaths("https://dialer.example.com", [SECRET])

    assert paths.is_genuine(*parts(paths))


def test_a_path_an_earlier_version_made_stays_genuine():
    """Calls live through an upgrade, and their callbacks come to what was written down then."""
    mac = "8pvkavLwtYlRkaolKO_m21P0L5gi26PW4j7EzVbAr0w"

    assert CallbackPaths("https://dialer.example.com", [SECRET]).is_genuine(
        "4e366aef", ATTEMPT, mac
    )


def test_the_path_stands_where_the_route_is():
    paths = CallbackPaths("https://dialer.example.com", [SECRET])

    assert paths.url(ATTEMPT).startswith("https://dialer.example.com/callbacks/exotel/")


@given(other=st.text(max_size=60))
def test_a_path_is_of_no_use_for_another_attempt(other):
    paths = CallbackPaths("https://dialer.example.com", [SECRET])
    key_id, attempt, mac = parts(paths)

    assert paths.is_genuine(key_id, other, mac) == (other == attempt)


@given(mac=st.text(max_size=60))
def test_a_guessed_proof_is_not_genuine(mac):
    paths = CallbackPaths("https://dialer.example.com", [SECRET])
    key_id, attempt, right = parts(paths)

    assert paths.is_genuine(key_id, attempt, mac) == (mac == right)


@given(key_id=st.text(max_size=20))
def test_a_key_that_is_not_ours_is_not_genuine(key_id):
    paths = CallbackPaths("https://dialer.example.com", [SECRET])
    right, attempt, mac = parts(paths)

    assert paths.is_genuine(key_id, attempt, mac) == (key_id == right)


def test_a_proof_for_one_purpose_is_none_for_another():
    """Of the pages' forms, or of anything else that should come to be signed with a secret of ours."""
    paths = CallbackPaths("https://dialer.example.com", [SECRET])
    key_id, attempt, _ = parts(paths)
    for purpose in ("csrf", "next", "", "cb2"):
        digest = hmac.digest(SECRET.encode(), f"{purpose}|{attempt}".encode(), "sha256")
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")

        assert not paths.is_genuine(key_id, attempt, proof)


def test_the_proof_has_at_least_128_bits():
    assert len(parts(CallbackPaths("", [SECRET]))[2]) * 6 >= 128


def test_after_a_change_of_secret_old_paths_stay_genuine_and_new_ones_use_the_new():
    before, after = CallbackPaths("", [OLD]), CallbackPaths("", [SECRET, OLD])

    assert after.is_genuine(*parts(before))
    assert parts(after) == parts(CallbackPaths("", [SECRET]))


def test_a_secret_that_was_dropped_is_not_genuine_any_more():
    before, after = CallbackPaths("", [OLD]), CallbackPaths("", [SECRET])

    assert not after.is_genuine(*parts(before))


def test_there_is_no_receiver_without_a_secret():
    with pytest.raises(ValueError, match="secret"):
        CallbackPaths("https://dialer.example.com", [])
