"""Nobody fills the disk, Redis or the places of others, by whatever way in."""

import os
import socket
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from dialer.access.api_keys import Scope
from dialer.clock import now
from dialer.store import CallbackInbox, Database, Fact
from tests.patience import until
from tests.web_kit import Site, one_site
from workers.web.intake import MOST_AT_ONCE, MOST_OF_KEY, Intake
from workers.web.live import (
    KEPT_FOR_NEWCOMERS,
    MOST_WATCHERS,
    MOST_WATCHERS_OF_KEY,
    TooManyWatchers,
    Watching,
)
from workers.web.problems import Problem

ATTEMPT = "7f3kq2xa-42-2-k3x9p0k3x9"
GB = 1_000_000_000


web = one_site(tidy_every_s=0.2)


def fact(attempt: str, body: bytes) -> Fact:
    return Fact("1-1", attempt, 0.0, "application/json", body)


def test_of_one_attempt_few_callbacks_without_a_place_are_kept_and_short(db: Database) -> None:
    facts = CallbackInbox(db)
    facts.set_aside(fact("theirs-1-1-x", b"{}"), why="unreadable")
    for _ in range(100):
        facts.set_aside(fact(ATTEMPT, b"x" * 65_536), why="unreadable")

    kept: list[Any] = db.client.xrange(db.key("orphans"))
    bodies = [fields[b"body"] for _, fields in kept]
    assert len(bodies) == 21
    assert bodies[0] == b"{}"
    assert max(map(len, bodies)) == 8_192


def test_callbacks_on_one_path_have_an_end_and_others_are_stored(web: Site) -> None:
    base = web.wiring.settings.dialer_public_url

    def send(attempt: str) -> int:
        path = web.wiring.paths.url(attempt).removeprefix(base)
        return web.client.post(path, content=b"x" * 65_000).status_code

    answers = [send(ATTEMPT) for _ in range(40)]

    assert answers[:20] == [200] * 20
    assert answers[-1] == 429
    assert send("7f3kq2xa-43-1-k3x9p0k3x9") == 200


def half_sent(web: Site, key: str) -> socket.socket:
    port = int(web.url.rpartition(":")[2])
    connection = socket.create_connection(("127.0.0.1", port), timeout=240)
    connection.sendall(
        f"POST /api/v1/campaigns HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n--b\r\n".encode()
    )
    return connection


def test_a_key_sends_so_many_files_at_once_and_leaves_room_for_others(web: Site) -> None:
    greedy, modest = web.key(Scope.UPLOAD), web.key(Scope.UPLOAD)
    incoming = web.wiring.settings.dialer_data_dir / "incoming"
    with ExitStack() as held:
        for _ in range(MOST_OF_KEY):
            held.enter_context(closing(half_sent(web, greedy)))
        until(
            lambda: len(list(incoming.glob("*.incoming"))) == MOST_OF_KEY,
            what="the uploads",
        )

        refused = web.upload(key=greedy, name="one-more")
        assert refused.status_code == 429
        assert refused.json()["code"] == "too_many_uploads"
        assert refused.headers["retry-after"]
        assert web.upload(key=modest, name="of-another").status_code == 201
    until(lambda: not list(incoming.glob("*.incoming")), what="the tidying")
    another = "agent,customer\n+919000000001,+919876543209\n"  # the same content is taken once
    assert web.upload(another, key=greedy, name="now").status_code == 201


def test_all_keys_together_send_so_many_files_at_once(tmp_path: Path) -> None:
    intake = Intake(free=lambda _: (500 * GB, 500 * GB))
    with ExitStack() as held:
        for number in range(MOST_AT_ONCE):
            held.enter_context(intake.taking(f"key{number}", tmp_path, 0))
        with pytest.raises(Problem) as refused, intake.taking("another", tmp_path, 0):
            pass
    assert (refused.value.status, refused.value.code) == (429, "too_many_uploads")
    with intake.taking("another", tmp_path, 0):
        pass


def test_files_that_the_disk_cannot_hold_are_refused_before_they_come(tmp_path: Path) -> None:
    intake = Intake(free=lambda _: (5 * GB, 100 * GB))
    with intake.taking("a", tmp_path, GB), intake.taking("b", tmp_path, GB):
        with pytest.raises(Problem) as refused, intake.taking("c", tmp_path, GB):
            pass
        assert (refused.value.status, refused.value.code) == (507, "disk_full")
        with intake.taking("c", tmp_path, 1_000):
            pass
    with pytest.raises(Problem):
        Intake(free=lambda _: (100_000_000, 100 * GB)).check_room(tmp_path)


def test_what_an_upload_left_behind_is_removed_while_the_process_runs(web: Site) -> None:
    incoming = web.wiring.settings.dialer_data_dir / "incoming"
    incoming.mkdir(parents=True, exist_ok=True)
    old, new = incoming / "old.incoming", incoming / "new.incoming"
    for one in (new, old):
        one.write_bytes(b"half a li")
    long_ago = now().timestamp() - 10_000
    os.utime(old, (long_ago, long_ago))

    until(lambda: not old.exists(), what="the tidying")
    assert new.exists()
    new.unlink()


def test_a_key_watches_so_much_and_places_are_kept_for_those_who_watch_nothing() -> None:
    watching: Any = Watching(None, None, Counter())  # type: ignore[arg-type]
    watching._watchers["greedy"] = MOST_WATCHERS_OF_KEY
    with pytest.raises(TooManyWatchers):
        watching._check_room("greedy")
    watching._check_room("modest")

    watching._watchers["many"] = MOST_WATCHERS - KEPT_FOR_NEWCOMERS - MOST_WATCHERS_OF_KEY
    watching._watchers["modest"] = 1
    with pytest.raises(TooManyWatchers):
        watching._check_room("modest")
    watching._check_room("newcomer")
