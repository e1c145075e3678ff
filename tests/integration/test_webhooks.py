"""Receivers are told everything, in order and signed, however they fail, and none harms another."""

import json
import socket
import threading
from urllib.parse import urlsplit

import pytest
import redis

from campaigns.events import EventKind
from dialer.events.outbox import Outbox
from dialer.store.webhooks import Result, Standing, Webhooks
from dialer.webhooks.delivering import Delivering
from dialer.webhooks.receivers import MOST, NotRegistered, Receivers, WebhookNotFound
from dialer.webhooks.retrying import GIVEN_UP_S
from dialer.webhooks.sending import BadTarget, Meaning, Sender
from tests.account_kit import Account
from tests.factories import events_after, pair, store_campaign
from tests.receiver import Receiver, receiving
from tests.virtual_time import VirtualDatabase

MOST_ASIDE = 5


@pytest.fixture
def receiver():
    with receiving() as one:
        yield one


class Station:
    """An account with webhooks."""

    def __init__(self, db: VirtualDatabase, account: Account, folder) -> None:
        self.db = db
        self.account = account
        self.outbox = Outbox(db, account="main", folder=folder / "events")
        self.sender = Sender(["127.0.0.1"], deadline_s=3.0)
        self.receivers = Receivers(db, self.outbox, self.sender)
        self.delivering = Delivering(db, self.outbox, self.sender, most_aside=MOST_ASIDE)

    def add(self, receiver: Receiver, **options):
        webhook = self.receivers.add(receiver.url, since="", **options)
        receiver.secret = webhook.secrets[0].value
        return webhook

    def calls(self, contacts: int = 2, name: str = "sale") -> str:
        pairs = [pair(n, n) for n in range(1, contacts + 1)]
        campaign = store_campaign(self.db, pairs, name=name)
        self.account.dial_all()
        self.account.end_all()
        return campaign

    def all_ids(self) -> list[str]:
        return [one.id for one in events_after(self.outbox)]

    def deliver(self, webhook) -> None:
        self.delivering.deliver(webhook.id)

    def standing(self, webhook):
        return Webhooks(self.db).standing(webhook.id)

    def until_over(self, webhook, receiver: Receiver, *, most: int = 400) -> None:
        """Let time pass until everything was taken."""
        for _ in range(most):
            self.deliver(webhook)
            if receiver.ids >= set(self.all_ids()):
                return
            self.db.pass_time(100)
        raise AssertionError(f"{len(receiver.ids)} of {len(self.all_ids())} were taken")


@pytest.fixture
def station(db, account, tmp_path) -> Station:
    made = Station(db, account, tmp_path)
    with made.sender:
        yield made


def test_everything_comes_once_in_its_order_and_signed(station, receiver):
    webhook = station.add(receiver)
    station.calls()

    station.deliver(webhook)

    assert list(receiver.documents) == station.all_ids()
    assert set(receiver.taken.values()) == {1}
    assert receiver.unsigned == 0
    assert receiver.requests[0] == f"main_{station.all_ids()[0]}"
    assert station.standing(webhook).delivered == len(station.all_ids())


def test_what_a_webhook_is_not_about_does_not_come_and_does_not_hold_it_up(station, receiver):
    first = station.calls(name="first")
    webhook = station.add(receiver, kinds=[EventKind.CONTACT_FINAL], campaign=first)
    station.calls(name="second")

    station.deliver(webhook)

    assert [one["data"]["campaign_id"] for one in receiver.of_type("contact.final")] == [first] * 2
    assert len(receiver.documents) == 2
    assert station.standing(webhook).cursor == station.outbox.now()


