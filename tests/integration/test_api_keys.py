"""Keys: in force until they expire or are revoked, and no longer than the key that made them."""

import pytest

from dialer.access.api_keys import YEAR_S, ApiKeys, Scope
from tests.virtual_time import VirtualDatabase

READ = {Scope.READ}
SETTINGS_KEY = "a-key-in-the-settings-of-thirty"


@pytest.fixture
def keys(db: VirtualDatabase) -> ApiKeys:
    return ApiKeys(db)


def test_a_key_is_in_force_for_a_year_unless_told_otherwise(keys, db):
    _, usual = keys.create("usual", READ)
    _, short = keys.create("short", READ, expires_s=60)

    db.pass_time(59)
    both = [keys.find(usual), keys.find(short)]
    db.pass_time(2)
    one = [keys.find(usual), keys.find(short)]
    db.pass_time(YEAR_S)

    assert [found and found.name for found in both] == ["usual", "short"]
    assert [found and found.name for found in one] == ["usual", None]
    assert keys.find(usual) is None


def test_a_key_stored_before_keys_expired_gets_its_year(keys, db):
    key, text = keys.create("old", READ)
    stored = db.client.hget(db.key("api_keys"), key.id)
    db.client.hset(
        db.key("api_keys"),
        key.id,
        stored.replace(b'"expires_at"', b'"was"').replace(b"made_by", b"x"),
    )

    assert keys.find(text).name == "old"
    db.pass_time(YEAR_S + 1)
    assert keys.find(text) is None


def test_a_key_for_masked_figures_is_made_with_that_scope_and_with_no_other_beside_it(keys):
    key, text = keys.create("figures", {Scope.READ_MASKED})

    with pytest.raises(ValueError, match="stands alone"):
        keys.create("more", {Scope.READ_MASKED, Scope.READ})

    assert key.scopes == {Scope.READ_MASKED}
    assert keys.find(text)


def test_with_a_key_in_the_settings_somebody_can_come_in_and_with_an_expired_one_nobody(keys, db):
    keys.create("short", READ, expires_s=60)
    before = keys.any_in_force()
    db.pass_time(61)

    assert (before, keys.any_in_force()) == (True, False)
    assert ApiKeys(db, settings_key=SETTINGS_KEY).any_in_force()


def test_what_a_key_made_ends_with_it_down_to_the_last(keys):
    parent, _ = keys.create("parent", {Scope.ADMIN})
    child, child_text = keys.create("child", {Scope.ADMIN}, made_by=parent.id)
    _, grandchild_text = keys.create("grandchild", READ, made_by=child.id)
    _, other_text = keys.create("other", READ)

    ended = keys.revoke(parent.id)

    assert len(ended) == 3
    assert keys.find(child_text) is None
    assert keys.find(grandchild_text) is None
    assert keys.find(other_text).name == "other"
    assert [one.name for one in keys.all()] == ["other"]


def test_a_key_made_while_its_maker_was_revoked_opens_nothing(keys):
    parent, _ = keys.create("parent", {Scope.ADMIN})
    keys.revoke(parent.id)

    _, late = keys.create("late", READ, made_by=parent.id)

    assert keys.find(late) is None


def test_a_key_expires_no_later_than_the_one_that_made_it(keys):
    parent, _ = keys.create("parent", {Scope.ADMIN}, expires_s=100)

    child, _ = keys.create("child", READ, made_by=parent.id)

    assert child.expires_at == parent.expires_at


def test_keys_made_with_the_settings_key_end_when_that_is_changed(db):
    before = ApiKeys(db, settings_key=SETTINGS_KEY)
    _, text = before.create("child", READ, made_by=before.settings_id)

    assert before.find(text).name == "child"
    assert ApiKeys(db, settings_key=SETTINGS_KEY + "2").find(text) is None
    assert ApiKeys(db).find(text) is None


def test_when_a_key_was_last_used_is_written_at_most_once_a_minute(keys, db):
    key, _ = keys.create("a", READ)
    never = keys.all()[0].last_used_at
    keys.note_use(key.id)
    first = keys.all()[0].last_used_at
    db.pass_time(30)

    keys.note_use(key.id)

    assert never is None
    assert first is not None
    assert keys.all()[0].last_used_at == first


def test_that_keys_were_made_is_not_forgotten_with_the_last_of_them_nor_with_redis(db, tmp_path):
    keys = ApiKeys(db, data_dir=tmp_path / "var")
    none = keys.were_made()
    key, _ = keys.create("only", READ)
    keys.revoke(key.id)
    in_redis = ApiKeys(db).were_made()
    db.client.flushdb()

    assert (none, in_redis) == (False, True)
    assert keys.were_made()
    assert ApiKeys(db, data_dir=tmp_path / "var").were_made()
    assert (tmp_path / "var" / "keys_made").stat().st_mode & 0o077 == 0


def test_who_sees_a_key_of_another_host_remembers_it_in_its_own_folder(db, tmp_path):
    ApiKeys(db, data_dir=tmp_path / "there").create("elsewhere", READ)
    ApiKeys(db, data_dir=tmp_path / "here").were_made()

    db.client.flushdb()

    assert ApiKeys(db, data_dir=tmp_path / "here").were_made()


def test_a_key_in_the_settings_counts_as_made_once_it_is_taken_out_again(db, tmp_path):
    ApiKeys(db, data_dir=tmp_path, settings_key=SETTINGS_KEY).were_made()

    assert ApiKeys(db, data_dir=tmp_path).were_made()
