"""The pages on rules, lists and reports name every option, code and outcome there is."""

import re
from pathlib import Path

import pytest

from campaigns.attempt import AGENT_SIDE, CHARGED, CUSTOMER_SIDE, Outcome
from campaigns.campaign_rules import CampaignRules
from campaigns.hours.calling_hours_text import PRESETS
from campaigns.lists.row_faults import RowFault, RowWarning
from campaigns.numbers.phone import NumberFault, NumberWarning
from campaigns.outlook.blockers import ContactBlocker
from campaigns.outlook.situation import Constraint
from campaigns.retry_policy import MACHINE, RETRIABLE, RetryRule

DOCS = Path(__file__).parents[2] / "docs"
RULES, LISTS, REPORTS = (
    (DOCS / f"{page}.md").read_text(encoding="utf-8") for page in ("rules", "lists", "reports")
)
SIDES = {"customer": CUSTOMER_SIDE, "agent": AGENT_SIDE}


def table_rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("rule", CampaignRules.model_fields)
def test_every_rule_has_a_row_with_an_example(rule):
    option = f"`--{rule.removesuffix('_s').replace('_', '-')}`"

    [row] = [line for line in table_rows(RULES) if line.startswith(f"| {option}")]

    assert re.search(r"`--[^`]+` \|$", row)


@pytest.mark.parametrize("cause", sorted([*RETRIABLE, MACHINE]))
def test_every_outcome_a_retry_may_name_is_named(cause):
    assert f"`{cause}`" in RULES


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_told_with_its_side_and_whether_it_is_charged(outcome):
    rows = re.findall(r"^\| (\S+) \| (.+) \| (yes|no) \|$", REPORTS, re.MULTILINE)

    [(side, charged)] = [(row[0], row[2]) for row in rows if f"`{outcome}`" in row[1]]

    assert charged == ("yes" if outcome in CHARGED else "no")
    assert [name for name, outcomes in SIDES.items() if outcome in outcomes] == [
        name for name in SIDES if name == side
    ]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_named(preset):
    assert f"`{preset}`" in RULES


@pytest.mark.parametrize("blocker", sorted({*map(str, Constraint), *map(str, ContactBlocker)}))
def test_everything_that_may_be_in_the_way_is_named(blocker):
    assert f"`{blocker}`" in RULES


@pytest.mark.parametrize("code", [*NumberFault, *RowFault, *NumberWarning, *RowWarning])
def test_every_code_of_a_row_is_named_with_what_to_do(code):
    assert f"`{code}`" in LISTS


def test_the_retries_shown_as_examples_are_read():
    shown = re.findall(r"^\| `([a-z_]+=[^`]+)`", RULES, re.MULTILINE)

    assert len([RetryRule.parse(one) for one in shown]) >= 6
