"""The table of commands says what the commands say, and a command imports what it needs alone."""

import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from dialer.access.api_keys import Scope
from workers.cli.command import Command, Group
from workers.cli.commands import COMMANDS

HEAVY = {"numpy", "pandas", "pyarrow", "phonenumbers", "holidays", "httpx", "fastapi"}
CONNECTING = {"redis", "pydantic_settings"}
DONE_BY_FEW = {
    *("campaigns.event", "campaigns.alerts", "dialer.access.api_keys", "dialer.audit"),
    *("dialer.dialing.journal", "dialer.dialing.options", "dialer.embedded.embedded"),
    *("dialer.steering.starting", "rich.live", "rich.progress", "tomllib"),
    *("dialer.account_day", "dialer.steering.tagging", "dialer.terms"),
    *("dialer.store.attempts", "dialer.store.callback_inbox", "dialer.store.day"),
}
"""What to keep events, alerts, keys, a journal or a server is made of; none of it is for a glance."""


def all_commands() -> dict[str, Command]:
    found = {}
    for name, entry in COMMANDS.items():
        inside = entry.commands if isinstance(entry, Group) else {"": entry}
        found |= {f"{name} {word}".strip(): command for word, command in inside.items()}
    return found


@pytest.mark.parametrize(("words", "command"), all_commands().items(), ids=all_commands())
def test_the_table_says_of_a_command_what_its_docstring_says_first(words, command):
    module, function = command.home.split(":")
    docstring = inspect.getdoc(getattr(import_module(f"workers.cli.{module}"), function))

    assert command.help == " ".join(docstring.split("\n\n")[0].split())


ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| `([^`]+)` \| (?:`([^`]+)`|none: .{15,}) \| (?:`(\w+)`)? ?\|$", re.MULTILINE)


def test_every_command_has_its_page_or_a_said_reason_why_it_has_none():
    rows = _ROW.findall((ROOT / "docs" / "pages.md").read_text(encoding="utf-8"))
    sources = "".join(
        one.read_text(encoding="utf-8") for one in (ROOT / "workers/web/pages").glob("*.py")
    )
    pages = set(re.findall(r'"(/[^"\s]*)"', sources))

    assert sorted(command for command, _, _ in rows) == sorted(all_commands())
    assert [page for _, page, _ in rows if page and page not in pages] == []
    assert [row for row in rows if bool(row[1]) != (row[2] in set(Scope))] == []


def test_a_group_without_a_usual_command_names_none():
    usual = {name: entry.usual for name, entry in COMMANDS.items() if isinstance(entry, Group)}

    assert {name: word for name, word in usual.items() if word} == {
        "report": "write",
        "agents": "show",
    }


def imported_by(*words: str) -> set[str]:
    """Every module that a command imports, its help included."""
    program = (
        "import sys\n"
        f"sys.argv = ['dialer', *{words!r}, '--help']\n"
        "from workers.cli import main\n"
        "main()\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


def test_help_imports_no_command():
    modules = imported_by()

    assert not modules & (HEAVY | CONNECTING)
    assert (
        not {f"workers.cli.{command.home.split(':')[0]}" for command in all_commands().values()}
        & modules
    )


def test_the_help_of_a_group_imports_no_command():
    assert not imported_by("campaign") & (HEAVY | CONNECTING | {"workers.cli.campaign"})


def test_status_imports_neither_lists_nor_reports_nor_the_provider():
    modules = imported_by("campaign", "status")

    assert "workers.cli.campaign" in modules
    assert not modules & HEAVY
    others = ("lists", "plan", "books", "quarantine", "rules", "reports")
    assert not modules & {f"workers.cli.{name}" for name in others}
    assert not modules & {"dialer.exotel", "dialer.loading.loading", "dialer.store.contacts"}
    assert not modules & DONE_BY_FEW


def test_settings_are_read_without_the_store():
    program = (
        "import sys\nfrom dialer.settings import read_settings\nread_settings(env_file=None)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={},
    )

    assert not {one for one in done.stdout.split() if one.split(".")[0] == "redis"}
    assert "dialer.store" not in done.stdout.split()


def test_why_imports_nothing_of_the_provider():
    modules = imported_by("campaign", "why")

    assert "dialer.watching.explaining" in modules
    assert not modules & {"httpx", "dialer.exotel", "dialer.steering.changing_rules"}
