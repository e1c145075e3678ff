"""What a process thinks of the Redis it is started on."""

import pytest
import redis
from structlog.testing import capture_logs

from dialer.settings import SettingsError
from tests.factories import pair, store_campaign
from tests.web_kit import settings_for
from workers.redis_fitness import require_fit_redis
from workers.wiring import Wiring


@pytest.fixture
def configured(redis_client):
    """Change the server's settings for one test."""
    before = {}

    def configure(settings):
        for name, value in settings.items():
            before[name] = redis_client.config_get(name)[name]
            redis_client.config_set(name, value)

    yield configure
    for name, value in before.items():
        redis_client.config_set(name, value)


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_r5_a_process_does_not_start_on_a_server_that_evicts(redis_client, configured, policy):
    configured({"maxmemory-policy": policy})

    with pytest.raises(SettingsError, match=f"{policy}.*set maxmemory-policy noeviction"):
        require_fit_redis(redis_client)


def test_a_process_says_loudly_what_a_server_without_a_log_may_lose(redis_client, configured):
    configured({"maxmemory-policy": "noeviction", "appendonly": "no"})

    with capture_logs() as logs:
        require_fit_redis(redis_client)

    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("redis_may_lose_data", "error")
    ]
    assert "appendonly" in logs[0]["why"]


def test_a_server_that_is_away_is_waited_for(tmp_path):
    with redis.Redis(unix_socket_path=str(tmp_path / "none")) as client, capture_logs() as logs:
        require_fit_redis(client)

    assert [line["event"] for line in logs] == ["redis_not_examined"]


def test_contacts_that_another_version_laid_out_otherwise_are_not_misread(redis_server, tmp_path):
    wiring = Wiring(settings_for(redis_server, "layouts", tmp_path))
    assert not wiring.campaigns.unarchived()  # an empty account is anybody's
    store_campaign(wiring.db, [pair(1, 1)])
    assert Wiring(wiring.settings).campaigns.unarchived()

    wiring.redis.hdel(wiring.db.key("account"), "layout")

    with pytest.raises(SettingsError, match=r"another version.*REDIS_URL"):
        Wiring(wiring.settings).campaigns.unarchived()


def test_a_server_that_is_away_is_not_asked_who_stored_its_contacts(redis_server, tmp_path):
    settings = settings_for(redis_server, "away", tmp_path, redis_url=f"unix://{tmp_path / 'none'}")

    assert Wiring(settings).db.account == "away"