def test_batches_hold_as_many_as_are_asked_for(station, receiver):
    webhook = station.add(receiver, batch=4)
    station.calls(contacts=3)

    station.deliver(webhook)

    assert list(receiver.documents) == station.all_ids()
    assert len(receiver.requests) == -(-len(station.all_ids()) // 4)


@pytest.mark.parametrize("answer", [500, 503, 429, 401, 404, 302, "reset", "hang"])
def test_what_failed_is_sent_again_under_its_id_and_nothing_overtakes_it(station, receiver, answer):
    webhook = station.add(receiver)
    station.calls()
    receiver.answers.append(answer)

    station.deliver(webhook)
    assert station.standing(webhook).tries == 1
    assert len(receiver.requests) == 1  # left alone for a while
    station.until_over(webhook, receiver)

    assert list(receiver.documents) == station.all_ids()
    assert receiver.requests[0] == receiver.requests[1]
    assert station.standing(webhook).tries == 0


def test_a_receiver_that_is_away_is_told_all_once_it_is_back(station):
    with receiving() as before:
        webhook = station.receivers.add(before.url, since="")
    station.calls()
    station.deliver(webhook)
    assert station.standing(webhook).tries == 1

    with receiving(port=urlsplit(webhook.url).port) as back:
        station.until_over(webhook, back)
        assert list(back.documents) == station.all_ids()


def test_an_event_that_is_refused_is_set_aside_and_the_others_go_on(station, receiver):
    webhook = station.add(receiver)
    station.calls()
    receiver.answers.append(422)

    station.deliver(webhook)
    assert receiver.ids == set(station.all_ids()[1:])
    assert station.standing(webhook).aside == 1
    station.db.pass_time(10)
    station.deliver(webhook)

    assert receiver.ids == set(station.all_ids())
    assert station.standing(webhook).aside == 0


def test_an_event_that_is_refused_for_three_days_is_listed_as_dead_and_can_be_replayed(
    station, receiver
):
    webhook = station.add(receiver, kinds=[EventKind.CAMPAIGN_STARTED])
    station.calls()
    receiver.usual = 422
    station.deliver(webhook)
    station.db.pass_time(GIVEN_UP_S + 1)
    station.deliver(webhook)

    (dead,) = station.receivers.dead(webhook)
    assert dead["id"] == station.all_ids()[0]
    assert dead["answer"].startswith("422")
    receiver.usual = 200
    station.receivers.replay(webhook)
    station.deliver(webhook)
    assert receiver.ids == {dead["id"]}


def test_of_a_batch_that_is_refused_only_the_bad_event_is_set_aside(station, receiver):
    webhook = station.add(receiver, batch=50)
    station.calls()
    receiver.answers.extend([400, 400])

    station.deliver(webhook)

    assert receiver.ids == set(station.all_ids()[1:])


@pytest.mark.parametrize("batch", [1, 50])
def test_a_receiver_that_refuses_everything_is_left_alone_and_nothing_more_is_set_aside(
    station, receiver, batch
):
    webhook = station.add(receiver, batch=batch)
    station.calls(contacts=4)
    receiver.usual = 400

    station.deliver(webhook)
    asked = len(receiver.requests)
    station.deliver(webhook)

    standing = station.standing(webhook)
    assert standing.aside == MOST_ASIDE
    assert standing.circuit == "open"
    assert len(receiver.requests) == asked
    receiver.usual = 200
    station.until_over(webhook, receiver)
    assert station.standing(webhook).circuit == "closed"


def test_an_event_that_holds_up_the_line_for_minutes_lets_the_others_pass(station, receiver):
    webhook = station.add(receiver)
    station.calls()
    first, *others = station.all_ids()
    receiver.fails = {first}

    for _ in range(40):
        station.deliver(webhook)
        station.db.pass_time(500)

    assert receiver.ids == set(others)
    receiver.fails.clear()
    station.until_over(webhook, receiver)
    assert station.standing(webhook).aside == 0


def test_410_pauses_until_somebody_resumes_and_nothing_is_lost(station, receiver):
    webhook = station.add(receiver)
    station.calls()
    receiver.answers.append(410)
    station.deliver(webhook)
    station.db.pass_time(1000)
    station.deliver(webhook)
    assert "410" in station.standing(webhook).paused
    assert len(receiver.requests) == 1

    station.receivers.resume(webhook)
    station.deliver(webhook)

    assert list(receiver.documents) == station.all_ids()


def test_three_days_of_silence_pause_it_and_the_cursor_stands(station, receiver):
    webhook = station.add(receiver, kinds=[EventKind.CAMPAIGN_STARTED])
    station.calls()
    receiver.usual = 500
    station.deliver(webhook)
    station.db.pass_time(GIVEN_UP_S + 1)
    station.deliver(webhook)

    assert "three days" in station.standing(webhook).paused
    receiver.usual = 200
    station.receivers.resume(webhook)
    station.deliver(webhook)
    assert receiver.ids == {station.all_ids()[0]}


def test_a_process_that_stood_still_writes_nothing_over_its_successor(station, receiver):
    webhook = station.add(receiver)
    station.calls()
    webhooks = Webhooks(station.db)
    assert webhooks.lease(webhook.id, "old")
    station.db.client.delete(station.db.key("webhook", webhook.id, "lease"))
    station.deliver(webhook)
    standing = station.standing(webhook)

    assert not webhooks.write(webhook.id, "old", Standing("0-1"), Result())
    assert station.standing(webhook) == standing


def test_two_processes_do_not_deliver_to_one_receiver_at_a_time(station, receiver):
    webhook = station.add(receiver)
    station.calls()
    others = [threading.Thread(target=station.deliver, args=(webhook,)) for _ in range(4)]
    for one in others:
        one.start()
    for one in others:
        one.join()

    assert set(receiver.taken.values()) == {1}


def test_a_campaign_is_replayed_under_the_same_ids_beside_the_line(station, receiver):
    webhook = station.add(receiver)
    first = station.calls(name="first")
    station.calls(name="second")
    station.deliver(webhook)

    station.receivers.replay(webhook, campaign=first)
    station.deliver(webhook)

    twice = {id_ for id_, times in receiver.taken.items() if times == 2}
    of_first = [
        one["id"] for one in receiver.documents.values() if one["data"].get("campaign_id") == first
    ]
    assert twice == set(of_first)
    assert station.standing(webhook).replay == ""


def test_a_replay_that_is_asked_for_while_a_delivery_is_on_its_way_is_not_forgotten(
    station, receiver, monkeypatch
):
    """Neither where nothing was replayed, nor where another replay is under way."""
    webhook = station.add(receiver)
    first, second = station.calls(name="first"), station.calls(name="second")
    wishes = [first, second]
    post = station.sender.post

    def asked_meanwhile(*args):
        if wishes:
            station.receivers.replay(webhook, campaign=wishes.pop(0))
        return post(*args)

    monkeypatch.setattr(station.sender, "post", asked_meanwhile)
    station.deliver(webhook)

    again = {id_ for id_, times in receiver.taken.items() if times > 1}
    of_second = {
        one["id"] for one in receiver.documents.values() if one["data"].get("campaign_id") == second
    }
    assert of_second <= again
    assert station.standing(webhook).replay == ""


def test_what_waits_is_counted_by_kind_and_only_once_while_the_cursor_stands(station, receiver):
    webhook = station.add(receiver, kinds=[EventKind.CONTACT_FINAL])

    def waits() -> int:
        return station.receivers.waiting(station.receivers.line(webhook)).events

    station.calls(contacts=3)
    assert waits() == 3
    read = []
    after = station.outbox.stream.after
    station.outbox.stream.after = lambda cursor, *, most: (
        read.append(found := after(cursor, most=most)) or found
    )
    station.calls(contacts=2, name="more")
    assert waits() == 5
    assert sum(map(len, read)) < len(station.all_ids()) / 1.5
    station.deliver(webhook)
    assert waits() == 0


def test_while_a_secret_rotates_both_are_signed_with_and_a_day_later_the_new_one_alone(
    station, receiver
):
    webhook = station.add(receiver)
    new = station.receivers.rotate(webhook)
    station.calls(name="old one")
    station.deliver(webhook)
    assert receiver.unsigned == 0  # it still has the old one
    receiver.secret = new
    station.calls(name="new one")
    station.deliver(webhook)
    assert receiver.unsigned == 0

    receiver.secret = webhook.secrets[0].value
    station.db.pass_time(90_000)
    station.calls(name="much later")
    station.deliver(webhook)
    assert receiver.unsigned == 1


def test_a_receivers_set_is_compared_with_what_it_should_have(station, receiver):
    webhook = station.add(receiver)
    station.calls()
    station.deliver(webhook)
    ids = station.all_ids()

    compared = station.receivers.check(webhook, has=[*ids[1:], "5-5"])

    assert (compared.told, compared.missing, compared.unknown) == (len(ids), (ids[0],), ("5-5",))


def test_a_test_delivery_gives_its_answer_at_once(station, receiver):
    webhook = station.add(receiver)
    receiver.usual = 500

    reply = station.receivers.test(webhook)

    assert (reply.meaning, reply.text) == (Meaning.AWAY, "500 ok")
    assert receiver.requests[0].startswith("test-")


def test_what_was_removed_is_told_nothing_more(station, receiver):
    webhook = station.add(receiver)
    station.calls()

    station.receivers.remove(webhook)
    station.deliver(webhook)

    assert receiver.requests == []
    assert not list(station.db.client.scan_iter(station.db.key("webhook", webhook.id, "*")))
    with pytest.raises(WebhookNotFound):
        station.receivers.find(webhook.id)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://crm.example.com/x", "must begin with https"),
        ("ftp://crm.example.com/x", "must begin with https"),
        ("https://10.0.0.5/x", "network of one's own"),
        ("https://localhost/x", "network of one's own"),
        ("https://[::1]/x", "network of one's own"),
        ("https://169.254.169.254/latest", "network of one's own"),
        ("https://[::ffff:10.0.0.5]/x", "network of one's own"),
        ("https://[64:ff9b::a9fe:a9fe]/x", "network of one's own"),
        ("https://[fe80::1%25eth0]/x", "network of one's own"),
        ("https://2130706433/x", "network of one's own"),
        ("https://0x7f000001/x", "network of one's own"),
        ("https://user:pw@crm.example.com/", "credentials"),
        ("https://", "is no URL"),
        ("crm.example.com", "is no URL"),
        ("https://crm.example.com:0/", "is no URL"),
        ("https://crm.example.com/a b", "is no URL"),
        ("https://[", "is no URL"),
        ("https://0177.0.0.1/x", "is no URL"),
        ("https://①27.0.0.1/x", "is no URL"),
        ("https://crm.example.com/\x00", "is no URL"),
    ],
)
def test_a_url_that_nothing_may_be_sent_to_is_refused_in_a_line(station, url, says):
    with pytest.raises(BadTarget, match=says):
        station.receivers.add(url)


