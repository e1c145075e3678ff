"""What is installed with dialer is pinned, listed, and may be used in a product that is sold."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import licences

ROOT = Path(__file__).parents[2]
LOCKS = sorted(ROOT.glob("requirements*.lock"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_has_its_hashes_and_no_lock_names_a_place_to_fetch_from(lock):
    text = lock.read_text(encoding="utf-8")
    pins = re.findall(
        r"^\S+==\S+(?: ; \S+ < \S+)? \\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE
    )

    assert len(pins) == len(re.findall(r"^[A-Za-z0-9].*==", text, re.MULTILINE))
    assert "://" not in text
    assert "index" not in text


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_may_be_used_in_a_product_that_is_sold(lock):
    bad = [
        (package, licence)
        for package, licence in licences.found(lock)
        if not licences.is_commercial_friendly(package, licence)
    ]

    assert bad == []


@pytest.mark.parametrize(
    ("licence", "is_good"),
    [
        ("MIT", True),
        ("MIT OR Apache-2.0", True),
        ("GPL-3.0-only", False),
        ("MIT AND AGPL-3.0-only", False),
        ("unknown", False),
        ("GNU Lesser General Public License v3 or later (LGPLv3+)", False),
    ],
)
def test_a_licence_that_was_not_looked_at_is_none_to_sell_with(licence, is_good):
    assert licences.is_commercial_friendly("some-package", licence) is is_good


def test_the_page_of_licences_is_what_the_packages_say():
    assert licences.PAGE.read_text(encoding="utf-8") == licences.page(), "run: make licences"


def test_the_bill_of_materials_lists_every_pinned_package_with_its_hashes(tmp_path):
    made = tmp_path / "sbom.json"

    subprocess.run(
        [
            *(sys.executable, "-m", "cyclonedx_py", "requirements", "--pyproject"),
            *("pyproject.toml", "--output-reproducible", "--short-PURLs", "--of", "JSON"),
            *("-o", made, "requirements.lock"),
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )

    bill = json.loads(made.read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "dialer"
    assert {one["name"].lower().replace("_", "-") for one in bill["components"]} == licences.pinned(
        licences.RUNTIME
    )
    assert "://" not in json.dumps([one.get("purl") for one in bill["components"]])


def test_it_is_said_how_to_report_a_weakness_and_what_is_promised():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")

    assert "private" in text
    assert "@" not in text
    assert re.search(r"within \w+ working days", text)
