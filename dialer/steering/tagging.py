"""Use case: a campaign gets other tags."""

from collections.abc import Iterable

from campaigns.campaign import same_name
from campaigns.tags import tags_of
from dialer.deeds import tell
from dialer.store import Campaign, Campaigns


def tag(
    campaigns: Campaigns, campaign: Campaign, add: Iterable[str] = (), remove: Iterable[str] = ()
) -> Campaign:
    """Add tags and take some off, whatever the campaign's state.

    Raises:
        NotPlain: One of them does not serve.
    """
    gone = {same_name(one) for one in tags_of(remove)}
    return set_tags(
        campaigns, campaign, (*(one for one in campaign.tags if same_name(one) not in gone), *add)
    )


def set_tags(campaigns: Campaigns, campaign: Campaign, tags: Iterable[str]) -> Campaign:
    """Give a campaign these tags and no others.

    Raises:
        NotPlain: One of them does not serve.
    """
    wanted = tags_of(tags)
    campaigns.put_tags(campaign.id, wanted)
    tell(
        on=f"campaign {campaign.name} {campaign.id}",
        before={"tags": list(campaign.tags)},
        after={"tags": list(wanted)},
    )
    return campaigns.find(campaign.id)
