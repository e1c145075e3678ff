"""Sessions end: signed out of, idle for an hour, after twelve hours, with their key."""

import hashlib

import pytest

from dialer.access.api_keys import ApiKeys, Scope
from dialer.access.sessions import IDLE_S, LONGEST_S, Sessions
from tests.virtual_time import VirtualDatabase
from workers.web.access import Authenticator

SETTINGS_KEY = "a-key-in-the-settings-of-thirty"


@pytest.fixture
def sessions(db: VirtualDatabase) -> Sessions:
    return Sessions(db)


def stored_at(db: VirtualDatabase, token: str) -> str:
    return db.key("session", hashlib.sha256(token.encode()).hexdigest())


def door_of(db: VirtualDatabase, settings_key: str = "") -> Authenticator:
    keys = ApiKeys(db, settings_key=settings_key)
    return Authenticator(db, keys, settings_key=settings_key, faces_others=False)


def test_a_session_tells_its_key_until_it_is_ended(sessions):
    token = sessions.open("abc")
    before = sessions.key_of(token)

    sessions.end(token)

    assert (before, sessions.key_of(token)) == ("abc", None)


def test_tokens_are_random_and_redis_does_not_know_them(sessions, db):
    tokens = {sessions.open("abc") for _ in range(20)}

    assert len(tokens) == 20
    assert all(len(one) >= 43 for one in tokens)  # 256 bits
    everything = b"".join(
        name + (db.client.get(name) or b"") for name in db.client.keys(db.key("session", "*"))
    )
    assert not any(one.encode() in everything for one in tokens)


def test_a_session_that_nobody_uses_ends_after_an_hour(sessions, db):
    token = sessions.open("abc")
    opened_for_s = db.client.ttl(stored_at(db, token))
    db.client.expire(stored_at(db, token), 100)  # 3,500 s later

    sessions.key_of(token)

    assert IDLE_S - 5 <= opened_for_s <= IDLE_S
    assert IDLE_S - 5 <= db.client.ttl(stored_at(db, token)) <= IDLE_S


def test_a_session_ends_after_twelve_hours_however_much_it_is_used(sessions, db):
    token = sessions.open("abc")
    db.pass_time(LONGEST_S - 10)
    late = sessions.key_of(token)
    left_s = db.client.ttl(stored_at(db, token))

    db.pass_time(10)

    assert late == "abc"
    assert sessions.key_of(token) is None
    assert left_s > 10  # it was opened just now by Redis' own clock, so its start must have told


def test_a_session_is_never_prolonged_beyond_its_twelve_hours(sessions, db):
    token = sessions.open("abc")
    db.pass_time(LONGEST_S - 500)
    db.client.expire(stored_at(db, token), 100)

    sessions.key_of(token)

    assert 490 <= db.client.ttl(stored_at(db, token)) <= 500


def test_a_session_ends_with_its_key_whether_that_expired_or_was_revoked(db):
    authenticator, keys = door_of(db), ApiKeys(db)
    short, _ = keys.create("short", {Scope.READ}, expires_s=60)
    long, _ = keys.create("long", {Scope.READ})
    tokens = [Sessions(db).open(one.id) for one in (short, long)]
    before = [authenticator.by_session(one) is not None for one in tokens]

    db.pass_time(61)
    keys.revoke(long.id)

    assert before == [True, True]
    assert [authenticator.by_session(one) for one in tokens] == [None, None]


def test_another_key_in_the_settings_ends_the_sessions_of_the_one_before(db):
    authenticator = door_of(db, SETTINGS_KEY)
    token = authenticator.open_session(authenticator.by_key(SETTINGS_KEY))

    assert authenticator.by_session(token).name == "administrator"
    assert door_of(db, SETTINGS_KEY + "2").by_session(token) is None
    assert door_of(db).by_session(token) is None


def test_an_emptied_redis_ends_every_session(sessions, db):
    token = sessions.open("abc")

    db.client.flushdb()

    assert sessions.key_of(token) is None


def test_a_key_in_the_settings_may_hold_any_characters_and_counts_to_the_last(db):
    key = "ein Schlüssel, 鍵 & “more” " + "x" * 80
    authenticator = door_of(db, key)

    assert authenticator.by_key(key).name == "administrator"
    assert [
        authenticator.by_key(one) for one in (key[:-1], key + "x", key.upper(), key.strip("ein"))
    ] == [None] * 4
