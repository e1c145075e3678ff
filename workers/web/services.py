"""What the API and the pages share: one of each for one web process."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dialer.access.api_keys import ApiKeys
from dialer.audit import Audit
from workers.web.access import Authenticator
from workers.web.entrance import Identifying
from workers.web.intake import Intake
from workers.web.live import Watching
from workers.web.proxies import TrustedProxies
from workers.web.rehearsals import REHEARSE, Rehearsals
from workers.web.subprocesses import Apart
from workers.wiring import Wiring


@dataclass(frozen=True)
class Services:
    """Everything a request may need, made when first asked for.

    Args:
        rehearse: The command of a rehearsal.
    """

    wiring: Wiring
    rehearse: Sequence[str] = REHEARSE

    @cached_property
    def authenticator(self) -> Authenticator:
        """Lets visitors in."""
        settings = self.wiring.settings
        return Authenticator(
            self.wiring.db,
            self.keys,
            settings_key=settings.dialer_api_key.get_secret_value(),
            faces_others=settings.faces_others,
        )

    @cached_property
    def identifying(self) -> Identifying:
        """Tells visitors by what they show."""
        return Identifying(self.authenticator)

    @cached_property
    def keys(self) -> ApiKeys:
        """The keys that were made."""
        return self.wiring.api_keys

    @cached_property
    def trusted(self) -> TrustedProxies:
        """Proxies whose word on a request's way counts."""
        return TrustedProxies.of(self.wiring.settings)

    @cached_property
    def audit(self) -> Audit:
        """Records what is done."""
        return self.wiring.audit

    @cached_property
    def apart(self) -> Apart:
        """Does heavy work elsewhere."""
        return Apart(self.wiring.settings)

    @cached_property
    def watching(self) -> Watching:
        """Reads campaigns for those who watch."""
        return Watching(self.wiring, self.apart)

    @cached_property
    def rehearsals(self) -> Rehearsals:
        """Rehearses lists, one at a time."""
        folder = self.wiring.settings.dialer_data_dir / "rehearsals"
        return Rehearsals(folder, command=self.rehearse)

    @cached_property
    def intake(self) -> Intake:
        """Bounds uploads."""
        return Intake()

    @property
    def uploads_dir(self) -> Path:
        """Where files on their way in are kept."""
        return self.wiring.settings.dialer_data_dir / "incoming"

    @property
    def reviews_dir(self) -> Path:
        """Where checked files wait for a decision."""
        return self.wiring.settings.dialer_data_dir / "reviews"

    @property
    def reports_dir(self) -> Path:
        """Where reports are written before they are sent."""
        return self.wiring.settings.dialer_data_dir / "sending"
