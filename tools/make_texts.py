"""Writes what the pages say and has no text yet into `workers/web/texts/<language>/`: `make texts`.

Found are `_("…")` and `{% trans %}` in templates, `| count("…")`, `text("…")` in scripts, `told("…")`,
`counted("…", "…")` and errors that are handed a sentence in Python, and the fixed words of CODES. A text
stays in the file it stands in; a new one is put into that of its part of the pages, with an empty msgstr to be
filled in; what nothing says any more is left out. With `--check` nothing is written, and the exit code tells
whether all is there.
"""

import ast
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from itertools import chain
from pathlib import Path

from jinja2 import nodes
from jinja2.ext import extract_from_ast

from campaigns.agents.agent import Presence
from campaigns.attempt import AttemptState, Outcome, ReportSource
from campaigns.campaign import CampaignState
from campaigns.contact_state import ContactState, NotDialled
from campaigns.declared_rules import RULES
from campaigns.lists.agents_list import AgentFault
from campaigns.lists.header import Role
from campaigns.lists.row_faults import RowFault, RowWarning
from campaigns.numbers.dressed_number import Dressing
from campaigns.numbers.phone import NumberFault, NumberWarning
from campaigns.numbers.spreadsheet_damage import SpreadsheetDamage
from campaigns.outlook.blockers import ContactBlocker
from campaigns.outlook.situation import Constraint
from campaigns.reports.reconciliation import Verdict
from campaigns.retry_policy import MACHINE
from campaigns.rules.declaring import Panel
from dialer.access.api_keys import Scope
from dialer.deeds import Did
from dialer.reporting.tables import Kind
from dialer.watching.browsing import AGENT_REACHED, IN_FLIGHT, NO_OUTCOME, NOT_TRIED, RETRY
from dialer.watching.overview import RETRIES_DUE, AgentState
from workers.web.contact_timeline import HAPPENINGS
from workers.web.languages import LANGUAGES
from workers.web.pages.rendering import environment_in
from workers.web.pages.static import script_texts
from workers.web.tasks import TaskState
from workers.web.templating import words
from workers.web.texts import Texts, read_po

ROOT = Path(__file__).parents[1]
WEB = ROOT / "workers" / "web"
TEXTS = WEB / "texts"

PARTS: Mapping[str, tuple[str, ...]] = {
    "words": ("codes",),
    "base": (
        *("scripts", "templates/base.html", "templates/macros.html", "templates/error.html"),
        *("templates/sign_in.html", "templates/away.html", "templates/parts/stops.html"),
        *("templates/filters.html", "templates/paging.html", "templating.py", "pages/rendering.py"),
        *("pages/banners.py", "pages/problem_pages.py", "pages/signing.py", "problems.py"),
    ),
    "agent": ("templates/agent/*", "agent_page.py", "*/agent_desk.py", "*/disposing.py"),
    "today": (
        "templates/today.html",
        "templates/day.html",
        "pages/today.py",
        "*/watching/today.py",
    ),
    "campaigns": (
        *("templates/campaigns.html", "templates/start.html", "templates/several.html"),
        *("templates/campaign.html", "templates/parts/*", "templates/again.html"),
        *("pages/campaign*.py", "pages/start.py", "pages/views.py", "*/outlook/*", "*/watching/*"),
    ),
    "lists": (
        *("templates/review*.html", "templates/agents_review.html", "templates/add_contact.html"),
        *("pages/imports.py", "pages/adding.py", "*/campaigns/lists/*", "*/dialer/loading/*"),
        *("*/campaigns/numbers/*", "reviews.py"),
    ),
    "contacts": (
        *("templates/contact*.html", "templates/attempts.html", "templates/search.html"),
        *("pages/contact.py", "pages/rows.py", "pages/search.py", "contact_timeline.py"),
    ),
    "agents": ("templates/agent*.html", "pages/agents.py", "pages/moves.py", "*/dialer/agents/*"),
    "steering": (
        *("templates/rules.html", "templates/parts/rules_fields.html", "templates/template*.html"),
        *("pages/rules.py", "pages/templates.py", "*/steering/*", "*rules*.py", "*/hours/*"),
    ),
    "reports": (
        *("templates/report.html", "templates/charts.html", "templates/compare.html", "charts.py"),
        *("pages/comparing.py", "*/campaigns/reports/*", "*/reporting/*", "*html_report.py"),
    ),
    "house": ("*",),
}
"""Parts of the pages, each with the sources whose texts stand in its file; the first that fits has them."""

_FACTS = (
    *("added", "already", "bad", "calls", "changed", "characters", "days", "files", "hold", "keys"),
    *("kept", "link", "minutes", "new", "notice", "replaced", "rules", "scopes", "source", "spend"),
    *("state", "tags", "why"),
)
"""Names of what the trail tells of a deed."""

CODES: tuple[Iterable[str], ...] = (
    *(CampaignState, ContactState, AttemptState, Outcome, NotDialled, AgentState, Presence),
    *(Constraint, ContactBlocker, Scope, TaskState, Did, Role, ReportSource),
    *(RETRIES_DUE, (AGENT_REACHED, IN_FLIGHT, NO_OUTCOME, NOT_TRIED, RETRY), HAPPENINGS),
    *(RowFault, RowWarning, AgentFault, NumberFault, NumberWarning, SpreadsheetDamage, Dressing),
    *(Kind, Verdict, (MACHINE, "live", "unreadable"), _FACTS),
)
"""Fixed words that pages write by the filter `words`."""

