"""Write docs/licences.md: under which licence each package comes that is installed with dialer.

python -m tools.licences          prints the page
python -m tools.licences --write  writes it
"""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licences.md"
RUNTIME, DEVELOPMENT = ROOT / "requirements.lock", ROOT / "requirements-dev.lock"
OLDER = ROOT / "requirements-older.lock"

_PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==", re.MULTILINE)
# in the words of package metadata; each may be used, changed and sold with a product
GOOD = re.compile(
    r"0BSD|Apache-2\.0|Apache Software License|BSD-[23]-Clause|BSD License|CC0-1\.0|ISC|"
    r"ISC License \(ISCL\)|MIT|MIT-0|MIT License|PSF-2\.0|Python Software Foundation License|Zlib|"
    r"MPL-2\.0|Mozilla Public License 2\.0 \(MPL 2\.0\)|DFSG approved|"
    r"BSD-derived \(http://www\.repoze\.org/LICENSE\.txt\)"
)
# the LGPL asks that the library can be replaced, which an imported Python package always can
LIBRARIES = {"dramatiq": "GNU Lesser General Public License v3 or later (LGPLv3+)"}

_ABOVE = """\
# Licences

dialer is under the [MIT licence](../LICENSE). These packages are installed with it; none of their
code is in this repository. All of them may be used in a commercial product. `dramatiq` is under the
LGPL: it is imported as it is, so whoever passes dialer on passes on no more than its name, and
anybody may put another version in its place. Pythons before 3.11.3 have `async-timeout` besides, under Apache-2.0.

Made by `make licences`, from what the packages say of themselves; a test compares.
"""


def pinned(lock: Path) -> set[str]:
    """Name the packages of a lock, in one spelling."""
    return {_plain(name) for name in _PIN.findall(lock.read_text(encoding="utf-8"))}


def licence_of(package: str) -> str:
    """Tell a package's licence in its own words.

    Raises:
        PackageNotFoundError: It is not installed: another system or another Python needs it.
    """
    told = metadata(package)
    if expression := told.get("License-Expression"):
        return str(expression)
    classifiers = [
        one.rpartition(" :: ")[2]
        for one in told.get_all("Classifier") or []
        if one.startswith("License ::") and one != "License :: OSI Approved"
    ]
    if classifiers:
        return " / ".join(classifiers)
    return (told.get("License") or "unknown").strip().splitlines()[0]


def is_commercial_friendly(package: str, licence: str) -> bool:
    """Tell whether a product may be sold that uses a package under this licence."""
    parts = re.split(r" / | AND | OR ", re.sub(r"\(([^()]* OR [^()]*)\)", r"\1", licence))
    return all(GOOD.fullmatch(one) for one in parts) or LIBRARIES.get(package) == licence


def found(lock: Path, *, without: set[str] = frozenset()) -> Iterator[tuple[str, str]]:
    """Give each installed package of a lock and its licence."""
    for package in sorted(pinned(lock) - without):
        try:
            yield package, licence_of(package)
        except PackageNotFoundError:
            continue


def page() -> str:
    """Write the page."""
    runtime = pinned(RUNTIME)
    return "\n".join(
        [
            _ABOVE,
            "## What runs\n",
            *_table(found(RUNTIME, without=pinned(OLDER))),
            "\n## What only builds and tests it\n",
            *_table(found(DEVELOPMENT, without=runtime)),
            "",
        ]
    )


def _table(rows: Iterator[tuple[str, str]]) -> Iterator[str]:
    yield from ("| package | licence |", "|---|---|")
    yield from (f"| {package} | {licence} |" for package, licence in rows)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page(), end="")
