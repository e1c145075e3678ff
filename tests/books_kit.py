"""A campaign that was loaded from a file, dialled and settled, for tests of what comes after."""

import io
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from campaigns.numbers.phone import PhoneRules
from dialer.archiving.archive import Archive
from dialer.archiving.archiving import Archiving
from dialer.archiving.purging import Purging
from dialer.clock import sleep
from dialer.dialing.journal_traces import forget_journals
from dialer.loading.loading import Loading, LoadOptions
from dialer.pacing import Allowance
from dialer.recordings.keeping import Forgetting
from dialer.recordings.places import Place
from dialer.reporting.files import Format
from dialer.reporting.reporting import ReportSet, write_reports
from dialer.reporting.source import report_source
from dialer.store import Campaign, Database
from tests.account_kit import Account
from tests.factories import details, rules, start

ROWS = (
    "+919000000001,+919876543201,Asha,42 Lake Road",
    "+919000000002,+919876543202,Ravi,call 98765 43299 first",
    "+919000000003,+919876543203,Meera,",
    "+919000000004,12,Bad Row,+91 98765-43201",
    "+919000000005,+919876543201,Twice,",
)
"""Three contacts, a rejected row and a duplicate."""

_ZLIB = b"\x78\x01"  # how its lowest level begins

RECORDING = "https://recordings.example.com/1.mp3"


def load(
    account: Account, folder: Path, *, rows: Sequence[str] = ROWS, name: str = "sale"
) -> Campaign:
    """Load a list as a campaign and start it."""
    text = "\n".join(["agent,customer,name,note", *rows])
    phone_rules = PhoneRules(default_country="IN", allowed_countries=frozenset({"IN"}))
    loaded = Loading(account.db, phone_rules=phone_rules, data_dir=folder).load(
        io.BytesIO(text.encode()), name=name, rules=rules(), options=LoadOptions()
    )
    assert loaded.campaign is not None
    return start(account.db, loaded.campaign.id)


def finish(account: Account, campaign: Campaign) -> Campaign:
    """Dial every contact and connect it."""
    account.db.pass_time(1)
    for dialled in account.dial_all():
        report = details(dialled.attempt.sid, recording_url=RECORDING)
        account.settling.report(dialled.attempt_id, report, at=account.db.now())
    found = account.campaigns.find(campaign.id)
    assert found.state == "completed"
    return found


def archive(account: Account, campaign: Campaign, folder: Path) -> Archive:
    """Archive a campaign under a data folder."""
    return Archiving(account.db, archives=folder / "archive").archive(campaign)[0]


def report(
    account: Account, campaign: Campaign, data_dir: Path, out: Path, *, formats: Sequence[Format]
) -> ReportSet:
    """Write a campaign's report, wherever the campaign is."""
    found = account.campaigns.find(campaign.id)
    source = report_source(account.db, found, Allowance(), archives=data_dir / "archive")
    return write_reports(source, out, as_of=datetime(2027, 1, 2, 12, tzinfo=UTC), formats=formats)


def everything_in(redis_client) -> bytes:
    """Read all that a server holds, keys and values, compressed ones as they are and opened."""
    found = []
    for key in redis_client.scan_iter("*"):
        found.append(key)
        match redis_client.type(key):
            case b"string":
                found.append(redis_client.get(key))
            case b"hash":
                found += [part for item in redis_client.hgetall(key).items() for part in item]
            case b"list":
                found += redis_client.lrange(key, 0, -1)
            case b"set":
                found += redis_client.smembers(key)
            case b"zset":
                found += redis_client.zrange(key, 0, -1)
    opened = [zlib.decompress(one) for one in found if one.startswith(_ZLIB)]
    return b"\n".join([*found, *opened])


def purging_of(
    db: Database,
    data_dir: Path,
    *,
    dry_run: bool = False,
    kind: type[Purging] = Purging,
    place: Place | None = None,
) -> Purging:
    """Make what forgets, in a data folder of a test's own."""
    return kind(
        db,
        archives=data_dir / "archive",
        data_dir=data_dir,
        dry_run=dry_run,
        journals=partial(forget_journals, data_dir / "journal"),
        recordings=Forgetting(db, place),
        sleep=sleep,
    )
