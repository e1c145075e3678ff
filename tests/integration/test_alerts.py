"""Alerts: told once and when it is over, by one of several processes, whatever hangs or dies."""

import json
import os
import signal
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zoneinfo import ZoneInfo

import httpx
import pytest

from campaigns.alert_rules import Way
from campaigns.alerts import AlertKind, Limits
from campaigns.campaign import CampaignState
from campaigns.events import EventKind
from dialer.alerting.balances import EVERY_S, Balances
from dialer.alerting.desk import AlertDesk, BadAlertRule, NoSuchRule
from dialer.alerting.telling import Telling
from dialer.alerting.watch import Watch
from dialer.errors import NotDone
from dialer.events.outbox import Outbox, Wanted
from dialer.exotel import Exotel
from dialer.pacing import Allowance, Pacing
from dialer.settling.lookups import Lookups
from dialer.simulator import SimulatorOptions
from dialer.store import Campaigns, Holds
from dialer.store.alerts import Alerts
from dialer.store.processes import ROLES
from dialer.webhooks.sending import Sender
from tests.factories import customer, events_after, give_life, pair, store_campaign
from tests.patience import until
from tests.virtual_time import commands_run
from workers.sandbox import running


class Mailbox(socketserver.StreamRequestHandler):
    """Enough of SMTP to take a message, or to hang."""

    def handle(self) -> None:
        server = self.server
        if server.hangs.is_set():
            server.stop.wait()
            return
        self.say("220 mailbox")
        for line in iter(self.rfile.readline, b""):
            word = line[:4].upper().decode()
            if word == "DATA":
                self.say("354 go on")
                body = iter(self.rfile.readline, b".\r\n")
                server.mails.append(b"".join(body).decode())
                self.say("250 taken")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 mailbox" if word != "EHLO" else "250-mailbox\r\n250 8BITMIME")

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def serving(server) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def mailbox():
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox)
    server.daemon_threads = True
    server.mails, server.stop, server.hangs = [], threading.Event(), threading.Event()
    with serving(server):
        yield server


