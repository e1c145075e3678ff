"""Sources, each read once for all tests that judge them."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PRODUCT = sorted(
    path
    for package in ("campaigns", "dialer", "workers")
    for path in (ROOT / package).rglob("*.py")
)


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@cache
def names_of_tests(place: Path) -> frozenset[str]:
    """Give the names of the tests in a file, or in all below a folder."""
    files = place.rglob("test_*.py") if place.is_dir() else [place]
    texts = "\n".join(one.read_text(encoding="utf-8") for one in files)
    return frozenset(re.findall(r"^(?:async )?def (test_\w+)", texts, flags=re.MULTILINE))
