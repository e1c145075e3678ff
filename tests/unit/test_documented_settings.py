"""The example file and the documentation name every setting, with its default, and no other."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from dialer.settings import Settings, read_settings

ROOT = Path(__file__).parents[2]


def written(default: object) -> str:
    match default:
        case SecretStr():
            return ""
        case bool():
            return str(default).lower()
        case tuple():
            return ",".join(default)
        case _:
            return str(default)


EXPECTED = {name.upper(): written(one.default) for name, one in Settings.model_fields.items()}


def test_the_example_file_holds_every_setting_with_its_default():
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    found = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    assert found == EXPECTED


def test_the_documentation_holds_every_setting_with_its_default_and_meaning():
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \| (?:`(.*?)`|–) \| (.+) \|$", text, flags=re.MULTILINE)

    assert {name: default for name, default, _ in rows} == EXPECTED
    assert {name: meaning for name, _, meaning in rows} == {
        name.upper(): one.description for name, one in Settings.model_fields.items()
    }


def test_the_example_file_is_itself_a_valid_env_file(tmp_path):
    env = tmp_path / ".env"
    env.write_text((ROOT / ".env.example").read_text(encoding="utf-8"), encoding="utf-8")

    settings = read_settings(env_file=env)

    assert settings == read_settings(env_file=None)


@pytest.mark.parametrize(
    "lock", ["requirements.lock", "requirements-dev.lock", "requirements-build.lock"]
)
def test_a_lock_pins_with_hashes_and_names_no_registry(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")

    assert "://" not in text
    assert "--index" not in text
    pins = re.findall(r"^[a-z0-9._-]+==", text, flags=re.MULTILINE | re.IGNORECASE)
    assert pins
    assert text.count("--hash=sha256:") >= len(pins)
