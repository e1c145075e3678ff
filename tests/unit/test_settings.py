"""A wrong setting is told at the start, by its own name, in one line."""

import re

import pytest
from pydantic import SecretStr

from dialer.settings import (
    Settings,
    SettingsError,
    read_settings,
    require_data_dir,
    require_dialling,
    unknown_names,
)

LONG = "s" * 32

WRONG = {
    "EXOTEL_ACCOUNT_SID": ["a b", "a/b", "{a}", "x" * 65],
    "EXOTEL_CALLER_ID": ["hello", "12", "+", "1" * 16],
    "EXOTEL_REGION": ["tokyo", "Singapore"],
    "EXOTEL_BASE_URL": ["api.exotel.com", "ftp://x", "https://u:p@x.com", "https://x.com/v1"],
    "EXOTEL_DETAILS_BASE_URL": ["ccm", "https://x.com?a=1", "http://["],
    "EXOTEL_RATE_LIMIT": ["0", "-1", "many", "1.5", "100001"],
    "EXOTEL_RATE_WINDOW_S": ["0", "-1", "nan", "inf", "3601"],
    "EXOTEL_DETAILS_SHARE_LIMIT": ["perhaps"],
    "EXOTEL_MAX_CONCURRENT_CALLS": ["-1", "x"],
    "EXOTEL_MAX_RETRIES": ["-1", "4"],
    "EXOTEL_TIMEZONE": ["Asia", "IST5", "Nowhere/Here", "../etc/passwd"],
    "EXOTEL_PLAYBACK_NAMES": ["some"],
    "DIALER_MIN_REPLICAS": ["-1", "11"],
    "DIALER_SHARED_PHONES": ["perhaps"],
    "REDIS_URL": ["localhost:6379", "http://localhost", "redis+cluster://h:1/2"],
    "DIALER_PUBLIC_URL": ["dialer.example.com", "/x", "https://u:p@x.com", "https://x.com#a"],
    "PORT": ["0", "65536", "http"],
    "DIALER_CALLBACK_SECRET": ["short"],
    "DIALER_CALLBACK_SECRET_OLD": ["short"],
    "DIALER_API_KEY": ["short"],
    "DIALER_LANGUAGE": ["hindi", "ta"],
    "DIALER_AUDIT_DAYS": ["0", "3651", "x"],
    "DIALER_ARCHIVE_AFTER_DAYS": ["-1", "3651", "x"],
    "DIALER_DELETE_AFTER_DAYS": ["-1", "3651", "x"],
    "DIALER_SEARCH_NAMES": ["perhaps"],
    "DIALER_SEARCH_INDEX": ["perhaps"],
    "DIALER_KEEP_DAYS": ["-1", "3651", "x"],
    "DIALER_EVENTS_DAYS": ["-1", "401", "x"],
    "DIALER_RECORDINGS_TO": [
        "https://x",
        "s3://",
        "s3://b?x=1",
        "s3://b?endpoint=http://a.example",
    ],
    "DIALER_SMTP_URL": ["mail.example.com", "http://mail", "smtp://", "smtp://h:0", "smtp://h:x"],
    "DIALER_SMTP_FROM": ["dialer", "A <a@b.example>", "a@b.example,c@d.example", "a b@c.example"],
    "DIALER_TRUSTED_PROXIES": ["proxy.example", "10.0.0.0/33", "10.0.0.1/8"],
    "DIALER_ALLOWED_COUNTRIES": ["India", "IN,IND", ",", "XX", "IN,ZZ"],
    "DIALER_DEFAULT_COUNTRY": ["India", "in", "XX"],
    "DIALER_HTTP_DEADLINE_S": ["0", "301", "nan"],
    "DIALER_LOOKUP_AFTER_S": ["-1", "inf", "nan"],
    "DIALER_LOOKUP_EVERY_S": ["0", "inf"],
    "DIALER_FINAL_VALUES_AFTER_S": ["-1", "inf"],
    "DIALER_QUARANTINE_SLACK_S": ["-1", "inf"],
    "DIALER_CONFIRM_ENDS": ["none"],
    "DIALER_CALL_SPEED": ["-1", "1001", "nan"],
    "DIALER_LOG_FORMAT": ["xml"],
    "DIALER_LOG_LEVEL": ["loud"],
    "DIALER_SECOND_PERSON_ABOVE": ["-1", "many"],
    "DIALER_MAX_CALLS_PER_DAY": ["-1", "many"],
    "DIALER_MAX_MINUTES_PER_DAY": ["-1", "1.5"],
    "DIALER_MAX_SPEND_PER_DAY": ["-1", "₹5"],
    "DIALER_ALLOWED_CALLER_IDS": ["any", "+91 80", "*"],
    "DIALER_ALLOWED_URL_HOSTS": ["https://a.example", "*", "a.example:80", "a.example/x"],
    "DIALER_MAX_TIME_LIMIT_S": ["0", "14401"],
    "DIALER_MAX_ATTEMPTS_ALLOWED": ["0", "101"],
    "DIALER_TIME_LIMIT_S": ["0", "14401"],
    "DIALER_TIME_OUT_S": ["0", "61"],
    "DIALER_CALLING_HOURS": ["25:00-26:00", "morning", "09:00"],
    "DIALER_TIMEZONE": ["India", "Asia"],
    "DIALER_MAX_ATTEMPTS": ["0", "101"],
    "DIALER_WRAP_UP_S": ["-1", "3601"],
}


