"""`dialer campaign rules`: how a campaign dials."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.markup import escape

from campaigns.rule_changes import RuleChange, changes_in_words
from campaigns.rules_in_words import rules_in_words
from dialer.steering.changing_rules import RulesRefused, changed_rules
from dialer.store.rule_versions import RuleVersion
from dialer.watching.previewing import Preview, preview
from workers.cli.campaign import Name
from workers.cli.faults import WrongUse
from workers.cli.instants import local
from workers.cli.printing import AsJson, plain_table, say, say_json, show
from workers.cli.rules import GivenRules, takes_rules, wrong_options
from workers.cli.session import open_wiring
from workers.cli.status_view import rules_table
from workers.documents.rules import VersionDocument


@takes_rules
def rules(
    campaign: Name,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
    versions: Annotated[
        bool, typer.Option("--versions", help="List the rules as they were, and who changed them.")
    ] = False,
    back_to: Annotated[
        int | None, typer.Option(min=1, help="Make the rules of this version the newest one.")
    ] = None,
    based_on: Annotated[
        int | None,
        typer.Option(min=1, help="Refuse where this is not the newest version any more."),
    ] = None,
    as_json: AsJson = False,
    given: GivenRules,
) -> None:
    """Show a campaign's rules, or change those given until it is over.

    Changed rules hold from the next call on; attempts made before keep the rules they were made
    by. An empty text stands for the default again: --custom-field ''.

    **Examples**

      dialer campaign rules diwali

      dialer campaign rules diwali --hours india-recovery --dry-run

      dialer campaign rules diwali --back-to 3
    """
    if given and back_to:
        raise WrongUse("--back-to gives all rules; name no others beside it")
    wiring = open_wiring()
    found, changing = wiring.campaigns.find(campaign), wiring.changing_rules
    if versions:
        _show_versions(changing.versions(found), as_json=as_json)
        return
    try:
        if given or back_to:
            changing.check_based_on(found, based_on)
            wanted = (
                changing.as_then(found, back_to)
                if back_to
                else changed_rules(wiring.settings, found.rules, given)
            )
            changing.check(found, wanted)
            if dry_run:
                _show_preview(preview(wiring.db, wiring.statuses, found, wanted), as_json=as_json)
                return
            found = changing.put(found, wanted)
    except RulesRefused as error:
        raise wrong_options(error) from None
    if as_json:
        say_json(
            {
                "campaign_id": found.id,
                "name": found.name,
                "rules_version": found.rules_version,
                "rules": found.rules.model_dump(mode="json"),
                "rules_in_words": rules_in_words(found.rules),
            }
        )
        return
    say(f"Rules of {escape(found.name)}, version {found.rules_version}:")
    show(rules_table(found.rules))


def _show_preview(found: Preview, *, as_json: bool) -> None:
    if as_json:
        say_json(found.as_json())
        return
    _show_changes(found.changes)
    for sentence in found.sentences():
        say(escape(sentence))
    say("Dry run: nothing was changed.")


def _show_changes(changes: Sequence[RuleChange]) -> None:
    if not changes:
        return
    table = plain_table("rule", "now", "then")
    for one in changes:
        table.add_row(one.label, escape(one.before), escape(one.after))
    show(table)


def _show_versions(found: Sequence[RuleVersion], *, as_json: bool) -> None:
    if as_json:
        say_json(list(map(VersionDocument.of, found)))
        return
    table = plain_table("version", "since", "by", "what changed", numbers=("version",))
    for one, before in zip(found, [*found[1:], None], strict=True):
        changes = changes_in_words(before.rules, one.rules) if before else []
        told = "\n".join(f"{each.label}: {each.before} → {each.after}" for each in changes)
        since = local(one.at, one.rules.zone)
        table.add_row(str(one.version), since, escape(one.by or "–"), escape(told or "as loaded"))
    show(table)
