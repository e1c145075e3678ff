"""`dialer doctor`."""

from rich.markup import escape

from workers.cli.faults import JobFailed
from workers.cli.printing import AsJson, console, plain_table, say_json, show
from workers.cli.session import open_wiring
from workers.doctor import Verdict, examine

_MARKS = {
    Verdict.OK: "[green]ok[/green]",
    Verdict.WARN: "[yellow]warn[/yellow]",
    Verdict.FAIL: "[bold red]FAIL[/bold red]",
}


def doctor(*, as_json: AsJson = False) -> None:
    """Look whether everything is fit for dialling; no call is placed.

    Settings, Redis' version, memory policy and durability, clocks, processes, the provider's
    credentials, the callback address. Fails if anything must be mended before dialling.
    """
    wiring = open_wiring()
    with console(stderr=True).status("Examining …"):
        findings = list(examine(wiring))
    failed = [one for one in findings if one.verdict is Verdict.FAIL]
    if as_json:
        say_json(
            {
                "fit": not failed,
                "findings": [
                    {
                        "name": one.name,
                        "verdict": one.verdict,
                        "says": one.says,
                        "remedy": one.remedy or None,
                    }
                    for one in findings
                ],
            }
        )
    else:
        table = plain_table("", "what", "how it is", "what to do")
        for one in findings:
            table.add_row(_MARKS[one.verdict], one.name, escape(one.says), escape(one.remedy))
        show(table)
    if failed:
        raise JobFailed(f"not fit for dialling: {', '.join(dict.fromkeys(f.name for f in failed))}")
