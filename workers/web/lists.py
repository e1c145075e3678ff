"""What is asked of an uploaded list, read from the fields of its form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from campaigns.campaign import LONGEST_NAME, is_name
from campaigns.campaign_rules import CampaignRules
from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.sieve import Dedupe
from campaigns.lists.source import HiddenRows, ReadingChoice
from campaigns.sentence import told
from campaigns.tags import tags_of
from dialer.loading.loading import LoadOptions
from dialer.steering.changing_rules import new_rules
from workers.web.problems import invalid
from workers.web.rules import given_rules, refuse_unknown
from workers.wiring import Wiring

Fields = Mapping[str, Sequence[str]]

READING_FORM: dict[str, Any] = {
    "agent_column": {"type": "string", "description": "By its heading when empty."},
    "customer_column": {"type": "string", "description": "By its heading when empty."},
    "name_column": {
        "type": "string",
        "description": "Customers' names; by its heading when empty.",
    },
    "yes_columns": {
        "type": "boolean",
        "default": False,
        "description": "The columns that headings and content suggest are the right ones.",
    },
    "dedupe": {
        "type": "string",
        "enum": list(Dedupe),
        "default": "active",
        "description": "Where a customer must not be listed already.",
    },
    "sheet": {
        "type": "string",
        "description": "Of a workbook; the one that holds phone numbers when empty.",
    },
    "header_line": {"type": "integer", "minimum": 1, "description": "Of the columns' names."},
    "hidden_rows": {
        "type": "string",
        "enum": list(HiddenRows),
        "description": "What becomes of rows that a sheet hides; where there are, it is needed.",
    },
    "create_agents": {
        "type": "boolean",
        "default": False,
        "description": "Take groups that no agent belongs to yet; their contacts wait for agents.",
    },
}
"""Fields that say how a file is to be read, as the API's document describes them."""

READING = frozenset(READING_FORM)

_OPTIONS = READING | {"name", "again", "dry_run", "start", "template", "like", "tag"}
YES, _NO = frozenset({"1", "true", "yes", "on"}), frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class ListOrder:
    """What to do with a list."""

    name: str
    rules: CampaignRules
    options: LoadOptions
    dry_run: bool
    start: bool


def list_order(wiring: Wiring, fields: Fields, *, default_name: str = "") -> ListOrder:
    """Read the form of a new campaign.

    Raises:
        NotDone: It names a template that there is not.
        CampaignNotFound: Or a campaign whose rules it begins with.
        Problem: Naming what is wrong, fields that are not known included.
        RulesRefused: Naming every rule that is wrong.
    """
    refuse_unknown(fields, beside=_OPTIONS)
    dry_run = truth(fields, "dry_run")
    name = one(fields, "name").strip() or default_name
    if not dry_run:
        check_name(name)
    begun = wiring.templates.given(template=one(fields, "template"), like=one(fields, "like"))
    return ListOrder(
        name=name,
        rules=new_rules(wiring.settings, begun | given_rules(fields)),
        options=load_options(fields),
        dry_run=dry_run,
        start=truth(fields, "start"),
    )


def default_name(file_name: str) -> str:
    """Name a campaign after its file, where its owner says nothing."""
    return PurePath(file_name).stem[:LONGEST_NAME] or "campaign"


def load_options(fields: Fields) -> LoadOptions:
    """Read how a file is to be read.

    Raises:
        Problem: `dedupe` is no such word.
    """
    dedupe = one(fields, "dedupe") or Dedupe.ACTIVE
    if dedupe not in set(Dedupe):
        raise invalid(told("dedupe is one of {words}.", words=", ".join(Dedupe)))
    choice = ColumnChoice(
        agent=one(fields, "agent_column") or None,
        customer=one(fields, "customer_column") or None,
        name=one(fields, "name_column") or None,
        takes_suggestion=truth(fields, "yes_columns"),
    )
    again = truth(fields, "again")
    return LoadOptions(
        choice,
        Dedupe(dedupe),
        again=again,
        reading=reading_choice(fields),
        new_groups=truth(fields, "create_agents"),
        tags=tags_of(fields.get("tag", ())),
    )


def reading_choice(fields: Fields) -> ReadingChoice:
    """Read where a list stands in its file.

    Raises:
        Problem: `header_line` or `hidden_rows` cannot be understood.
    """
    line, hidden = one(fields, "header_line").strip(), one(fields, "hidden_rows")
    if line and not (line.isascii() and line.isdecimal() and int(line[:9]) > 0 and len(line) < 9):
        raise invalid(told("header_line is the number of a line, from 1."))
    if hidden and hidden not in set(HiddenRows):
        raise invalid(told("hidden_rows is one of {words}.", words=", ".join(HiddenRows)))
    return ReadingChoice(
        sheet=one(fields, "sheet") or None,
        header_line=int(line) if line else None,
        hidden_rows=HiddenRows(hidden) if hidden else None,
    )


def check_name(name: str) -> None:
    """Check a campaign's name; it is what people call it, so nearly anything goes.

    Raises:
        Problem: It does not serve.
    """
    if not is_name(name):
        raise invalid(
            told("name: 1 to {most} characters on one line are needed.", most=LONGEST_NAME)
        )


def one(fields: Fields, name: str) -> str:
    """Give a field that may stand once; '' when it is missing.

    Raises:
        Problem: It stands there twice.
    """
    values = fields.get(name, ())
    if len(values) > 1:
        raise invalid(told("{name} may stand once.", name=name))
    return values[0] if values else ""


def truth(fields: Fields, name: str) -> bool:
    """Read a yes or no.

    Raises:
        Problem: It is neither.
    """
    word = one(fields, name).strip().lower()
    if word not in YES | _NO:
        raise invalid(told("{name} is true or false.", name=name))
    return word in YES