def test_a_public_name_that_leads_into_our_network_is_not_followed(receiver):
    """As the host is looked up at each connection, so it is judged at each."""
    port = receiver.url.rpartition(":")[2].partition("/")[0]
    with Sender([], deadline_s=3.0) as sender:
        reply = sender.post(f"https://localhost.localdomain:{port}/", b"{}", {})

    assert reply.meaning is Meaning.AWAY
    assert receiver.requests == []


@pytest.mark.parametrize("host", ["127.1", "0x7f.0.0.1", "127.0.0.1."])
def test_an_address_in_another_spelling_leads_into_our_network_no_more_than_in_ours(receiver, host):
    port = urlsplit(receiver.url).port
    with Sender([], deadline_s=3.0) as sender:
        reply = sender.post(f"https://{host}:{port}/", b"{}", {})

    assert reply.meaning is Meaning.AWAY
    assert "SSL" not in reply.text  # it was not even spoken to
    assert receiver.requests == []


def test_a_name_that_leads_elsewhere_by_the_time_of_connecting_is_judged_by_where_it_leads_then(
    receiver, monkeypatch
):
    """What is connected to is the very address that was judged: a second look-up cannot differ."""
    answers = iter(["1.1.1.1", "127.0.0.1"])
    port = urlsplit(receiver.url).port

    def resolved(*_: object, **__: object):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    connected = []

    def refused(address, *_: object, **__: object):
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.setattr(socket, "create_connection", refused)
    with Sender([], deadline_s=1.0) as sender:
        first = sender.post(f"https://rebinding.example.com:{port}/", b"{}", {})
        second = sender.post(f"https://rebinding.example.com:{port}/", b"{}", {})

    assert [host for host, _ in connected] == ["1.1.1.1"]
    assert {first.meaning, second.meaning} == {Meaning.AWAY}
    assert receiver.requests == []


