"""`dialer campaign again`: those whom a campaign did not reach, as a new one."""

import tempfile
from typing import Annotated, BinaryIO, cast

import typer

from campaigns.lists.sieve import Dedupe
from campaigns.tags import tags_of
from dialer.loading.loading import LoadOptions
from dialer.reporting.again import wanted_ends, write_again
from dialer.settings import require_account, require_data_dir
from workers.cli.campaign import Name
from workers.cli.list_options import Tags
from workers.cli.lists import DryRun, ToLoad, load_list
from workers.cli.printing import AsJson
from workers.cli.rules import GivenRules, campaign_rules, takes_rules
from workers.cli.session import open_wiring
from workers.record_keeping import source_of


@takes_rules
def again(
    campaign: Name,
    *,
    name: Annotated[str, typer.Option(help="The new campaign's name.")],
    end: Annotated[
        list[str] | None,
        typer.Option(
            help="How they ended; give it once for each. By default whatever means not reached.",
            metavar="OUTCOME",
        ),
    ] = None,
    tag: Tags = None,
    dedupe: Annotated[
        Dedupe, typer.Option(help="Where a customer must not be listed already, as of load.")
    ] = Dedupe.ACTIVE,
    dry_run: DryRun = False,
    starting: Annotated[bool, typer.Option("--start", help="Start it once it is loaded.")] = False,
    as_json: AsJson = False,
    given: GivenRules,
) -> None:
    """Load those whom a campaign did not reach as a new one, with its rules.

    Each row's column contact_id names the contact it came from; rules that are given go before
    the campaign's, whose start and end are not taken over.

    **Examples**

      dialer campaign again diwali --name diwali-2 --dry-run

      dialer campaign again diwali --name diwali-2 --end customer_busy --hours 17:00-20:00
    """
    wiring = open_wiring()
    if not dry_run:
        require_account(wiring.settings)
        require_data_dir(wiring.settings)
    found = wiring.campaigns.find(campaign)
    rules = campaign_rules(wiring.settings, wiring.templates.of_campaign(found.id) | given)
    ends = wanted_ends(wiring.campaigns.counts(found.id), end or ())
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as file:
        write_again(source_of(wiring, found), file, ends)
        file.seek(0)
        options = LoadOptions(dedupe=dedupe, tags=tags_of(tag or ()))
        to_load = ToLoad(cast("BinaryIO", file.buffer), found.name, name, rules, options)
        load_list(wiring, to_load, dry_run=dry_run, starting=starting, as_json=as_json)
