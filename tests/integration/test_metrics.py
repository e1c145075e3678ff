"""Metrics keep Prometheus' conventions, and whatever reads them reads what is there."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from dialer import logs
from dialer.meters import ANSWER, GATE_WAIT, LOOKUPS, METERS, Meters
from dialer.store import Holds
from dialer.store.measured import add_measured
from dialer.store.webhooks import Result, Standing, Webhooks
from tests.factories import events_after, pair, store_campaign
from tests.web_kit import ADMIN_KEY, Site, settings_for, site
from workers.heartbeat import beating
from workers.metrics import Accounts, registry_of
from workers.wiring import Wiring

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
DASHBOARD = ROOT / "deploy/grafana/dialer.json"
BEARER = {"Authorization": f"Bearer {ADMIN_KEY}"}

# rows of the table of alarms that no figure tells of
NO_METRIC = {
    "429 `too_many_uploads`, 507 `disk_full`",  # answers to one client
    "`not_durable` in `attempt_refused`",  # host_sick follows, and has one
    "a process keeps restarting with exit code 2",  # it never gets so far; its supervisor knows
}


@pytest.fixture
def web(redis_server, db, tmp_path) -> Iterator[Site]:
    with site(settings_for(redis_server, db.account, tmp_path)) as found:
        yield found


def tell(web: Site, meters: Meters) -> None:
    """Do what a heartbeat does."""
    with web.wiring.redis.pipeline() as pipe:
        add_measured(web.wiring.db, pipe, meters.take())
        pipe.execute()


def measure_everything(web: Site) -> None:
    """Let each meter have a reading, and each state a contact."""
    meters = Meters()
    for one in METERS.values():
        labels = ["x"] * len(one.labels)
        if one.bounds:
            meters.observe(one, 0.3, *labels)
        else:
            meters.count(one, *labels)
    tell(web, meters)
    store_campaign(web.wiring.db, [pair(1, 1)])
    web.wiring.receivers.add("https://crm.example.com/hooks/dialer")


def families(web: Site):
    answer = web.client.get("/metrics", headers=BEARER)
    return list(text_string_to_metric_families(answer.raise_for_status().text))


def samples(web: Site) -> dict[tuple[str, ...], float]:
    """Read each sample by its name and the values of its labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families(web)
        for sample in family.samples
    }


def names_told(web: Site) -> set[str]:
    return {sample.name for family in families(web) for sample in family.samples}