def read(**settings: str) -> Settings:
    return read_settings(env_file=None, **{name.lower(): one for name, one in settings.items()})


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_wrong_value_is_told_by_the_settings_own_name(name, value):
    with pytest.raises(SettingsError) as told:
        read(**{name: value})

    assert str(told.value).startswith(f"{name} ")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("EXOTEL_RATE_LIMIT", "many", "takes a whole number from 1 to 100000, not many"),
        ("EXOTEL_RATE_WINDOW_S", "0", "takes a number above 0 to 3600, not 0"),
        ("EXOTEL_MAX_CONCURRENT_CALLS", "-1", "takes a whole number from 0 up, not -1"),
        ("PORT", "65536", "takes a whole number from 1 to 65535, not 65536"),
        ("DIALER_HOST", "", "must not be empty"),
        ("EXOTEL_REGION", "tokyo", "takes singapore or mumbai"),
        ("EXOTEL_DETAILS_SHARE_LIMIT", "perhaps", "takes true or false"),
        (
            "DIALER_ALLOWED_COUNTRIES",
            "IN,XX",
            "takes ISO country codes with commas between, e.g. IN,AE; no country is XX",
        ),
    ],
)
def test_a_wrong_value_is_told_with_what_to_write_instead(name, value, told):
    with pytest.raises(SettingsError) as error:
        read(**{name: value})

    assert str(error.value) == f"{name} {told}"


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_no_line_is_in_a_librarys_words(name, value):
    with pytest.raises(SettingsError) as told:
        read(**{name: value})

    assert not re.search(r"input should|string should|pattern|calling hours:", str(told.value))


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path):
    (tmp_path / ".env").mkdir()

    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(env_file=tmp_path / ".env")


BINARY = {
    "UTF-16": "EXOTEL_API_KEY=key\n".encode("utf-16"),
    "UTF-16 without a mark": "EXOTEL_API_KEY=key\n".encode("utf-16-le"),
    "an image": b"\x89PNG\r\n\x1a\n\x00",
}


@pytest.mark.parametrize("content", BINARY.values(), ids=BINARY)
def test_a_file_that_is_no_utf_8_text_is_named(tmp_path, content):
    file = tmp_path / ".env"
    file.write_bytes(content)

    with pytest.raises(SettingsError, match="not UTF-8 text") as told:
        read_settings(env_file=file)

    assert str(told.value).startswith(str(file))
    assert "\n" not in str(told.value)


def test_a_mark_in_front_of_the_file_is_no_part_of_the_first_name(tmp_path):
    file = tmp_path / ".env"
    file.write_text("EXOTEL_RATE_LIMIT=7\n", encoding="utf-8-sig")

    settings = read_settings(env_file=file)

    assert settings.exotel_rate_limit == 7
    assert list(unknown_names(file)) == []