class Chat(BaseHTTPRequestHandler):
    """Takes what is posted; answers what it is told to."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.posts.append((self.path, self.headers["idempotency-key"], json.loads(body)))
        self.send_response(self.server.answers)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def chat():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    server.posts, server.answers, server.stop = [], 200, threading.Event()
    server.url = f"http://127.0.0.1:{server.server_address[1]}/hook/s3cr3t"
    with serving(server):
        yield server


@pytest.fixture
def telling(mailbox):
    with Sender(["127.0.0.1"]) as sender:
        yield Telling(
            sender,
            smtp_url=f"smtp://127.0.0.1:{mailbox.server_address[1]}",
            sender="dialer@example.com",
        )


@pytest.fixture
def desk(db, telling):
    return AlertDesk(db, telling, account="", zone="Asia/Kolkata", keeps_events=True)


@pytest.fixture
def make(db, telling, tmp_path):
    """Make a process that watches."""

    def made(holder: str = "a", why: str = "", balance_at=lambda _: None) -> Watch:
        outbox = Outbox(db, account="main", folder=tmp_path / "events")
        return Watch(
            db,
            outbox,
            telling,
            account="",
            holder=holder,
            why=lambda _: why,
            balance_at=balance_at,
        )

    return made


@pytest.fixture
def watch(make):
    return make()


def step(db, watch: Watch, *, passes: float = 61) -> None:
    """Let time pass, look, and wait until everybody was told."""
    db.pass_time(passes)
    watch.tick()
    watch.settle(30)


def hold(db) -> None:
    Holds(db).set_by_hand("somebody looks at the books")


def free(db) -> None:
    assert Holds(db).release(hand=Holds(db).read().hand, machine=None)


def subjects(mailbox) -> list[str]:
    return [
        line.removeprefix("Subject: ").strip()
        for mail in mailbox.mails
        for line in mail.splitlines()
        if line.startswith("Subject: ")
    ]


def test_a_hold_is_told_once_and_when_it_is_over(db, desk, watch, mailbox):
    desk.add(Way.EMAIL, "ops@example.com", kinds=[AlertKind.HELD])
    hold(db)

    for _ in range(5):
        step(db, watch)
    free(db)
    for _ in range(5):
        step(db, watch)

    began, over = subjects(mailbox)
    assert began.startswith("[dialer] Nothing is dialled, the account is on hold")
    assert over.startswith("[dialer] Over: nothing is dialled")
    assert desk.standing() == []


def test_of_several_processes_one_tells(db, desk, make, mailbox):
    desk.add(Way.EMAIL, "ops@example.com", kinds=[AlertKind.HELD])
    hold(db)
    watches = [make("a"), make("b"), make("c")]

    for _ in range(4):
        db.pass_time(31)
        for one in watches:
            one.tick()
        for one in watches:
            one.settle(30)

    assert len(subjects(mailbox)) == 1


def test_who_takes_the_watch_over_tells_again_only_what_was_not_noted_and_under_the_same_id(
    db, desk, make, chat
):
    """As after a kill -9 between the sending and its note."""
    desk.add(Way.SLACK, chat.url, kinds=[AlertKind.HELD])
    hold(db)
    first = make("a")
    step(db, first)
    step(db, first)
    (alert,) = Alerts(db).standing()
    (told,) = chat.posts
    Alerts(db).note(type(alert)(**{**as_dict(alert), "told_at": 0.0}))
    db.client.delete(f"{db.prefix}alerts_watched_by")

    second = make("b")
    step(db, second)
    step(db, second)

    assert [one[1] for one in chat.posts] == [told[1], told[1]]


def as_dict(alert) -> dict:
    return {name: getattr(alert, name) for name in alert.__dataclass_fields__}


def test_a_process_that_is_killed_while_it_tells_leaves_it_to_its_successor(
    db, desk, make, mailbox
):
    desk.add(Way.EMAIL, "ops@example.com", kinds=[AlertKind.HELD])
    hold(db)
    mailbox.hangs.set()
    child = os.fork()
    if not child:
        doomed = make("doomed")
        for _ in range(2):
            db.pass_time(61)
            doomed.tick()
        signal.pause()
    until(lambda: Alerts(db).standing(), what="an alert that stands")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    mailbox.hangs.clear()
    db.client.delete(f"{db.prefix}alerts_watched_by")
    (alert,) = Alerts(db).standing()

    successor = make("successor")
    step(db, successor)
    step(db, successor)

    assert len(mailbox.mails) == 1
    assert f"<{alert.id}@example.com>" in mailbox.mails[0]


def test_a_mail_server_that_hangs_holds_up_neither_the_look_nor_anybody_else(
    db, desk, watch, mailbox, chat
):
    mailbox.hangs.set()
    desk.add(Way.EMAIL, "ops@example.com", kinds=[AlertKind.HELD])
    desk.add(Way.TEAMS, chat.url, kinds=[AlertKind.HELD])
    hold(db)

    for _ in range(3):
        db.pass_time(61)
        watch.tick()

    until(lambda: chat.posts, what="the other's message")


def test_a_receiver_that_is_away_is_told_later_and_its_answer_is_kept(db, desk, watch, chat):
    desk.add(Way.SLACK, chat.url, kinds=[AlertKind.HELD])
    hold(db)
    chat.answers = 503
    for _ in range(3):
        step(db, watch)
    (alert,) = desk.standing()
    assert alert.error.startswith("503")
    chat.answers = 200

    step(db, watch, passes=600)

    (alert,) = desk.standing()
    assert alert.told_at
    assert alert.error == ""
    assert len({one[1] for one in chat.posts}) == 1


def test_what_was_over_before_anybody_could_be_told_is_not_told(db, desk, watch, mailbox):
    all_day = "00:00-23:59"
    desk.add(Way.EMAIL, "ops@example.com", kinds=[AlertKind.HELD], quiet=all_day)
    hold(db)
    for _ in range(3):
        step(db, watch)
    assert len(desk.standing()) == 1

    free(db)
    for _ in range(3):
        step(db, watch)

    assert desk.standing() == []
    assert mailbox.mails == []


def test_what_still_stands_after_quiet_hours_is_told_then(db, desk, watch, mailbox):
    quiet = quiet_for_an_hour(db)
    desk.add(Way.EMAIL, "ops@example.com", kinds=[AlertKind.HELD], quiet=quiet, zone="UTC")
    hold(db)
    for _ in range(3):
        step(db, watch)
    assert mailbox.mails == []

    step(db, watch, passes=7200)

    assert len(mailbox.mails) == 1


def quiet_for_an_hour(db) -> str:
    minute = int(db.now() // 60) % 1440
    until_ = (minute + 60) % 1440
    return f"{minute // 60:02}:{minute % 60:02}-{until_ // 60:02}:{until_ % 60:02}"


def test_a_campaign_that_is_completed_is_told_once_with_what_came_of_it(
    account, db, desk, watch, chat
):
    store_campaign(db, [pair(7, 7)], name="before")
    account.dial_and_end()
    db.pass_time(10)
    desk.add(Way.SLACK, chat.url, kinds=[AlertKind.COMPLETED])
    watch.tick()
    store_campaign(db, [pair(1, 1), pair(2, 2)])
    account.dial_and_end()

    for _ in range(3):
        step(db, watch)

    ((_, _, told),) = chat.posts
    assert "Campaign sale is completed: 2 contacts, 2 conversations." in told["text"]
    assert desk.standing() == []


def test_a_campaign_that_paused_by_itself_is_told_with_its_reason_and_no_number(
    db, desk, watch, chat
):
    campaign = store_campaign(db, [pair(1, 1)])
    desk.add(Way.TEAMS, chat.url, kinds=[AlertKind.PAUSED])
    found = Campaigns(db).find(campaign)
    Campaigns(db).move(found, CampaignState.PAUSED, why=f"no such caller id {customer(3)}")

    step(db, watch)

    ((_, _, told),) = chat.posts
    card = told["attachments"][0]["content"]["body"][1]["text"]
    assert "has paused by itself: no such caller id +91******" in card
    assert customer(3) not in json.dumps(told)


def test_nothing_dialled_although_contacts_are_due_is_told_with_what_binds(
    account, db, desk, make, mailbox
):
    watch = make(why="No worker runs, so nothing is dialled.")
    desk.add(
        Way.EMAIL,
        "ops@example.com",
        kinds=[AlertKind.NOTHING_DIALLED],
        limits=Limits(idle_min=5),
    )
    store_campaign(db, [pair(1, 1)])
    account.feeding.keep_schedules()
    for _ in range(4):
        step(db, watch)
    assert mailbox.mails == []

    step(db, watch, passes=120)

    assert "No worker runs" in mailbox.mails[0].replace("\n", " ")


def test_a_missing_process_is_told_and_when_it_is_back(db, desk, watch, mailbox):
    desk.add(Way.EMAIL, "ops@example.com", kinds=[AlertKind.PROCESS_MISSING])
    beat(db, *(role for role in ROLES if role != "worker"))
    for _ in range(3):
        step(db, watch)
    beat(db, "worker")
    for _ in range(3):
        step(db, watch)

    began, over = subjects(mailbox)
    assert began == "[dialer] No process lives that is a worker"
    assert over == "[dialer] Over: no process lives that is a worker"


def beat(db, *roles: str) -> None:
    for role in roles:
        assert role in ROLES
        give_life(db, role, "one")


@pytest.fixture
def simulated():
    with running(SimulatorOptions(balance=812.5, latency_ms=(0, 1))) as url:
        yield url


@pytest.fixture
def balances(db, simulated):
    """Make a process that asks the simulator for the balance."""
    with ExitStack() as open_:

        def made(pacing: Pacing) -> Balances:
            client = open_.enter_context(
                Exotel(
                    account_sid="demo",
                    api_key="demo-key",
                    api_token="demo-token",
                    base_url=simulated,
                    details_base_url=simulated,
                    timezone=ZoneInfo("Asia/Kolkata"),
                    clock_s=time.monotonic,
                )
            )
            return Balances(db, client, Lookups(client, pacing, sleep=db.pass_time))

        yield made


def asked(simulated: str) -> int:
    """How often the provider was asked for the balance, as it counts."""
    reads = httpx.get(f"{simulated}/_simulator/ledger?section=reads").json()["reads"]
    return sum("Balance.json" in one["target"] for one in reads)


def test_a_balance_that_is_low_is_told_with_how_much_is_left(db, desk, make, mailbox, balances):
    desk.add(Way.EMAIL, "ops@example.com", kinds=[AlertKind.BALANCE], limits=Limits(balance=900))
    known = balances(Pacing(db, Allowance()))
    watch = make(balance_at=known.last)

    watch.tick()
    known.settle(30)
    step(db, watch)

    assert subjects(mailbox) == ["[dialer] The balance at the provider is low: 812.50 INR"]


def test_a_balance_is_asked_for_each_ten_minutes_whoever_watches(db, balances, simulated):
    both = [balances(Pacing(db, Allowance())) for _ in range(2)]

    def look() -> None:
        for one in both:
            one.last(db.now())
            one.settle(30)

    look()
    db.pass_time(EVERY_S - 1)
    look()
    assert asked(simulated) == 1
    db.pass_time(2)
    look()
    assert asked(simulated) == 2


def test_a_balance_is_never_asked_for_without_a_slot_of_the_allowance(db, balances, simulated):
    full = Pacing(db, Allowance(requests=1))
    full.take_slot("a dial", overdue=False)
    known = balances(full)

    assert known.last(db.now()) is None
    known.settle(30)
    assert asked(simulated) == 0

    db.pass_time(300)
    known.last(db.now())
    known.settle(30)
    assert known.last(db.now()) == (812.5, "INR")
    assert full.rate().last_60_s == 1


def test_nobody_asks_for_a_balance_that_nobody_wants_to_know(db, desk, make):
    desk.add(Way.EVENTS, "", kinds=[AlertKind.HELD])
    looked = []

    make(balance_at=looked.append).tick()

    assert looked == []


def test_as_events_an_alert_is_told_in_the_step_that_writes_it(db, desk, watch, tmp_path):
    desk.add(Way.EVENTS, "", kinds=[AlertKind.HELD])
    hold(db)
    for _ in range(3):
        step(db, watch)
    free(db)
    for _ in range(3):
        step(db, watch)

    outbox = Outbox(db, account="main", folder=tmp_path / "events")
    wanted = Wanted((EventKind.ALERT_BEGUN, EventKind.ALERT_OVER))
    began, over = events_after(outbox, wanted=wanted)
    assert began.data.details["alert"] == "account_held"
    assert began.data.details["alert_id"] == over.data.details["alert_id"]
    assert over.type is EventKind.ALERT_OVER


def test_a_rule_that_is_removed_takes_what_it_told_of_with_it(db, desk, watch, mailbox):
    rule = desk.add(Way.EMAIL, "ops@example.com", kinds=[AlertKind.HELD])
    desk.add(Way.EVENTS, "", kinds=[AlertKind.STOPPED])
    hold(db)
    for _ in range(2):
        step(db, watch)

    desk.remove(rule.id)
    free(db)
    for _ in range(3):
        step(db, watch)

    assert len(mailbox.mails) == 1
    assert desk.standing() == []


def test_a_test_tells_that_it_is_one_and_why_it_failed(desk, mailbox, chat):
    mail = desk.add(Way.EMAIL, "ops@example.com")
    slack = desk.add(Way.SLACK, chat.url)

    assert desk.test(mail.id) == ""
    assert "This is a test" in mailbox.mails[0]
    chat.answers = 404
    assert desk.test(slack.id).startswith("404")


@pytest.mark.parametrize(
    ("way", "to", "told"),
    [
        (Way.EMAIL, "ops", "an address such as"),
        (Way.EMAIL, "a@b.example\r\nBcc: c@d.example", "an address such as"),
        (Way.SLACK, "hooks", "no URL"),
        (Way.SLACK, "http://hooks.example.com/x", "must begin with https"),
        (Way.TEAMS, "https://10.0.0.1/x", "network of one's own"),
        (Way.TEAMS, "https://u:p@hooks.example.com/x", "neither credentials"),
    ],
)
def test_whom_nobody_may_or_can_tell_is_refused_in_a_line(desk, way, to, told):
    with pytest.raises(NotDone, match=told) as error:
        desk.add(way, to)

    assert "\n" not in str(error.value)
    assert desk.rules() == []


def test_without_a_mail_server_no_rule_by_mail_is_taken(db):
    with Sender([]) as sender:
        desk = AlertDesk(db, Telling(sender), account="", zone="UTC", keeps_events=True)

        with pytest.raises(BadAlertRule, match="set DIALER_SMTP_URL"):
            desk.add(Way.EMAIL, "ops@example.com")


def test_what_is_not_there_cannot_be_removed_or_tried(desk):
    with pytest.raises(NoSuchRule):
        desk.remove("x")
    with pytest.raises(NoSuchRule):
        desk.test("x")


def test_to_watch_an_account_takes_a_bounded_number_of_commands(db, desk, watch):
    """Ten campaigns and a rule for everything: well below one command a second for each."""
    desk.add(Way.EVENTS, "")
    for n in range(10):
        store_campaign(db, [pair(n, n)], name=f"sale {n}")
    watch.tick()
    before = commands_run(db.client)

    for _ in range(4):
        watch.tick()

    assert (commands_run(db.client) - before) / 4 < 8 + 10 * 6


def test_where_nobody_is_told_of_anything_the_watch_asks_one_thing(db, watch):
    before = commands_run(db.client)

    watch.tick()

    assert commands_run(db.client) - before == 2  # and the first count itself
