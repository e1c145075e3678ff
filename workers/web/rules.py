"""A campaign's rules from form fields, named as the command's options with underscores:
`time_limit`, `max_attempts`, `retry`.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from campaigns.declared_rules import RULES, default_text, is_yes_or_no, written_name
from campaigns.sentence import told
from workers.web.problems import Problem


@dataclass(frozen=True, slots=True)
class RuleField:
    """A rule on an upload form.

    Args:
        name: As in the form that is sent.
        default: What holds where nothing is filled in; '' where nothing does.
        is_needed: Nothing holds, and something must.
        words: All values it takes, where they are words.
    """

    name: str
    panel: str
    label: str
    help: str
    shape: str
    example: str
    default: str
    is_needed: bool
    words: tuple[str, ...]
    several: bool


def rule_fields(defaults: Mapping[str, Any]) -> list[RuleField]:
    """Lay out the form of all rules.

    Args:
        defaults: Of those that have theirs in the settings.
    """
    return [
        RuleField(
            name=written_name(name),
            panel=rule.panel,
            label=rule.label,
            help=rule.help,
            shape=rule.shape,
            example=rule.example,
            default=str(defaults.get(name, default_text(name))),
            is_needed=name == "caller_id" and not defaults[name],
            words=("yes", "no") if is_yes_or_no(name) else rule.words,
            several=rule.several,
        )
        for name, rule in RULES.items()
    ]


def rule_name(field: str) -> str | None:
    """Tell which rule a form field is; None when it is none. Units may be left out."""
    return next((one for one in (field, f"{field}_s") if one in RULES), None)


def refuse_unknown(names: Iterable[str], *, beside: Container[str] = ()) -> None:
    """Check that each name is a rule's, or one of those that stand beside rules.

    Raises:
        Problem: Naming those that are not: a misspelt one must not pass as if it had been heeded.
    """
    unknown = sorted(name for name in names if name not in beside and not rule_name(name))
    if unknown:
        raise Problem(
            422, "unknown_field", told("Not known: {unknown}.", unknown=", ".join(unknown)[:200])
        )


def given_rules(fields: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Give the rules among some form fields, as text; an empty field was not given."""
    given: dict[str, Any] = {}
    for field, values in fields.items():
        filled = [one.strip() for one in values if one.strip()]
        rule = rule_name(field)
        if rule is None or not filled:
            continue
        given[rule] = " ".join(filled).split() if RULES[rule].several else filled[-1]
    return given
