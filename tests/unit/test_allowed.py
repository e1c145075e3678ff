"""What calls may use: the owner's lists in the settings, whoever chose the campaign's rules."""

import pytest

from campaigns.allowed import ANYTHING, Allowed
from dialer.settings import SettingsError, read_settings
from dialer.steering.changing_rules import RulesRefused, changed_rules, new_rules
from tests.factories import rules

OURS = Allowed(
    caller_ids=frozenset({"+918000000000"}),
    url_hosts=frozenset({"media.example.com"}),
    max_time_limit_s=600,
    max_attempts=3,
)


def objections(**changed: object) -> list[str]:
    given = {"caller_id": "+918000000000", "time_limit_s": 600, **changed}
    return [rule for rule, _ in OURS.objections(rules(**given))]


def test_what_is_within_all_lists_is_allowed():
    assert objections(stream_url="wss://MEDIA.example.com:8443/s") == []
    assert objections(caller_id="918000000000") == []


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("caller_id", "+918000000001"),
        ("time_limit_s", 601),
        ("max_attempts", 4),
        ("retry", ["agent_no_answer=1mx4"]),
        ("stream_url", "wss://elsewhere.example.com/s"),
        ("wait_url", "https://media.example.com.evil.example/w.wav"),
        ("playback_url", "https://media.example.com@evil.example/p.wav"),
        ("playback_url", "https://user@media.example.com/p.wav"),
        ("playback_url", "https://evil.example\\@media.example.com/p.wav"),
        ("playback_url", "https://evil.example\n.media.example.com/p.wav"),
        ("playback_url", "https://[media.example.com/p.wav"),
        ("wait_url", "https:///w.wav"),
    ],
)
def test_what_is_on_no_list_is_named_by_its_rule(rule, value):
    assert objections(**{rule: value}) == [rule]


def test_retries_that_every_campaign_has_are_allowed_whatever_the_most_is():
    assert list(Allowed(max_attempts=1).objections(rules(max_attempts=1))) == []


def test_empty_lists_allow_the_accounts_own_caller_id_and_no_host():
    settings = read_settings(env_file=None, exotel_caller_id="08000000000")

    new_rules(settings, {})
    with pytest.raises(RulesRefused, match="DIALER_ALLOWED_CALLER_IDS"):
        new_rules(settings, {"caller_id": "08000000001"})
    with pytest.raises(RulesRefused, match="DIALER_ALLOWED_URL_HOSTS"):
        new_rules(settings, {"wait_url": "https://media.example.com/w.wav"})


def test_a_change_is_asked_as_a_new_campaign_is():
    settings = read_settings(env_file=None, exotel_caller_id="08000000000")
    loaded = new_rules(settings, {})

    with pytest.raises(RulesRefused, match="at most 3600 s are allowed by DIALER_MAX_TIME_LIMIT_S"):
        changed_rules(settings, loaded, {"time_limit_s": 3601})
    with pytest.raises(RulesRefused, match="DIALER_MAX_ATTEMPTS_ALLOWED"):
        changed_rules(settings, loaded, {"max_attempts": 11})


def test_hosts_and_caller_ids_are_lists_with_commas_between():
    settings = read_settings(
        env_file=None,
        dialer_allowed_caller_ids="+918000000001, 08000000002",
        dialer_allowed_url_hosts="Media.example.com,cdn.example.com",
    )

    assert settings.allowed.caller_ids == {"+918000000001", "08000000002"}
    assert settings.allowed.url_hosts == {"media.example.com", "cdn.example.com"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dialer_allowed_url_hosts", "https://media.example.com"),
        ("dialer_allowed_url_hosts", "*"),
        ("dialer_allowed_caller_ids", "anything"),
        ("dialer_time_limit_s", "3601"),
        ("dialer_max_attempts", "11"),
    ],
)
def test_a_setting_that_is_no_list_or_beyond_its_own_limit_is_named(name, value):
    with pytest.raises(SettingsError, match=name.upper()):
        read_settings(env_file=None, **{name: value})


def test_where_nothing_is_said_everything_passes():
    assert list(ANYTHING.objections(rules(caller_id="1234", time_limit_s=14400))) == []
