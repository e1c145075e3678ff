"""`dialer template`: rules under a name, to load lists with."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from dialer.steering.changing_rules import RulesRefused
from dialer.steering.templates import KnownTemplate
from workers.cli.completing import campaigns
from workers.cli.faults import WrongUse
from workers.cli.instants import minute
from workers.cli.printing import AsJson, note, plain_table, say, say_json, show
from workers.cli.rules import GivenRules, takes_rules, wrong_options
from workers.cli.session import open_wiring
from workers.cli.status_view import rules_table
from workers.documents.templates import TemplateDocument

Named = Annotated[str, typer.Argument(metavar="TEMPLATE", help="Its name.")]


def list_(*, as_json: AsJson = False) -> None:
    """List the templates, and what of them is not allowed any more."""
    wiring = open_wiring()
    found = wiring.templates.all()
    if as_json:
        say_json(list(map(TemplateDocument.of, found)))
        return
    if not found:
        say("No templates yet. Save one: dialer template save NAME --like CAMPAIGN")
        return
    table = plain_table("template", "saved", "by", "rules", "")
    for one in found:
        table.add_row(
            escape(one.template.name),
            minute(one.template.saved_at, wiring.zone),
            escape(one.template.saved_by or "–"),
            escape(
                ", ".join(f"{rule}={_text(value)}" for rule, value in one.template.given.items())
            ),
            f"[yellow]{escape(_objection(one))}[/yellow]",
        )
    show(table)


def show_(template: Named, *, as_json: AsJson = False) -> None:
    """Show a template's rules in words."""
    _tell(open_wiring().templates.find(template), as_json=as_json)


@takes_rules
def save(
    template: Named,
    *,
    like: Annotated[
        str,
        typer.Option(
            metavar="CAMPAIGN",
            help="Take this campaign's rules, but for its days.",
            shell_complete=campaigns,
        ),
    ] = "",
    as_json: AsJson = False,
    given: GivenRules,
) -> None:
    """Keep rules under a name; those of one that has it already are replaced.

    What is not given has the account's default when a list is loaded. Campaigns that were loaded with a
    template keep their rules.

    **Examples**

      dialer template save evenings --hours 17:00-20:00 --max-attempts 2

      dialer template save evenings --like diwali --record

      dialer campaign load contacts.csv --name pongal --template evenings
    """
    wiring = open_wiring()
    rules = wiring.templates.given(like=like) | given
    if not rules:
        raise WrongUse("name rules to keep, or --like CAMPAIGN")
    try:
        found = wiring.templates.save(template, rules)
    except RulesRefused as error:
        raise wrong_options(error) from None
    _tell(found, as_json=as_json)


def remove(template: Named) -> None:
    """Forget a template; campaigns that were loaded with it keep their rules."""
    gone = open_wiring().templates.remove(template)
    say(f"Template {escape(gone.name)} is removed.")


def _tell(found: KnownTemplate, *, as_json: bool) -> None:
    if as_json:
        say_json(TemplateDocument.of(found))
        return
    say(f"Template {escape(found.template.name)}:")
    if found.rules:
        show(rules_table(found.rules))
    else:
        note(f"[yellow]{escape(_objection(found))}[/yellow]")


def _objection(found: KnownTemplate) -> str:
    told = "; ".join(f"{one.rule}: {one.message}" for one in found.faults)
    return f"not allowed any more: {told}" if told else ""


def _text(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)
