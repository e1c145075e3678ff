"""What is told of settings that leave something open, and what is refused."""

from pathlib import Path

import pytest

from dialer.access.exposure import exposures
from dialer.settings import SettingsError, read_settings, require_dialling

DIALLING = {
    "exotel_api_key": "k",
    "exotel_api_token": "t",
    "exotel_account_sid": "s",
    "exotel_caller_id": "08000000000",
    "dialer_public_url": "https://dialer.example.com",
    "dialer_callback_secret": "a-secret-for-tests-of-32-letters",
}


def told(tmp_path: Path, **settings: str) -> list[tuple[str, bool]]:
    found = exposures(read_settings(env_file=None, **settings), tmp_path / ".env")
    return [(one.name, one.is_grave) for one in found]


@pytest.mark.parametrize(
    ("setting", "url", "is_told"),
    [
        ("dialer_public_url", "http://dialer.example.com", True),
        ("dialer_public_url", "http://192.168.1.5:8000", True),
        ("dialer_public_url", "https://dialer.example.com", False),
        ("dialer_public_url", "http://127.0.0.1:8000", False),
        ("dialer_public_url", "http://localhost:8000", False),
        ("dialer_public_url", "http://[::1]:8000", False),
        ("dialer_public_url", "http://localhost.example.com", True),
        ("exotel_base_url", "http://10.0.0.2:8080", True),
        ("exotel_base_url", "http://127.0.0.1:8080", False),
        ("exotel_details_base_url", "http://10.0.0.2:8080", True),
    ],
)
def test_plain_http_beyond_this_machine_is_told(tmp_path, setting, url, is_told):
    assert told(tmp_path, **{setting: url}) == ([("transport", True)] if is_told else [])


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("", []),
        ("unix:///run/redis.sock", []),
        ("redis://127.0.0.1:6379/0", []),
        ("redis://localhost", []),
        ("redis://redis.example.com:6379/0", ["redis login", "redis transport"]),
        ("redis://:secret@10.0.0.3:6379/0", ["redis transport"]),
        ("redis://10.0.0.3:6379/0?password=secret", ["redis transport"]),
        ("rediss://10.0.0.3:6379/0", ["redis login"]),
        ("rediss://dialer:secret@10.0.0.3:6379/0", []),
        ("redis+sentinel://10.0.0.3:26379,10.0.0.4:26379/main", ["redis login", "redis transport"]),
        ("rediss+sentinel://dialer:secret@10.0.0.3:26379/main", []),
        ("redis+sentinel://127.0.0.1:26379/main", []),
    ],
)
def test_a_redis_on_another_host_without_password_or_tls_is_told(tmp_path, url, names):
    assert [name for name, _ in told(tmp_path, redis_url=url)] == names


@pytest.mark.parametrize(
    ("text", "mode", "is_told"),
    [
        ("EXOTEL_API_TOKEN=hushhush\n", 0o644, True),
        ("export DIALER_API_KEY = hushhush\n", 0o640, True),
        ("REDIS_URL=redis://x\n", 0o604, True),
        ("EXOTEL_API_TOKEN=hushhush\n", 0o600, False),
        ("EXOTEL_API_TOKEN=\n# EXOTEL_API_KEY=x\nEXOTEL_RATE_LIMIT=5\n", 0o644, False),
    ],
)
def test_an_env_file_with_secrets_that_others_may_read_is_told(tmp_path, text, mode, is_told):
    env = tmp_path / ".env"
    env.write_text(text)
    env.chmod(mode)

    [*found] = exposures(read_settings(env_file=None), env)

    assert [one.name for one in found] == (["secrets"] if is_told else [])
    assert all(one.remedy == f"chmod 600 {env}" and "hushhush" not in one.says for one in found)


@pytest.mark.parametrize(("mode", "is_told"), [(0o755, True), (0o710, True), (0o700, False)])
def test_a_data_folder_that_others_may_enter_is_told(tmp_path, mode, is_told):
    """It was there before us: our own is made 0700, and what we write in it 0600."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(mode)

    found = told(tmp_path, dialer_data_dir=str(folder))

    assert found == ([("data folder", False)] if is_told else [])


@pytest.mark.parametrize(
    ("url", "is_refused"),
    [
        ("http://api.exotel.com", True),
        ("http://93.184.215.14", True),
        ("https://api.exotel.com", False),
        ("http://127.0.0.1:8080", False),
        ("http://10.0.0.2:8080", False),
        ("http://simulator:8080", False),
    ],
)
def test_the_account_s_key_is_not_sent_in_the_clear(url, is_refused):
    settings = read_settings(env_file=None, **DIALLING, exotel_base_url=url)

    if is_refused:
        with pytest.raises(SettingsError, match=r"EXOTEL_BASE_URL is http://.* set it to https://"):
            require_dialling(settings)
    else:
        require_dialling(settings)
