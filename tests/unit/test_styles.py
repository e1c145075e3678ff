"""The style sheet of the pages: every rule is for something that a page shows."""

import re

from campaigns.attempt import AttemptState
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState
from dialer.watching.overview import AgentState
from tests.sources import ROOT
from workers.web.contact_timeline import HAPPENINGS

WEB = ROOT / "workers" / "web"
MADE = {
    "state": CampaignState,
    "contact": ContactState,
    "attempt": AttemptState,
    "agent": AgentState,
    "desk": AgentState,
    "event": HAPPENINGS,
    "method": ("GET", "POST", "PUT", "PATCH", "DELETE"),
    "shade": "01234",
}
"""Classes that templates make of a word and one of these."""
TONES = r"tone-\w+"
"""Of bars, which Python names."""


def styled() -> set[str]:
    sheets = "".join(one.read_text() for one in WEB.glob("static/*.css"))
    sheet = re.sub(r"/\*.*?\*/", "", sheets, flags=re.DOTALL)
    return set(re.findall(r"\.([A-Za-z][\w-]*)", re.sub(r"{[^{}]*}", " ", sheet)))


def test_every_class_of_the_style_sheet_is_on_a_page_or_given_by_a_script():
    made = {f"{stem}-{one}" for stem, words in MADE.items() for one in words}
    sources = [*WEB.glob("templates/**/*.html"), *WEB.glob("static/*.js")]
    words = set(re.findall(r"[\w-]+", " ".join(one.read_text() for one in sources)))

    left = {one for one in styled() - words - made if not re.fullmatch(TONES, one)}

    assert left == set()
