"""The list of campaigns: searched, filtered, sorted, several steered at once; and the form that uploads a new one."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from campaigns.campaign import LONGEST_NAME, CampaignState, same_name
from campaigns.sentence import MONTHS, told
from campaigns.tags import LONGEST_TAG, has_tag
from dialer.access.api_keys import Scope
from dialer.deeds import Deed, Did
from dialer.errors import NotDone
from dialer.steering.changing_rules import default_rules
from dialer.steering.starting import SecondPersonNeeded
from dialer.steering.tagging import set_tags
from dialer.store import Campaign, Counts, Database
from dialer.store.archived import archived_as, archived_called, archived_ids, count_archived
from dialer.store.campaign import Roll, WrongState, tags_in
from workers.web.api.campaigns import STEERING, Action, steer
from workers.web.deeds import actor_of
from workers.web.pages.declaring import Answer, Asked, Pages, page, to
from workers.web.pages.rendering import digits_in
from workers.web.pages.today import binding_of
from workers.web.pages.views import Bar, progress, results
from workers.web.problems import invalid
from workers.web.rules import rule_fields
from workers.web.rules_form import plain_values
from workers.web.templating import instant
from workers.wiring import Wiring

pages = Pages()

_A_PAGE = 50
_MOST_BOUND = 20  # what binds a campaign takes some round trips
_MOST_TOGETHER = 200
_ARCHIVED = "archived"
_ENDED = {f"{_ARCHIVED}_{one}": one for one in CampaignState if one.is_over}
"""What may stand for a state: archived, and over in that way."""
_SORTS = ("live", "newest", "name")
_ORDER = {
    CampaignState.RUNNING: 0,
    CampaignState.CANCELLING: 0,
    CampaignState.PAUSED: 1,
    CampaignState.LOADING: 2,
    CampaignState.LOADED: 2,
    CampaignState.COMPLETED: 3,
    CampaignState.CANCELLED: 3,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which campaigns are listed, and in which order."""

    q: str = ""
    state: str = ""
    tag: str = ""
    sort: str = _SORTS[0]

    @classmethod
    def of(cls, asked: Asked) -> "Wanted":
        """Read it of an address; what is not known there counts as not said."""
        state, sort = asked.query("state"), asked.query("sort")
        return cls(
            asked.query("q").strip()[:LONGEST_NAME],
            state if state in {*CampaignState, _ARCHIVED, *_ENDED} else "",
            asked.query("tag").strip()[:LONGEST_TAG],
            sort if sort in _SORTS else _SORTS[0],
        )

    @property
    def query(self) -> str:
        """Write it into an address."""
        said = {"q": self.q, "state": self.state, "tag": self.tag, "sort": self.sort}
        usual = Wanted()
        return urlencode({name: one for name, one in said.items() if one != getattr(usual, name)})

    def among(self, rolls: list[Roll]) -> list[Roll]:
        """Give those that are wanted, in order; of equals the newest first."""
        found = [one for one in rolls if self._fits(one)]
        if self.sort == "name":
            return sorted(found, key=lambda one: one.name.casefold())
        if self.sort == "newest":
            return found
        return sorted(found, key=lambda one: _ORDER[one.state])

    def _fits(self, one: Roll) -> bool:
        is_there = self.state in {"", one.state}
        has_it = not self.tag or has_tag(one.tags, self.tag)
        words = (one.name, *one.tags)
        return is_there and has_it and any(self.q.casefold() in word.casefold() for word in words)


@dataclass(frozen=True, slots=True)
class Begun:
    """What the form of a new campaign begins with.

    Args:
        templates: Names of those that it may begin with.
        whose: The template or campaign whose rules stand in it; '' = the defaults.
        values: Of its fields.
    """

    templates: list[str]
    whose: str = ""
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign in the list; `waits` says for what, '' where it does not."""

    campaign: Campaign
    counts: Counts
    progress: Bar
    results: Bar
    waits: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of the list, and how many there are in all and in each state."""

    rows: list[CampaignRow]
    fitting: int
    by_state: dict[str, int]
    by_tag: dict[str, int]


