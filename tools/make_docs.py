"""Writes the parts of docs/ and .env.example that the code declares: `make docs`.

A part stands between `<!-- made: NAME -->` and `<!-- end -->`; the rest of a page is written by
hand. With `--check` nothing is written, and the exit code tells whether all is as it should be.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from campaigns.declared_rules import HOLIDAYS, RULES, default_text, is_yes_or_no, written_name
from campaigns.rules.declaring import Panel
from dialer.reporting.tables import ATTEMPTS, CONTACTS, Column
from dialer.settings import Settings

ROOT = Path(__file__).parents[1]
_PART = re.compile(r"(?<=<!-- made: )([\w ,]+)( -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]]) + "\n"


def rules_of(panel: Panel) -> str:
    return table(
        ("option", "default", "meaning", "example"),
        (rule_row(name) for name, rule in RULES.items() if rule.panel is panel),
    )


def rule_row(name: str) -> tuple[str, str, str, str]:
    rule = RULES[name]
    option = f"--{written_name(name).replace('_', '-')}"
    default = default_text(name)
    words = "".join(f"`{word}` " for word in rule.words).strip().replace(" ", ", ")
    if is_yes_or_no(name):
        no = f"--no-{option.removeprefix('--')}"
        return f"`{option}`, `{no}`", f"`{default}`", rule.help, f"`{option}`"
    meaning = (
        f"{rule.help}: {', '.join(f'`{word}`' for word in rule.words)}" if words else rule.help
    )
    if name == HOLIDAYS:
        meaning += "; or a file with a date a line"
    example = f"'{rule.example}'" if re.search(r"[ {;]", rule.example) else rule.example
    return f"`{option}`", f"`{default}`" if default else "–", meaning, f"`{option} {example}`"


def columns(of: Sequence[Column]) -> str:
    return table(("column", "meaning"), ((f"`{one.name}`", one.meaning) for one in of))


def setting_default(name: str) -> str:
    match Settings.model_fields[name].default:
        case SecretStr():
            return ""
        case bool(value):
            return str(value).lower()
        case tuple(values):
            return ",".join(map(str, values))
        case value:
            return str(value)


def settings_of(names: Iterable[str]) -> str:
    return table(
        ("setting", "default", "meaning"),
        (
            (
                f"`{name.upper()}`",
                f"`{setting_default(name)}`" if setting_default(name) else "–",
                str(Settings.model_fields[name].description),
            )
            for name in names
        ),
    )


def setting_groups() -> dict[str, list[str]]:
    """The settings under the headings that stand above them in the class."""
    groups: dict[str, list[str]] = {}
    for line in inspect.getsource(Settings).splitlines():
        if heading := re.fullmatch(r" {4}# (.+)", line):
            of_group = groups.setdefault(heading[1][0].upper() + heading[1][1:], [])
        elif (field := re.match(r" {4}(\w+): ", line)) and field[1] in Settings.model_fields:
            of_group.append(field[1])
    return groups


def env_example() -> str:
    lines = [
        "# Every setting, with its default. Copy to .env and fill in what is empty; the environment wins."
    ]
    for group, names in setting_groups().items():
        lines += ["", f"# --- {group}"]
        for name in names:
            lines += [
                f"# {Settings.model_fields[name].description}",
                f"{name.upper()}={setting_default(name)}",
            ]
    return "\n".join(lines) + "\n"


PARTS: dict[str, Callable[[], str]] = {
    **{f"rules, {panel.lower()}": partial(rules_of, panel) for panel in Panel},
    "columns of attempts": partial(columns, ATTEMPTS),
    "columns of contacts": partial(columns, CONTACTS),
    **{
        f"settings, {group.lower()}": partial(settings_of, names)
        for group, names in setting_groups().items()
    },
}


def made() -> dict[Path, str]:
    """Every page with its parts made anew, and the example file."""
    pages = {
        page: _PART.sub(lambda part: f"{part[1]}{part[2]}\n{PARTS[part[1]]()}\n{part[3]}", text)
        for page in sorted((ROOT / "docs").glob("*.md"))
        if "<!-- made: " in (text := page.read_text(encoding="utf-8"))
    }
    return pages | {ROOT / ".env.example": env_example()}


def main() -> int:
    stale = {page: text for page, text in made().items() if page.read_text("utf-8") != text}
    for page, text in stale.items():
        print(f"{page.relative_to(ROOT)} is not what the code declares: run make docs")
        if "--check" not in sys.argv:
            page.write_text(text, encoding="utf-8")
            print("  written")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
