"""`dialer doctor`."""

from collections.abc import Sequence

from rich.markup import escape

from workers.cli.faults import JobFailed
from workers.cli.printing import AsJson, console, plain_table, say_json, show
from workers.cli.session import open_wiring
from workers.doctor import Finding, Verdict, examine, examine_account
from workers.wiring import wire

_MARKS = {
    Verdict.OK: "[green]ok[/green]",
    Verdict.WARN: "[yellow]warn[/yellow]",
    Verdict.FAIL: "[bold red]FAIL[/bold red]",
}


def doctor(*, as_json: AsJson = False) -> None:
    """Look whether everything is fit for dialling; no call is placed.

    Settings, Redis' version, memory policy and durability, clocks, processes, the provider's
    credentials, the callback address; of further accounts what is their own. Fails if anything must be
    mended before dialling.
    """
    here = open_wiring()
    others = [] if here.home else [one for one in wire(here.settings) if one.home]
    with console(stderr=True).status("Examining …"):
        findings = [(here.name, one) for one in examine(here)]
        findings += [(other.name, one) for other in others for one in examine_account(other)]
    tell(findings, as_json=as_json)


def tell(findings: Sequence[tuple[str, Finding]], *, as_json: bool) -> None:
    """Show what was found, each with its account.

    Raises:
        JobFailed: Something must be mended.
    """
    failed = [one for _, one in findings if one.verdict is Verdict.FAIL]
    if as_json:
        say_json(
            {
                "fit": not failed,
                "findings": [
                    {
                        "account": account,
                        "name": one.name,
                        "verdict": one.verdict,
                        "says": one.says,
                        "remedy": one.remedy or None,
                    }
                    for account, one in findings
                ],
            }
        )
    else:
        _show(findings)
    if failed:
        raise JobFailed(f"not fit for dialling: {', '.join(dict.fromkeys(f.name for f in failed))}")


def _show(findings: Sequence[tuple[str, Finding]]) -> None:
    has_several = len({account for account, _ in findings}) > 1
    columns = ("", "account", "what", "how it is", "what to do")
    table = plain_table(*(one for one in columns if has_several or one != "account"))
    for account, one in findings:
        of_account = [escape(account)] if has_several else []
        table.add_row(
            _MARKS[one.verdict], *of_account, one.name, escape(one.says), escape(one.remedy)
        )
    show(table)