@pages.get("/campaigns", Scope.READ_MASKED)
def show(asked: Asked) -> Answer:
    """List campaigns, the live ones first."""
    wiring, wanted = asked.wiring, Wanted.of(asked)
    number = max(1, int(digits_in(asked.query("page"))[:4] or 1))
    listed = _listed(wiring, wanted, number)
    may_upload = asked.visitor.may(Scope.UPLOAD)
    return page(
        "campaigns.html",
        listed=listed,
        wanted=wanted,
        page=number,
        last_page=max(1, -(-listed.fitting // _A_PAGE)),
        sorts=_SORTS,
        ended=_ENDED if listed.by_state.get(_ARCHIVED) else {},
        actions=list(Action),
        told={name: digits_in(asked.query(name)) for name in ("done", "not_done")},
        longest_name=LONGEST_NAME,
        begun=_begun(asked),
        undecided=asked.services.reviews.waiting() if may_upload else [],
        rule_fields=rule_fields(default_rules(wiring.settings)),
    )


def _begun(asked: Asked) -> Begun:
    """Read whose rules the form begins with: a template's, or a campaign's, as the address asks."""
    wiring = asked.wiring
    names = [one.template.name for one in wiring.templates.all()]
    if not asked.visitor.may(Scope.READ):
        return Begun(names)  # to whom numbers are masked, the form would show them so
    template, like = asked.query("template"), asked.query("like")
    given = wiring.templates.given(template=template, like=like)
    whose = template or (wiring.campaigns.find(like).name if like else "")
    return Begun(names, whose, plain_values(given))


@pages.get("/campaigns/several", Scope.OPERATE)
def ask_several(asked: Asked) -> Answer:
    """Ask once before several campaigns are steered, and count them."""
    action = _action(asked.query("action"))
    ids = asked.request.query_params.getlist("campaign")[:_MOST_TOGETHER]
    found, comes_from = _chosen(asked.wiring, ids), STEERING[action].comes_from
    return page(
        "several.html",
        action=action,
        takes=[one for one in found if one.state in comes_from],
        leaves=[one for one in found if one.state not in comes_from],
        back=Wanted.of(asked).query,
    )


@pages.post(
    "/campaigns/several", Scope.OPERATE, does=Did.CAMPAIGNS_STEERED, most=_MOST_TOGETHER + 10
)
def steer_several(asked: Asked) -> Answer:
    """Steer those that were confirmed, each recorded by itself; one that will not go leaves the others alone."""
    action, actor = _action(asked.form.get("action", "")), actor_of(asked.request.scope)
    found = _chosen(asked.wiring, asked.fields.get("campaign", []))
    done = sum(_steered(asked.wiring, one, action, actor, asked.visitor.id) for one in found)
    return to(f"/campaigns?{urlencode({'done': done, 'not_done': len(found) - done})}")


@pages.post("/campaigns/{campaign_id}/tags", Scope.OPERATE, does=Did.CAMPAIGN_TAGGED)
def tag(asked: Asked) -> Answer:
    """Give a campaign the tags that the form names."""
    set_tags(asked.wiring.campaigns, asked.campaign, [asked.form.get("tags", "")])
    return to(f"/campaigns/{asked.campaign.id}")


def _steered(wiring: Wiring, campaign: Campaign, action: Action, actor: Any, who: str) -> bool:
    deed = Deed(STEERING[action].does, actor, on=f"campaign {campaign.name} {campaign.id}")
    try:
        with wiring.audit.recording(deed):
            steer(wiring, campaign, action, who=who)
    except (WrongState, NotDone, SecondPersonNeeded):
        return False
    return True


def _action(word: str) -> Action:
    if word not in set(Action):
        raise invalid(told("action is one of {words}.", words=", ".join(Action)))
    return Action(word)


def _chosen(wiring: Wiring, ids: list[str]) -> list[Campaign]:
    known = set(wiring.campaigns.ids())  # what is archived is not steered
    return wiring.campaigns.readable([id_ for id_ in dict.fromkeys(ids) if id_ in known])


def _listed(wiring: Wiring, wanted: Wanted, page: int) -> Listed:
    rolls = wiring.campaigns.rolls()
    by_state = {state: sum(one.state is state for one in rolls) for state in CampaignState}
    archived = {_ARCHIVED: count_archived(wiring.db)}
    ids, fitting = _page_of_ids(wiring, wanted, rolls, first=(page - 1) * _A_PAGE)
    found = wiring.campaigns.with_counts(wiring.campaigns.readable(ids))
    now_s = wiring.db.now()
    waits = {one.id: _waits_for(one, now_s) for one, _ in found}
    open_ones = [one for one in found if waits[one[0].id] is None]
    waits |= binding_of(wiring.statuses.together(open_ones[:_MOST_BOUND]))
    rows = [
        CampaignRow(
            one, counted, progress(one.id, counted), results(one.id, counted), waits[one.id] or ""
        )
        for one, counted in found
    ]
    plain = {str(state): number for state, number in by_state.items()}
    by_tag = Counter(tag for one in rolls for tag in one.tags)
    if wanted.state.startswith(_ARCHIVED):
        by_tag = Counter(
            tag for _, tags in archived_as(wiring.db).values() for tag in tags_in(tags)
        )
    return Listed(
        rows,
        fitting,
        {name: n for name, n in (plain | archived).items() if n},
        dict(sorted(by_tag.items(), key=lambda one: same_name(one[0]))),
    )


def _page_of_ids(
    wiring: Wiring, wanted: Wanted, rolls: list[Roll], *, first: int
) -> tuple[list[str], int]:
    """Give the ids on a page, and how many fit in all; archived ones come after the others."""
    none_else = not rolls and not wanted.state
    named = wanted.q or wanted.tag
    if (wanted.state == _ARCHIVED or none_else) and not named:  # there may be years of them
        return archived_ids(wiring.db, first, _A_PAGE), count_archived(wiring.db)
    ids = [one.id for one in wanted.among(rolls)]
    if (named and wanted.state in {"", _ARCHIVED}) or wanted.state in _ENDED:
        ids += _archived(wiring.db, wanted)
    return ids[first : first + _A_PAGE], len(ids)


def _archived(db: Database, wanted: Wanted) -> list[str]:
    """Find archived campaigns by name, tag and how they ended."""
    found = archived_called(db, same_name(wanted.q)) if wanted.q else archived_ids(db)
    ended = _ENDED.get(wanted.state)
    if not wanted.tag and not ended:
        return found
    known = archived_as(db)
    return [one for one in found if one in known and _is_as(known[one], ended, wanted.tag)]


def _is_as(known: tuple[str, str], ended: str | None, tag: str) -> bool:
    was, tags = known
    return ended in {None, was} and (not tag or has_tag(tags_in(tags), tag))


def _waits_for(campaign: Campaign, now_s: float) -> str | None:
    """Say what a campaign waits for, as far as its own record tells; None: more has to be looked at."""
    if campaign.archived_at is not None:
        return told("archived: its rows are in its reports")
    if campaign.asked_by:
        return told("a second person has to start it")
    if campaign.why:
        return campaign.why
    if campaign.state is not CampaignState.RUNNING:
        starts_at = campaign.rules.starts_at
        if campaign.state is CampaignState.LOADED and starts_at:
            return told(
                "starts by itself {at}", at=instant(starts_at.timestamp(), campaign.rules.zone)
            )
        return told("not started") if campaign.state is CampaignState.LOADED else ""
    if now_s < campaign.open_from:
        return told("its hours: they begin {at}", at=_when(campaign))
    return None


def _when(campaign: Campaign) -> str:
    at = datetime.fromtimestamp(campaign.open_from, UTC).astimezone(campaign.rules.zone)
    month = MONTHS[at.month - 1]
    return told(
        "{day} {month}, {clock}",
        day=f"{at:%d}",
        month=month,
        clock=f"{at:%H:%M} {campaign.rules.zone.key}",
    )
