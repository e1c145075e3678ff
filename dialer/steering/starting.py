"""Use case: a campaign is started, or goes on; a large one only once two people want it.

Who is who: each key is a person, and so is each user of the operating system at the command line.
Whoever has a shell on the machine and a key counts twice, and could read the settings anyway.
"""

from campaigns.campaign import CampaignState
from campaigns.sentence import told
from dialer.deeds import Did, tell
from dialer.errors import NotDone
from dialer.logger import get_logger
from dialer.store import Campaign, Campaigns, Database
from dialer.store.starting import ask_to_start, confirm_start

log = get_logger(__name__)


class SecondPersonNeeded(NotDone):
    """It was asked for, and starts once somebody else asks too."""

    def __init__(self, campaign: Campaign) -> None:
        super().__init__(
            told(
                "campaign {name} has {contacts} contacts and waits for a second person: somebody else "
                "who may operate has to start it too",
                name=campaign.name,
                contacts=campaign.accepted,
            )
        )


class NobodyToCall(NotDone):
    """A campaign without a contact: started, it would be over at once."""

    def __init__(self, campaign: Campaign) -> None:
        super().__init__(
            told(
                "campaign {name} has nobody to call: append a list to it, or add contacts, and start it then",
                name=campaign.name,
            )
        )


class Starting:
    """Starts campaigns.

    Args:
        second_above: Contacts above which a second person is needed; 0: never.
    """

    def __init__(self, db: Database, *, second_above: int) -> None:
        self._db = db
        self._campaigns = Campaigns(db)
        self._second_above = second_above

    def start(self, campaign: Campaign, *, who: str) -> CampaignState:
        """Start a campaign, or let it go on.

        Args:
            who: The key's id, or the user's name at the command line.

        Raises:
            NobodyToCall: It has no contact, and no file is on its way into it.
            SecondPersonNeeded: The wish was written down.
            WrongState: It cannot start from where it stands.
        """
        if campaign.state is CampaignState.LOADED and not (campaign.accepted or campaign.in_part):
            raise NobodyToCall(campaign)
        if campaign.state in {CampaignState.LOADED, CampaignState.PAUSED}:
            self.ask(campaign, who=who)
        return self._campaigns.move(campaign, CampaignState.RUNNING)

    def ask(self, campaign: Campaign, *, who: str) -> None:
        """Note who wants it to start; the gate asks for what is noted, whatever lets it run.

        Raises:
            SecondPersonNeeded: The wish was written down.
        """
        if not campaign.needs_second(above=self._second_above):
            return
        asked_by = ask_to_start(self._db, campaign, who=who)
        if asked_by == who:
            tell(on=f"campaign {campaign.name} {campaign.id}", after={"asked_by": who})
            raise SecondPersonNeeded(campaign)
        confirm_start(self._db, campaign, by=f"{asked_by}, {who}")
        tell(
            what=Did.START_CONFIRMED,
            before={"asked_by": asked_by},
            after={"confirmed_by": who, "contacts": campaign.accepted},
        )
        log.warning("start_confirmed", campaign_id=campaign.id, asked_by=asked_by, confirmed_by=who)
