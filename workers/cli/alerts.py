"""`dialer alert`: who is told of what is wrong."""

from typing import Annotated

import typer
from rich.markup import escape

from campaigns.alert_rules import Way
from campaigns.alerts import AlertKind, Limits
from dialer.store.alerts import Alert
from workers.cli.faults import JobFailed, WrongUse
from workers.cli.instants import minute
from workers.cli.printing import AsJson, answer, plain_table, say, say_json, show
from workers.cli.session import open_wiring, terminal_user
from workers.documents.alerts import AlertRuleDocument, AlertsDocument
from workers.wiring import Wiring

RuleId = Annotated[str, typer.Argument(metavar="ID", help="As `dialer alert list` shows it.")]
_USUAL = Limits()


def add(
    *,
    email: Annotated[str, typer.Option(metavar="ADDRESS", help="By e-mail.")] = "",
    slack: Annotated[str, typer.Option(metavar="URL", help="With a POST as Slack takes it.")] = "",
    teams: Annotated[str, typer.Option(metavar="URL", help="With a POST as Teams takes it.")] = "",
    events: Annotated[
        bool, typer.Option("--events", help="As events of the account, which webhooks carry.")
    ] = False,
    kind: Annotated[
        list[AlertKind] | None, typer.Option(help="Of this; give it once for each. All by default.")
    ] = None,
    campaign: Annotated[str, typer.Option(help="Of this campaign alone.")] = "",
    idle_minutes: Annotated[
        int, typer.Option(min=1, max=1440, help="Minutes without a call although some are due.")
    ] = _USUAL.idle_min,
    unresolved_above: Annotated[
        int, typer.Option(min=0, help="Attempts of a campaign in quarantine.")
    ] = _USUAL.unresolved,
    connect_rate_below: Annotated[
        int, typer.Option(min=1, max=100, help="Conversations of a hundred calls of an hour.")
    ] = _USUAL.connect_rate,
    balance_below: Annotated[
        int, typer.Option(min=0, help="Money at the provider, in its currency; 0: never.")
    ] = _USUAL.balance,
    quiet: Annotated[
        str, typer.Option(metavar="HH:MM-HH:MM", help="Daily hours in which nothing is told.")
    ] = "",
    timezone: Annotated[str, typer.Option(help="Of the quiet hours; the account's else.")] = "",
    as_json: AsJson = False,
) -> None:
    """Tell somebody of what is wrong: once, and when it is over.

    dialer alert add --email ops@example.com --quiet 22:00-07:00
    dialer alert add --slack https://hooks.slack.com/services/… --kind account_stopped --kind account_held
    """
    given = [
        (way, to) for way, to in ((Way.EMAIL, email), (Way.SLACK, slack), (Way.TEAMS, teams)) if to
    ]
    given += [(Way.EVENTS, "")] if events else []
    if len(given) != 1:
        raise WrongUse("give one of --email, --slack, --teams and --events")
    way, to = given[0]
    rule = open_wiring().alert_desk.add(
        way,
        to,
        kinds=kind or (),
        campaign=campaign,
        limits=Limits(idle_minutes, unresolved_above, connect_rate_below, balance_below),
        quiet=quiet,
        zone=timezone,
        by=terminal_user(),
    )
    text = (
        f"Told as events alert.begun and alert.over from now on; the rule is {rule.id}."
        if way is Way.EVENTS
        else f"{escape(rule.whom)} is told from now on. To try it: dialer alert test {rule.id}"
    )
    answer(AlertRuleDocument.of(rule), text, as_json=as_json)


def list_(*, as_json: AsJson = False) -> None:
    """List who is told of what, and what stands."""
    wiring = open_wiring()
    desk = wiring.alert_desk
    if as_json:
        say_json(AlertsDocument.of(desk))
        return
    if not (rules := desk.rules()):
        say("Nobody is told of anything yet. To begin: dialer alert add --email ADDRESS")
        return
    table = plain_table("id", "way", "to", "of", "campaign", "quiet")
    for rule in rules:
        of = "all" if len(rule.kinds) == len(AlertKind) else ", ".join(rule.kinds)
        quiet = f"{rule.quiet} {rule.zone}" if rule.quiet else "–"
        table.add_row(rule.id, rule.way, escape(rule.whom), of, rule.campaign or "all", quiet)
    show(table)
    for alert in desk.standing():
        _say_standing(alert, wiring)


def test(rule: RuleId) -> None:
    """Tell the people of a rule now that this is a test."""
    error = open_wiring().alert_desk.test(rule)
    if error:
        raise JobFailed(f"they were not told: {error}")
    say("They were told.")


def remove(rule: RuleId) -> None:
    """Tell the people of a rule no more."""
    gone = open_wiring().alert_desk.remove(rule)
    say(f"{escape(gone.whom)} is told no more.")


def _say_standing(alert: Alert, wiring: Wiring) -> None:
    at = minute(alert.begun_at, wiring.zone)
    told = "told" if alert.told_at else "not told yet"
    error = f": {alert.error}" if alert.error else ""
    over = ", over" if alert.over_at else ""
    say(escape(f"{at}  {alert.words} ({alert.rule}, {told}{over}{error})"))
