"""The page on security names tests that exist, and each of its requirements has one or a reason."""

import re

import pytest

from tests.sources import ROOT, names_of_tests

PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+\.\d+\.\d+) \| (.+?) \| (.+) \|$", PAGE, flags=re.MULTILINE)


@pytest.mark.parametrize(("number", "tests"), [(number, tests) for number, _, tests in ROWS])
def test_a_requirement_has_tests_that_exist_or_a_reason(number: str, tests: str) -> None:
    named = re.findall(r"`(test_\w+)`", tests)

    assert named or tests.startswith("none: "), number
    assert set(named) <= names_of_tests(ROOT / "tests")


def test_no_requirement_stands_there_twice() -> None:
    numbers = [number for number, _, _ in ROWS]

    assert sorted(set(numbers)) == sorted(numbers)
