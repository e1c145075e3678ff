"""The steps of a dial are functions that Redis keeps: loaded by whoever finds them missing, and no promise of theirs."""

import secrets

import pytest
import redis

from dialer.dialing.releasing import Release
from dialer.store import Database
from dialer.store.functions import KeptScript, Written, forget_functions

RELEASE = Release(1, 10.0, "token", 0, 0, 3.0, 0, "", 0.0, 1e12)
ANSWERS_ARGUMENT = Written("local function run() return ARGV[1] .. KEYS[1] end")


@pytest.fixture
def db(redis_client: "redis.Redis") -> Database:
    redis_client.function_flush()
    return Database(redis_client, f"kept{secrets.token_hex(4)}")


def libraries(client: "redis.Redis") -> list[str]:
    return sorted(one[1].decode() for one in client.function_list())


def calls(client: "redis.Redis", command: str) -> int:
    return client.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"]


def user_without(client: "redis.Redis", right: str) -> "redis.Redis":
    name = f"less{secrets.token_hex(4)}"
    client.acl_setuser(name, enabled=True, nopass=True, keys="*", commands=["+@all", right])
    options = {**client.connection_pool.connection_kwargs, "username": name, "password": "any"}
    pool = redis.ConnectionPool(client.connection_pool.connection_class, **options)
    return redis.Redis(connection_pool=pool)


def test_a_step_is_loaded_once_and_then_called_by_its_name(db):
    sent = calls(db.client, "script|load") + calls(db.client, "evalsha")
    for _ in range(3):
        assert db.run(RELEASE)[0] == b"nothing"

    (name,) = libraries(db.client)
    assert name.startswith("dialer_release_")
    assert calls(db.client, "script|load") + calls(db.client, "evalsha") == sent


def test_a_server_that_lost_its_functions_is_given_them_again(db):
    db.run(RELEASE)
    before = libraries(db.client)
    db.client.function_flush()

    assert db.run(RELEASE)[0] == b"nothing"
    assert libraries(db.client) == before


@pytest.mark.parametrize("right", ["-function|load", "-fcall"])
def test_a_user_who_may_not_keep_functions_runs_the_same_as_a_script(db, right):
    allowed = db.run(RELEASE)
    db.client.function_flush()
    less = Database(user_without(db.client, right), db.account)

    assert [less.run(RELEASE)[0] for _ in range(2)] == [allowed[0]] * 2
    assert libraries(db.client) == []


def test_versions_run_side_by_side(db):
    other = Written(ANSWERS_ARGUMENT.text.replace("ARGV[1] ..", "ARGV[1] .. '+' .."))
    earlier, later = (KeptScript(db.client, "gate", one) for one in (ANSWERS_ARGUMENT, other))

    assert [one(keys=["k"], args=["a"]) for one in (earlier, later, earlier)] == [
        b"ak",
        b"a+k",
        b"ak",
    ]
    assert len(libraries(db.client)) == 2


def test_what_earlier_versions_kept_is_forgotten_and_who_runs_it_yet_loads_it_again(db):
    kept = KeptScript(db.client, "gate", ANSWERS_ARGUMENT)
    kept(keys=["k"], args=["a"])
    db.client.function_load(
        "#!lua name=others\nredis.register_function('others', function() return 1 end)"
    )

    assert forget_functions(db.client) == 1
    assert libraries(db.client) == ["others"]
    assert kept(keys=["k"], args=["a"]) == b"ak"


def test_an_error_of_a_function_says_where_it_was(db):
    broken = KeptScript(db.client, "gate", Written("local function run() return nil + 1 end"))

    with pytest.raises(redis.ResponseError, match="user_function:"):
        broken(keys=["k"], args=[])


def test_which_server_it_is_a_function_asks_once(db):
    db.run(RELEASE)
    asked = calls(db.client, "info")  # this question counts itself

    for _ in range(3):
        db.run(RELEASE)

    assert calls(db.client, "info") == asked + 1
