"""`dialer agents link` and `notice`: agents' own pages."""

from typing import Annotated

import segno
import typer
from rich.markup import escape

from campaigns.plain_text import plain_line
from dialer.access.agent_links import USUAL_DAYS, AgentLink, AgentLinks
from dialer.deeds import Did, tell
from dialer.store.agent_desk import LONGEST_NOTICE, DeskStore
from workers.cli.instants import iso
from workers.cli.printing import AsJson, answer, plain_table, say, say_json, show
from workers.cli.session import open_wiring
from workers.documents.agents import LinkDocument


def link(
    agent: Annotated[
        str, typer.Argument(metavar="AGENT", help="A number as people write it, or an id.")
    ],
    *,
    days: Annotated[int, typer.Option(help="How long it is in force.")] = USUAL_DAYS,
    listed: Annotated[
        bool, typer.Option("--list", help="Only list those in force; their texts are not kept.")
    ] = False,
    revoke: Annotated[
        str, typer.Option(metavar="LINK|all", help="End one, or all: they open nothing any more.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Make a link to an agent's own page, list the links there are, or revoke them.

    Whoever has the link is the agent: send it to them alone. It is shown once, with a code that
    their phone reads.
    """
    wiring = open_wiring()
    links = AgentLinks(wiring.db)
    if revoke or listed:
        found = wiring.registry.find(agent)
        if revoke:
            tell(what=Did.AGENT_LINK_REVOKED)
            ended = links.revoke(found.id, None if revoke == "all" else [revoke])
            text = f"Revoked: {', '.join(ended) or 'none'}."
            answer({"revoked": ended}, text, as_json=as_json)
            return
        _list(links.of(found.id), as_json=as_json)
        return
    found = wiring.registry.find_or_add(agent)
    made, text = links.make(found.id, days=days, by="the command line")
    settings = wiring.settings
    base = settings.dialer_public_url or f"http://localhost:{settings.port}"
    url = f"{base.rstrip('/')}/a/{text}"
    ends = iso(made.expires_at)
    if as_json:
        say_json({"agent_id": found.id, "link_id": made.id, "url": url, "expires_at": ends})
        return
    say(f"{escape(url)}\n\nfor {escape(found.name or agent)}, until {ends}; told this once.\n")
    segno.make(url).terminal(compact=True)


def notice(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="A line; an empty one takes it away.")
    ],
    *,
    hours: Annotated[int, typer.Option(min=1, max=168, help="For how long.")] = 24,
    as_json: AsJson = False,
) -> None:
    """Show a line on all agents' pages, such as what is new today, or take it away."""
    line = plain_line(text, "the notice", most=LONGEST_NOTICE)
    store = DeskStore(open_wiring().db)
    before = store.notice()
    store.set_notice(line, for_s=hours * 3600)
    tell(on="agents' pages", before={"notice": before}, after={"notice": line})
    text = f"Agents see: {escape(line)}" if line else "No notice."
    answer({"notice": line}, text, as_json=as_json)


def _list(links: list[AgentLink], *, as_json: bool) -> None:
    if as_json:
        say_json(list(map(LinkDocument.of, links)))
        return
    table = plain_table("link", "made", "until", "by")
    for one in links:
        table.add_row(one.id, iso(one.made_at), iso(one.expires_at), escape(one.by))
    show(table)
