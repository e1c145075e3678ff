"""The page of who did what."""

from datetime import datetime
from itertools import islice
from typing import Any

from dialer.access.api_keys import Scope
from dialer.audit import actions, by, faults_of
from workers.web.access import Visitor
from workers.web.deeds import hidden_from
from workers.web.pages.declaring import Answer, Asked, Pages, page
from workers.web.services import Services

pages = Pages()

_MOST_SHOWN = 200


@pages.get("/audit", Scope.ADMIN)
def show(asked: Asked) -> Answer:
    """Show the newest actions, of everybody or of one."""
    who, is_checked = asked.query("who").strip()[:100], "check" in asked.request.query_params
    found, faults = _read(asked.services, asked.visitor, who, is_checked=is_checked)
    return page(
        "audit.html",
        actions=found[:_MOST_SHOWN],
        is_whole=len(found) <= _MOST_SHOWN,
        who=who,
        is_checked=is_checked,
        faults=faults,
    )


def _read(
    services: Services, visitor: Visitor, who: str, *, is_checked: bool
) -> tuple[list[dict[str, Any]], list[str]]:
    trail = services.wiring.audit.trail
    found = list(
        islice(actions(by(trail.newest(), who, without=hidden_from(visitor))), _MOST_SHOWN + 1)
    )
    for one in found:
        one["at_s"] = datetime.fromisoformat(one["at"]).timestamp()
    faults = list(faults_of(trail.lines(), trail.ends())) if is_checked else []
    return found, faults