@pytest.mark.parametrize("answer", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_the_event_is_sent_again(station, receiver, answer):
    webhook = station.add(receiver)
    station.calls()
    receiver.answers.append(answer)
    station.deliver(webhook)

    assert len(receiver.requests) == 1
    assert station.receivers.deliveries(webhook)[0]["answer"].startswith(str(answer))
    station.until_over(webhook, receiver)


def test_a_replay_from_a_cursor_sends_what_is_behind_it_and_nothing_else(station, receiver):
    webhook = station.add(receiver)
    station.calls(contacts=3)
    station.deliver(webhook)
    ids = station.all_ids()

    station.receivers.replay(webhook, cursor=ids[4])
    station.deliver(webhook)

    assert [id_ for id_ in ids if receiver.taken[id_] == 2] == ids[5:]


def test_a_stream_of_somebodys_redis_is_told_as_any_receiver_is(station, redis_server):
    server = redis_server.connection_kwargs["unix_socket_path"]
    sender = Sender(["stream.example"])
    sender._streams["redis://:secret@stream.example:6379/0"] = redis.Redis(unix_socket_path=server)
    receivers = Receivers(station.db, station.outbox, sender)
    url = "redis://:secret@stream.example:6379/0?stream=told"
    webhook = receivers.add(url, since="")
    station.calls()

    with sender:
        Delivering(station.db, station.outbox, sender).deliver(webhook.id)

    entries = station.db.client.xrange("told")
    assert [json.loads(one[b"body"])["id"] for _, one in entries] == station.all_ids()
    assert entries[0][1][b"id"].decode() == f"main_{station.all_ids()[0]}"
    assert "secret" not in webhook.shown_url


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis://stream.example/0", "must name a stream"),
        ("redis://elsewhere.example/0?stream=told", "must allow elsewhere.example by name"),
    ],
)
def test_a_stream_is_named_and_its_server_is_allowed(station, url, says):
    with pytest.raises(BadTarget, match=says), Sender(["stream.example"]) as sender:
        sender.check(url)


def test_where_no_events_are_kept_nobody_is_registered_and_it_is_said_why(station, receiver):
    receivers = Receivers(station.db, station.outbox, station.sender, keeps_events=False)

    with pytest.raises(NotRegistered, match="DIALER_EVENTS_DAYS is 0"):
        receivers.add(receiver.url)


def test_there_are_as_many_as_threads_at_most(station, receiver):
    for _ in range(MOST):
        station.add(receiver)

    with pytest.raises(NotRegistered, match="remove one first"):
        station.add(receiver)