HEADER = r"""msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=n > 1;\n"
"""

_PLACE = re.compile(r"%\((\w+)\)s|\{(\w+)[!:}]")


@dataclass(frozen=True, slots=True)
class Text:
    """Something that pages say: where first, in English, and its plural where it counts."""

    source: str
    one: str
    many: str = ""

    @property
    def part(self) -> str:
        return next(
            part for part, globs in PARTS.items() for glob in globs if fnmatch(self.source, glob)
        )


@cache
def said() -> dict[str, Text]:
    """Find all that pages say, by its English text."""
    found: dict[str, Text] = {}
    rules = (Text("/campaigns/declared_rules.py", one) for one in _of_rules())
    codes = (Text("codes", words(one)) for kind in CODES for one in kind)
    scripts = (Text("scripts", one) for one in script_texts())
    for text in chain(_of_templates(), _of_python(), scripts, codes, rules):
        if text.one not in found or text.many:
            found[text.one] = text
    return found


def _of_rules() -> Iterator[str]:
    """What the declarations of rules say on forms."""
    yield from Panel
    for rule in RULES.values():
        yield from (rule.label, rule.help, *map(words, rule.words))


def _of_templates() -> Iterator[Text]:
    environment = environment_in("en", Texts({}))
    for path in sorted((WEB / "templates").rglob("*.html")):
        source = str(path.relative_to(WEB))
        tree = environment.parse(path.read_text(encoding="utf-8"))
        for _, _, texts in extract_from_ast(tree, babel_style=False):
            yield Text(source, *texts[:2])
        for node in tree.find_all(nodes.Filter):
            if node.name == "count" and isinstance(node.args[0], nodes.Const):
                what = node.args[0].value
                yield Text(source, f"{{count:,}} {what}", f"{{count:,}} {what}s")


def _of_python() -> Iterator[Text]:
    for package in ("campaigns", "dialer", "workers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            content = path.read_text(encoding="utf-8")
            if not any(f"{name}(" in content for name in _SAY):
                continue
            near = path.is_relative_to(WEB)
            source = str(path.relative_to(WEB)) if near else f"/{path.relative_to(ROOT)}"
            for node in ast.walk(ast.parse(content)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    yield from _of_call(source, node.func.id, node.args)


_SAY = {"told": 1, "counted": 2, "CampaignFileError": 1, "ColumnsUnclear": 1}
"""Who is handed sentences first, and how many."""


def _of_call(source: str, name: str, args: list[ast.expr]) -> Iterator[Text]:
    texts = [one.value for one in args if isinstance(one, ast.Constant)]
    wanted = _SAY.get(name, 0)
    if wanted and len(texts) >= wanted and all(isinstance(one, str) for one in texts[:wanted]):
        yield Text(source, *map(str, texts[:wanted]))


def places(text: str) -> set[str]:
    """Name the places of a text that values are put in."""
    return {one or other for one, other in _PLACE.findall(text)}


def made(language: str) -> dict[Path, str]:
    """Every file of texts of a language as it should be."""
    folder = TEXTS / language
    known: dict[str, tuple[str, ...]] = {}
    home: dict[str, str] = {}
    for path in sorted(folder.glob("*.po")):
        content = path.read_text(encoding="utf-8")
        entries = read_po(content)
        known |= entries
        home |= dict.fromkeys(entries, path.stem)
    files: dict[str, list[Text]] = {part: [] for part in PARTS}
    for one in said().values():
        files[home.get(one.one, one.part)].append(one)
    return {
        folder / f"{part}.po": "\n".join([HEADER, *(_entry(one, known) for one in texts)])
        for part, texts in files.items()
        if texts
    }


def _entry(text: Text, known: Mapping[str, tuple[str, ...]]) -> str:
    lines = [f"#: {text.source.lstrip('/')}", f"msgid {_quoted(text.one)}"]
    forms = known.get(text.one, ("", "") if text.many else ("",))
    if text.many:
        lines.append(f"msgid_plural {_quoted(text.many)}")
        lines += [f"msgstr[{i}] {_quoted(form)}" for i, form in enumerate(forms)]
    else:
        lines.append(f"msgstr {_quoted(forms[0])}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def main() -> int:
    stale = False
    for language in LANGUAGES:
        for path, content in made(language).items() if language != "en" else ():
            before = path.read_text(encoding="utf-8") if path.exists() else ""
            missing = content.count('msgstr ""\n\n') + content.count('msgstr[0] ""')
            missing += content.endswith('msgstr ""\n')
            if before != content:
                stale = True
                print(f"{path.relative_to(ROOT)} is not what the pages say: run make texts")
                if "--check" not in sys.argv:
                    path.write_text(content, encoding="utf-8")
                    print("  written")
            if missing:
                stale = True
                print(f"{path.relative_to(ROOT)}: {missing} texts are to be filled in")
    return int(stale and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