def names_read(expression: str) -> set[str]:
    """Find the metrics in an expression: what begins as ours do, outside of quotes."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    return set(re.findall(r"\bdialer[a-z0-9_:]+", bare))


def alerts() -> list[dict]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_names_follow_the_conventions_and_each_is_of_an_account(web):
    measure_everything(web)

    for family in families(web):
        assert re.fullmatch(r"dialer_[a-z][a-z0-9_]+", family.name), family.name
        assert family.documentation.endswith("."), family.name
        assert not re.search(r"_(ms|millis|minutes|hours|kb|mb|percent)$", family.name)
        if family.type == "histogram":
            assert family.name.endswith("_seconds")
        if family.type == "counter":
            assert {one.name for one in family.samples} == {f"{family.name}_total"}
        for sample in family.samples:
            is_servers = sample.name.startswith("dialer_redis_")
            told = web.wiring.name if not is_servers else None
            assert sample.labels.get("account") == told, sample.name


def test_histograms_add_up_over_processes_and_their_buckets_are_cumulative(web):
    one, other = Meters(), Meters()
    one.observe(ANSWER, 0.2, "200")
    one.observe(ANSWER, 100.0, "200")
    other.observe(ANSWER, 0.2, "200")
    other.observe(ANSWER, 1.0, "none")
    tell(web, one)
    tell(web, other)
    told, account = samples(web), web.wiring.name

    buckets = {
        sample.labels["le"]: sample.value
        for family in families(web)
        for sample in family.samples
        if sample.name == "dialer_answer_seconds_bucket" and sample.labels["status"] == "200"
    }
    assert list(buckets.values()) == sorted(buckets.values())
    assert (buckets["0.1"], buckets["0.25"], buckets["60.0"], buckets["+Inf"]) == (0, 2, 2, 3)
    assert told["dialer_answer_seconds_count", account, "200"] == 3
    assert told["dialer_answer_seconds_sum", account, "200"] == pytest.approx(100.4)
    assert told["dialer_answer_seconds_count", account, "none"] == 1


def test_accounts_of_one_installation_share_each_family_and_are_told_apart(web, tmp_path):
    settings = web.wiring.settings
    other = Wiring(
        settings.model_copy(update={"exotel_account_sid": "another"}),
        home=web.wiring,
        name="acme",
    )
    both = generate_latest(registry_of(Accounts([web.wiring, other]))).decode()

    assert both.count("# TYPE dialer_held gauge") == 1
    held = [line for line in both.splitlines() if line.startswith("dialer_held{")]
    assert held == [f'dialer_held{{account="{one}"}} 0.0' for one in (web.wiring.name, "acme")]
    assert both.count("\ndialer_redis_memory_used_bytes ") == 1


def test_what_could_not_be_told_is_told_later_and_once():
    meters = Meters()
    meters.count(LOOKUPS, "answered")
    taken = meters.take()
    meters.observe(GATE_WAIT, -1.0)  # clocks differ
    meters.give_back(taken)

    again = meters.take()

    assert again.items() >= taken.items()
    assert not meters.take()


def test_a_figure_of_another_version_is_left_out(web):
    web.wiring.redis.hset(web.wiring.db.key("meters"), '["gone","x","sum"]', 1)

    assert web.client.get("/metrics", headers=BEARER).status_code == 200


def test_each_receiver_tells_what_it_took_what_waits_and_how_it_is(web):
    receivers, account = web.wiring.receivers, web.wiring.name
    going = receivers.add("https://crm.example.com/going", since="")
    failing = receivers.add("https://crm.example.com/failing", since="")
    paused = receivers.add("https://crm.example.com/paused", since="")
    receivers.pause(paused)
    holds = Holds(web.wiring.db)
    holds.set_by_hand("so that something is told")
    told = [one.id for one in events_after(web.wiring.outbox)]
    webhooks, now_s = Webhooks(web.wiring.db), web.wiring.db.now()
    for webhook, standing, result in (
        (going, Standing(cursor=told[-1]), Result(delivered=len(told), log="{}")),
        (failing, Standing(cursor="0-0", tries=1, failing_since=now_s), Result(log="{}")),
    ):
        assert webhooks.lease(webhook.id, "x")
        assert webhooks.write(webhook.id, "x", standing, result)

    found = samples(web)

    def of(name: str) -> list[float]:
        return [found[name, account, one.id] for one in (going, failing, paused)]

    assert of("dialer_webhook_delivered_total") == [len(told), 0, 0]
    assert of("dialer_webhook_failed_total") == [0, 1, 0]
    assert of("dialer_webhook_pending") == [0, len(told), len(told)]
    oldest = of("dialer_webhook_oldest_seconds")
    assert oldest[0] == 0
    assert min(oldest[1:]) >= 0
    assert [
        found["dialer_webhook_circuit", account, state, one.id]
        for one, state in ((going, "closed"), (failing, "open"), (paused, "paused"))
    ] == [1, 1, 1]
    receivers.remove(failing)
    assert not any(failing.id in one for one in samples(web))


def test_full_memory_is_a_metric(web):
    told = samples(web)

    assert told[("dialer_redis_memory_used_bytes",)] > 0
    assert ("dialer_redis_memory_max_bytes",) in told


def test_every_alert_reads_metrics_that_are_there(web):
    measure_everything(web)
    rules = alerts()
    there = names_told(web) | {rule["record"] for rule in rules if "record" in rule}

    missing = {name for rule in rules for name in names_read(rule["expr"])} - there

    assert missing == set()
    assert len({rule.get("alert", rule.get("record")) for rule in rules}) == len(rules)
    for rule in rules:
        if "alert" in rule:
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert rule["annotations"]["summary"].endswith(".")


def test_every_event_of_an_alert_is_one_that_is_logged():
    source = "".join(
        path.read_text(encoding="utf-8")
        for package in ("campaigns", "dialer", "workers")
        for path in (ROOT / package).rglob("*.py")
    )
    logged = set(re.findall(r'\b(?:warning|error|exception|say)\(\s*"(\w+)"', source))
    for rule in alerts():
        for events in re.findall(r'event=~?"([^"]+)"', rule["expr"]):
            assert set(events.split("|")) <= logged


def test_each_alarm_of_the_manual_is_raised_by_an_alert_or_said_to_have_none():
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    table = text.partition("| alarm | means | do |")[2].partition("\n\n")[0]
    rows = [line.split(" | ")[0].lstrip("| ") for line in table.splitlines()[2:]]
    words = {rule["annotations"].get("alarm") for rule in alerts() if "alert" in rule} - {None}

    assert [row for row in rows if not any(word in row for word in words)] == [
        row for row in rows if row in NO_METRIC
    ]
    assert [word for word in words if not any(word in row for row in rows)] == []


def test_the_dashboard_reads_metrics_that_are_there(web):
    measure_everything(web)
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]

    assert {name for one in expressions for name in names_read(one)} - names_told(web) == set()
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_the_page_of_metrics_names_those_that_are_told_and_no_others(web):
    measure_everything(web)
    text = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    table = text.partition("| metric | labels | tells |")[2].partition("\n\n")[0]
    first = [line.split(" | ")[0] for line in table.splitlines()[2:]]
    named = {name for cell in first for name in re.findall(r"`(dialer_\w+)`", cell)}
    told = {
        f"{one.name}_total" if one.type == "counter" else one.name
        for one in families(web)
        if not one.name.startswith("dialer_day_") or not one.name.endswith("_limit")
    }

    assert named == told


def test_warnings_and_errors_are_counted_by_the_event_they_name(web):
    """What only a log line tells is an alarm all the same."""
    logs.take_counted()
    for level in ("error", "error", "info"):
        logs._count(None, "", {"level": level, "event": "sid_taken"})
    with beating([web.wiring], role="results"):
        pass  # the last beat tells at the latest

    told = samples(web)
    assert told["dialer_log_events_total", web.wiring.name, "sid_taken", "error"] == 2


def test_promtool_accepts_the_alerts_where_it_is():
    promtool = shutil.which("promtool")
    command = [promtool, "check", "rules", str(ALERTS)] if promtool else ["true"]

    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
