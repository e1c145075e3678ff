"""Lua has by name, and as what it is, whatever a script is given."""

from dialer.store.scripts import arguments, taken_apart
from tests.unit.test_scripts import Everything, Pair


def test_lua_gets_numbers_truths_and_nothing_as_such(redis_client):
    answer = redis_client.eval(
        taken_apart(Everything)
        + "\nreturn {given.name, tostring(given.why), given.seconds * 2, tostring(given.until_s),"
        " tostring(given.is_late), #given.pairs, given.pairs[2].agent, given.pairs[2].n + 1}",
        0,
        *arguments(Everything("a", None, 1.5, None, False, [Pair("1", 2), Pair("3", 4)])),
    )

    assert answer == [b"a", b"nil", 3, b"nil", b"false", 2, b"3", 5]
