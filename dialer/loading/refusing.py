"""What is not loaded, and what to do instead."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Self

from campaigns.campaign import LONGEST_NAME, is_name
from campaigns.campaign_rules import CampaignRules, names_in
from campaigns.custom_field import CustomFieldTemplate
from campaigns.sentence import told
from dialer.call_request import check_call
from dialer.store import Campaign, Database


class LoadRefused(Exception):
    """The file cannot be loaded under this name or into this campaign; says what to do."""


class StartRefused(Exception):
    """What is loaded would be dialled without anybody starting it, which whoever loads may not do."""

    def __init__(self, message: str = "") -> None:
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
        there_is = f"there is a campaign {campaign.name!r} already"
        if campaign.archived_at or campaign.state.is_cancelled:
            stands = "archived" if campaign.archived_at else campaign.state
            super().__init__(f"{there_is}, and it is {stands}; choose another name")
        else:
            super().__init__(
                f"{there_is}, loaded from another file; choose another name, or append the "
                f"rows to campaign {campaign.id}"
            )
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
            f"these bytes are already campaign {campaign.name!r} ({campaign.state}, loaded "
            f"{loaded_at:%Y-%m-%d}): the same people would be called twice. Load them again only if "
            "that is meant",
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
                "ends_at has passed, so nobody would be called; load a new campaign with a later one"
            )
        )


def check_columns(rules: CampaignRules, columns: Sequence[str]) -> None:
    """Check that a list has the columns that rules name.

    Raises:
        LoadRefused: It has not.
    """
    if rules.custom_field:
        try:
            CustomFieldTemplate.parse(rules.custom_field, columns)
        except ValueError as error:
            raise LoadRefused(str(error)) from None
    for one in names_in(rules.agent_sees):
        if one not in columns:
            raise LoadRefused(
                f"agents cannot see {one!r}: the columns are {', '.join(columns[:30])}"
            )
