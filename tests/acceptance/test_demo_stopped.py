"""The demo, stopped and killed in the middle. `make chaos` runs these: each start of it is all processes'."""

import secrets
import signal

import pytest

from tests.acceptance.test_demo import demo, left_in, until_dialling

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_ends_the_demo_and_all_it_started(tmp_path, signum):
    with demo(tmp_path, secrets.token_hex(8)) as process:
        until_dialling(process)
        process.send_signal(signum)
        told, _ = process.communicate(timeout=240)

    assert process.returncode == 128 + signum
    assert "stopping" in told
    assert not left_in(tmp_path)


def test_what_a_killed_demo_left_behind_is_removed_by_the_next(tmp_path):
    with demo(tmp_path, secrets.token_hex(8)) as process:
        until_dialling(process)
        process.kill()
        process.communicate(timeout=240)
    [killed] = left_in(tmp_path)

    with demo(tmp_path, secrets.token_hex(8)) as process:
        until_dialling(process)
        [current] = left_in(tmp_path)
        process.terminate()
        process.communicate(timeout=240)

    assert current != killed
