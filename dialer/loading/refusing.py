"""What is not loaded, and what to do instead."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Self

from campaigns.campaign import LONGEST_NAME, is_name
from campaigns.campaign_rules import CampaignRules
from campaigns.sentence import told
from dialer.call_request import check_call
from dialer.steering.changing_rules import RulesRefused, check_template
from dialer.store import Campaign, Database


class LoadRefused(Exception):
    """The file cannot be loaded under this name or into this campaign; says what to do."""


class StartRefused(Exception):
    """What is loaded would be dialled without anybody starting it, which whoever loads may not do."""

    def __init__(self, message: str = "") -> None:  # pickle gives it, on its way between processes
        super().__init__(
            message
            or told(
                "its contacts would be called without anybody starting it, which takes the scope "
                "operate; pause the campaign first, or load it without a start time"
            )
        )


class NameTaken(LoadRefused):
    """A campaign of this name was loaded from another file."""

    def __init__(self, campaign: Campaign) -> None:
        if campaign.archived_at or campaign.state.is_cancelled:
            why = told(
                "there is a campaign {name!r} already, and it is {state}; choose another name",
                name=campaign.name,
                state=told("archived") if campaign.archived_at else told(campaign.state),
            )
        else:
            why = told(
                "there is a campaign {name!r} already, loaded from another file; choose another "
                "name, or append the rows to campaign {id}",
                name=campaign.name,
                id=campaign.id,
            )
        super().__init__(why)
        self.campaign = campaign


class AlreadyLoaded(LoadRefused):
    """The very bytes are another campaign: the same people would be called twice."""

    def __init__(self, message: str, *, campaign_id: str = "", name: str = "") -> None:
        super().__init__(message)
        self.campaign_id = campaign_id
        self.name = name

    @classmethod
    def by(cls, campaign: Campaign) -> Self:
        """Name the campaign."""
        loaded_at = datetime.fromtimestamp(campaign.created_at, campaign.rules.zone)
        return cls(
            told(
                "these bytes are already campaign {name!r} ({state}, loaded {day}): the same "
                "people "
                "would be called twice. Load them again only if that is meant",
                name=campaign.name,
                state=told(campaign.state),
                day=f"{loaded_at:%Y-%m-%d}",
            ),
            campaign_id=campaign.id,
            name=campaign.name,
        )


def check_name(name: str) -> None:
    """Check that a campaign can be called so.

    Raises:
        LoadRefused: It cannot.
    """
    if not is_name(name):
        raise LoadRefused(
            told("a campaign's name has 1 to {most} printable characters", most=LONGEST_NAME)
        )


def check_rules(rules: CampaignRules) -> None:
    """Check that the provider takes calls by these rules.

    Raises:
        LoadRefused: It does not.
    """
    try:
        check_call(rules)
    except ValueError as error:
        raise LoadRefused(str(error)) from None


def check_end(db: Database, rules: CampaignRules) -> None:
    """Check that a campaign's end has not come.

    Raises:
        LoadRefused: It has.
    """
    if rules.end_has_come(datetime.fromtimestamp(db.now(), UTC)):
        raise LoadRefused(
            told(
                "ends_at has passed, so nobody would be called; load a new campaign with a later "
                "one"
            )
        )


def check_columns(rules: CampaignRules, columns: Sequence[str]) -> None:
    """Check that a list has the columns that rules name.

    Raises:
        LoadRefused: It has not.
    """
    try:
        check_template(rules, columns)
    except RulesRefused as error:
        raise LoadRefused(str(error)) from None
