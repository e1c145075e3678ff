"""`accounts.toml`: every account is set up by its own table, and each fault is named at once."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from dialer.accounts import HOME, read_accounts, require_all_dialling, served_here
from dialer.callback_paths import CallbackPaths
from dialer.settings import Settings, SettingsError, read_settings

ACME = """
[acme]
sid = "acme1"
api_key = "key of acme"
api_token = "token of acme"
caller_id = "+918000000001"
rate_limit = 60
calling_hours = "10:00-18:00"
countries = ["IN", "AE"]
"""


def settings(folder: Path, text: str | None, **more: object) -> Settings:
    file = folder / "accounts.toml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    given = {
        "exotel_account_sid": "home1",
        "exotel_api_key": "key of home",
        "exotel_api_token": "token of home",
        "exotel_caller_id": "+918000000000",
        "dialer_allowed_caller_ids": "+918000000009",
        "dialer_public_url": "https://dialer.example.com",
        "dialer_callback_secret": "s" * 32,
        "dialer_data_dir": folder / "var",
        "dialer_wrap_up_s": 7,
        "dialer_accounts": str(file),
    }
    return read_settings(env_file=None, **given | more)


def faults(folder: Path, text: str, **more: object) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_accounts(settings(folder, text, **more))
    return [line.replace(f"{folder}/", "") for line in str(caught.value).splitlines()]


def test_without_a_file_there_is_the_account_of_the_settings(tmp_path):
    ours = settings(tmp_path, None, dialer_accounts="")

    (only,) = read_accounts(ours)

    assert only.name == HOME
    assert only.settings is ours


def test_the_account_of_the_settings_comes_first_and_stays_as_it_was(tmp_path):
    ours = settings(tmp_path, ACME)

    home, acme = read_accounts(ours)

    assert home.settings is ours
    assert (acme.name, acme.sid) == ("acme", "acme1")


def test_a_table_gives_what_it_says_and_leaves_the_rest_as_the_installation_has_it(tmp_path):
    acme = read_accounts(settings(tmp_path, ACME))[1].settings

    assert acme.exotel_rate_limit == 60
    assert acme.dialer_calling_hours == "10:00-18:00"
    assert acme.dialer_allowed_countries == ("IN", "AE")
    assert acme.dialer_wrap_up_s == 7


def test_an_account_never_shows_the_caller_ids_of_another_and_keeps_files_apart(tmp_path):
    home, acme = read_accounts(settings(tmp_path, ACME))

    assert acme.settings.allowed.caller_ids == {"+918000000001"}
    assert acme.settings.dialer_data_dir == tmp_path / "var" / "accounts" / "acme1"
    assert home.settings.dialer_data_dir == tmp_path / "var"


def test_a_callback_path_of_one_account_proves_nothing_for_another(tmp_path):
    home, acme = (
        CallbackPaths("https://x", [one.settings.dialer_callback_secret.get_secret_value()])
        for one in read_accounts(settings(tmp_path, ACME))
    )

    key_id, attempt_id, mac = home.url("7f3kq2xa-1.1").split("/")[-3:]

    assert home.is_genuine(key_id, attempt_id, mac)
    assert not acme.is_genuine(key_id, attempt_id, mac)


def test_a_table_may_be_that_of_the_settings_own_account(tmp_path):
    text = ACME.replace("acme1", "home1")

    (only,) = read_accounts(settings(tmp_path, text))

    assert (only.name, only.settings.exotel_rate_limit) == ("acme", 60)
    assert only.settings.dialer_data_dir == tmp_path / "var"
    assert only.settings.dialer_callback_secret == SecretStr("s" * 32)


def test_credentials_may_stand_in_files_and_in_the_environment(tmp_path, monkeypatch):
    (tmp_path / "key").write_text("from a file\n", encoding="utf-8")
    monkeypatch.setenv("ACME_TOKEN", "from the environment")
    text = ACME.replace('api_key = "key of acme"', f'api_key_file = "{tmp_path}/key"').replace(
        'api_token = "token of acme"', 'api_token_env = "ACME_TOKEN"'
    )

    acme = read_accounts(settings(tmp_path, text))[1].settings

    assert acme.exotel_api_key == SecretStr("from a file")
    assert acme.exotel_api_token == SecretStr("from the environment")


def test_every_fault_is_told_at_once_by_table_and_name(tmp_path):
    text = """
name = "x"
[acme]
sid = "acme1"
api_key_env = "NOT_SET_ANYWHERE"
api_token = "t"
caller_id = "hello"
rate_limit = true
colour = "blue"
hours = {from = 9}
[bharat]
sid = "acme 2"
["a b"]
"""
    told = faults(tmp_path, text)

    wanted = [
        "accounts.toml: name stands before the first table",
        "[acme] api_key_env: nothing is in NOT_SET_ANYWHERE",
        "[acme] caller_id takes 3 to 15 digits",
        "[acme] rate_limit takes a whole number from 1 to 100000, not true",
        "[acme] colour is none of an account's settings",
        "[acme] hours takes a text",
        "[bharat] api_key (or api_key_file, or api_key_env) is missing",
        "[bharat] sid takes letters",
        "[a b] a name takes letters",
    ]
    assert [one for one in wanted if not any(one in line for line in told)] == []


def test_two_tables_of_one_account_are_refused(tmp_path):
    text = ACME + ACME.replace("[acme]", "[acme-again]")

    assert any(
        "[acme-again] sid is acme1, as that of [acme]" in one for one in faults(tmp_path, text)
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [("[acme", "is no TOML"), (None, "cannot be read (No such file or directory)")],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path, text, told):
    with pytest.raises(SettingsError, match=told.replace("(", r"\(").replace(")", r"\)")):
        read_accounts(settings(tmp_path, text))


def test_several_accounts_need_one_under_which_keys_are_kept(tmp_path):
    assert "EXOTEL_ACCOUNT_SID is not set" in faults(tmp_path, ACME, exotel_account_sid="")[0]


def test_processes_may_serve_some_of_the_accounts():
    assert served_here(["main", "acme"], []) == ["main", "acme"]
    assert served_here(["main", "acme"], ["acme"]) == ["acme"]
    with pytest.raises(SettingsError, match=r"names emca; the accounts are main, acme"):
        served_here(["main", "acme"], ["emca"])


def test_what_an_account_lacks_to_dial_is_told_with_its_name(tmp_path):
    text = ACME + 'base_url = "http://api.example.com"\n'

    with pytest.raises(SettingsError, match=r"\[acme\] EXOTEL_BASE_URL is http://api"):
        require_all_dialling(read_accounts(settings(tmp_path, text)))
