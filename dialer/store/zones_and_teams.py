"""What contacts of a campaign bring with them: time zones of their own, and the teams they are for."""

from collections.abc import Collection, Sequence

from dialer.store.database import Database, texts


def note_zones(db: Database, campaign: str, zones: Collection[str]) -> None:
    """Remember zones that contacts of a campaign have of their own."""
    if zones and db.client.sadd(db.key("c", campaign, "zones"), *zones):
        # it may be open now where it was closed: the feeder finds out
        db.client.hdel(db.key("c", campaign), "open_from", "open_until")


def zones_in(db: Database, campaign: str) -> list[str]:
    """Read the zones that contacts of a campaign have of their own."""
    return sorted(texts(db.client.smembers(db.key("c", campaign, "zones"))))


def note_teams(db: Database, campaign: str, teams: Collection[str]) -> None:
    """Note for which teams contacts of a campaign are, by what stands for an agent's number."""
    if teams:
        db.client.sadd(db.key("c", campaign, "teams"), *(one[1:] for one in teams))


def teams_in(db: Database, campaign: str) -> list[str]:
    """Give the numbers of the teams that contacts of a campaign are for."""
    return sorted(teams_in_each(db, [campaign])[0])


def teams_in_each(db: Database, campaigns: Sequence[str]) -> list[set[str]]:
    """Give the same of several campaigns, at once."""
    with db.client.pipeline(transaction=False) as pipe:
        for id_ in campaigns:
            pipe.smembers(db.key("c", id_, "teams"))
        return [set(texts(found)) for found in pipe.execute()]
