"""What the code declares stands in the documents, word for word."""

import pytest

from campaigns.campaign_rules import CampaignRules
from campaigns.declared_rules import HOLIDAYS, RULES
from dialer.exotel.request import CHOICES
from tools.make_docs import PARTS, ROOT, made


@pytest.mark.parametrize(("page", "text"), made().items(), ids=lambda one: getattr(one, "name", ""))
def test_a_page_says_what_the_code_declares(page, text):
    assert page.read_text(encoding="utf-8") == text, "run: make docs"


def test_every_part_has_its_place():
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))

    assert [part for part in PARTS if f"<!-- made: {part} -->" not in pages] == []


def test_every_rule_declares_itself():
    assert RULES.keys() == {*CampaignRules.model_fields, HOLIDAYS}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_what_is_told_of_a_rule_fits_a_page(rule):
    assert rule.help[0].islower() or rule.help[0] in "-IE"
    assert "--" not in rule.help
    assert not rule.help.endswith(".")


@pytest.mark.parametrize(
    ("rule", "parameter"),
    [
        ("recording_channels", "RecordingChannels"),
        ("recording_format", "RecordingFormat"),
        ("playback_to", "StartPlaybackTo"),
        ("stream_begin", "StreamBegin"),
    ],
)
def test_words_of_the_provider_are_all_offered(rule, parameter):
    assert set(RULES[rule].words) == set(CHOICES[parameter])