def test_a_name_in_the_file_that_is_no_setting_is_told_with_the_one_that_was_meant(tmp_path):
    file = tmp_path / ".env"
    file.write_text(
        "# DIALER_NOTE=1\nexport EXOTEL_RATE_LIMT=5\nDIALER_API_KEYS=k\nDIALER_PORT=1\nDIALER_ZZZ=1\nDIALER_ZZZ=2\n"
        "exotel_region=mumbai\nOTHER=1\n"
    )

    told = list(unknown_names(file))

    idle = f"in {file} is no setting and changes nothing"
    assert told == [
        f"EXOTEL_RATE_LIMT {idle}; did you mean EXOTEL_RATE_LIMIT?",
        f"DIALER_API_KEYS {idle}; did you mean DIALER_API_KEY?",
        f"DIALER_PORT {idle}; did you mean PORT?",
        f"DIALER_ZZZ {idle}",
    ]


def test_a_data_folder_that_cannot_be_used_is_named_with_its_setting(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match=r"^DIALER_DATA_DIR .*file/var cannot be used"):
        require_data_dir(read(DIALER_DATA_DIR=str(tmp_path / "file" / "var")))


@pytest.mark.parametrize("name", ["DIALER_CALLBACK_SECRET", "DIALER_API_KEY"])
def test_a_secret_that_is_refused_is_not_repeated(name):
    with pytest.raises(SettingsError) as told:
        read(**{name: "hunter2"})

    assert "hunter2" not in str(told.value)


def test_each_wrong_setting_has_its_own_line():
    with pytest.raises(SettingsError) as told:
        read(EXOTEL_RATE_LIMIT="0", PORT="0", DIALER_TIMEZONE="x")

    lines = str(told.value).splitlines()
    names = [line.split()[0] for line in lines]
    assert sorted(names) == ["DIALER_TIMEZONE", "EXOTEL_RATE_LIMIT", "PORT"]


def test_no_setting_is_needed_to_start():
    settings = read()

    assert (settings.exotel_rate_limit, settings.exotel_rate_window_s) == (200, 60)


def test_what_a_real_call_needs_is_asked_for_line_by_line():
    with pytest.raises(SettingsError) as told:
        require_dialling(read())

    names = {line.split()[0] for line in str(told.value).splitlines()}
    assert names == {
        "EXOTEL_API_KEY",
        "EXOTEL_API_TOKEN",
        "EXOTEL_ACCOUNT_SID",
        "EXOTEL_CALLER_ID",
        "DIALER_PUBLIC_URL",
        "DIALER_CALLBACK_SECRET",
    }


def test_a_full_account_may_dial():
    require_dialling(
        read(
            EXOTEL_API_KEY="key",
            EXOTEL_API_TOKEN="token",
            EXOTEL_ACCOUNT_SID="acct1",
            EXOTEL_CALLER_ID="08000000000",
            DIALER_PUBLIC_URL="https://dialer.example.com",
            DIALER_CALLBACK_SECRET=LONG,
        )
    )


def test_no_secret_is_printed_with_the_settings():
    settings = read(EXOTEL_API_TOKEN="t0p-secret", DIALER_CALLBACK_SECRET=LONG)

    assert "t0p-secret" not in repr(settings)
    assert LONG not in repr(settings)
    assert isinstance(settings.exotel_api_token, SecretStr)


def test_countries_are_read_from_a_list_with_commas():
    assert read(DIALER_ALLOWED_COUNTRIES="in, AE").dialer_allowed_countries == ("IN", "AE")


def test_settings_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        read().port = 1


def test_every_setting_is_described_in_one_line():
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert "\n" not in field.description


def test_every_setting_but_plain_ones_is_tried_with_wrong_values():
    secrets = {"EXOTEL_API_KEY", "EXOTEL_API_TOKEN", "DIALER_MASK_KEY"}
    free = {*secrets, "DIALER_DATA_DIR", "DIALER_HOST", "DIALER_ACCOUNTS", "DIALER_SERVES"}

    missing = {name.upper() for name in Settings.model_fields} - WRONG.keys() - free
    assert not missing


def test_every_default_would_be_taken_if_it_were_given():
    defaults = {name: field.default for name, field in Settings.model_fields.items()}

    assert Settings(_env_file=None, **defaults) == Settings(_env_file=None)
