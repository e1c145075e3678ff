"""Rules kept under a name, and lists loaded with them, or with a campaign's."""

import pytest

from dialer.access.api_keys import Scope
from dialer.errors import NotDone
from dialer.settings import Settings
from dialer.steering.changing_rules import RulesRefused
from dialer.steering.templates import MOST_TEMPLATES, NoSuchTemplate, RuleTemplates
from tests.factories import CALLER_ID, pair, store_campaign
from tests.web_kit import LIST, Site, one_site

SETTINGS = Settings(_env_file=None, exotel_caller_id=CALLER_ID)
EVENINGS = {"hours": "17:00-20:00", "max_attempts": "2"}


@pytest.fixture
def templates(db):
    return RuleTemplates(db, SETTINGS)


def test_a_template_is_kept_under_a_name_in_whatever_case_and_spaces(templates):
    templates.save(" Evening  calls", EVENINGS)
    templates.save("evening calls", EVENINGS | {"max_attempts": "4"})

    [only] = templates.all()

    assert (only.template.name, only.rules.max_attempts) == ("evening calls", 4)
    assert templates.find("EVENING CALLS") == only
    assert templates.remove("Evening calls").name == "evening calls"
    with pytest.raises(NoSuchTemplate, match="'x'"):
        templates.find("x")


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("", EVENINGS, "1 to 100 characters"),
        ("a\nb\x00", EVENINGS, "1 to 100 characters"),
        ("x", {"time_out_s": "99"}, "time_out_s"),
        ("x", {"starts_at": "2036-01-01T09:00"}, "starts_at: a template names no day"),
        ("x", {"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_a_template_is_refused_and_not_kept(templates, name, given, says):
    with pytest.raises((NotDone, RulesRefused), match=says):
        templates.save(name, given)

    assert templates.all() == []


def test_an_account_keeps_a_hundred_and_still_takes_changes_to_them(templates):
    for n in range(MOST_TEMPLATES):
        templates.save(f"t{n}", EVENINGS)

    with pytest.raises(NotDone, match="remove one first"):
        templates.save("one more", EVENINGS)
    assert templates.save("t7", {"max_attempts": "5"}).rules.max_attempts == 5


def test_a_template_that_complies_no_more_says_with_what(db, templates):
    templates.save("long calls", {"time_limit_s": "3600"})
    strict = SETTINGS.model_copy(update={"dialer_max_time_limit_s": 600})

    found = RuleTemplates(db, strict).find("long calls")

    assert found.rules is None
    assert [fault.rule for fault in found.faults] == ["time_limit_s"]
    assert "DIALER_MAX_TIME_LIMIT_S" in found.faults[0].message


def test_a_template_needs_no_caller_id_and_takes_the_account_s(db):
    nameless = RuleTemplates(db, Settings(_env_file=None))

    kept = nameless.save("evenings", nameless.tidied(EVENINGS))

    assert "caller_id" not in kept.template.given
    assert RuleTemplates(db, SETTINGS).find("evenings").rules.caller_id == CALLER_ID


def test_what_is_made_in_the_image_of_a_campaign_names_none_of_its_days(db, templates):
    name = "sale"
    store_campaign(db, [pair(1, 1)], name=name, ends_at="2036-01-01T09:00", wrap_up_s=77)

    assert templates.given(like=name) == {"wrap_up_s": "77"} | {
        rule: value for rule, value in templates.given(like=name).items() if rule != "wrap_up_s"
    }
    assert "ends_at" not in templates.given(like=name)
    with pytest.raises(NotDone, match="not both"):
        templates.given(like=name, template="x")


web = one_site()


def rules_of(web: Site, loaded) -> dict:
    assert loaded.status_code == 201, loaded.text
    return web.api("GET", f"/campaigns/{loaded.json()['campaign_id']}").json()["rules"]


def test_a_list_is_loaded_with_a_template_s_rules_and_what_is_given_goes_before_them(
    web: Site,
) -> None:
    web.api("POST", "/templates", json={"name": "evenings", "rules": EVENINGS | {"record": True}})

    plain = web.upload(name="a", template="Evenings")
    other = web.upload(name="b", template="evenings", max_attempts="7")
    like = web.upload(name="c", like="b", record="no")
    unknown = web.upload(name="d", template="mornings")

    assert rules_of(web, plain)["hours"] == "17:00-20:00"
    assert (rules_of(web, other)["max_attempts"], rules_of(web, other)["record"]) == (7, True)
    assert (rules_of(web, like)["max_attempts"], rules_of(web, like)["record"]) == (7, False)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert "evenings" in unknown.json()["detail"]


def test_the_page_makes_changes_and_removes_templates(web: Site) -> None:
    browser = web.browser()
    form = {"template_name": "Mornings & more", "day0_0_from": "09:00", "day0_0_until": "12:00"}

    saved = browser.post("/templates", **form, max_attempts="4", retry_customer_busy_wait="5m")
    wrong = browser.post("/templates", **form, time_out="99")
    listed = browser.get("/templates").text
    edited = browser.get("/templates/edit?name=Mornings%20%26%20more").text
    begun = browser.get("/campaigns?template=mornings%20%26%20more").text
    gone = browser.post("/templates/remove", name="mornings & MORE")

    assert saved.headers["location"] == "/templates"
    assert wrong.status_code == 422
    assert "Ring time per phone" in wrong.text
    assert "Mornings &amp; more" in listed
    assert 'name="max_attempts" value="4"' in edited
    assert 'name="day0_0_until" value="12:00"' in edited
    assert 'name="max_attempts" value="4"' in begun
    assert gone.headers["location"] == "/templates"
    assert "Mornings" not in browser.get("/templates").text


def test_the_form_of_a_new_campaign_begins_with_another_s_rules(web: Site) -> None:
    id_ = web.upload(name="north", max_attempts="6").json()["campaign_id"]
    browser = web.browser()

    page = browser.get(f"/campaigns?like={id_}").text

    assert "With the rules of <b>north</b>" in page
    assert 'name="max_attempts" value="6"' in page
    assert browser.get("/campaigns?like=00000000").status_code == 404


def test_whoever_may_only_look_lists_templates_and_saves_none(web: Site) -> None:
    looking = web.key(Scope.READ)

    assert web.api("GET", "/templates", key=looking).status_code == 200
    refused = web.api("POST", "/templates", key=looking, json={"name": "x", "rules": EVENINGS})
    assert refused.status_code == 403
    browser = web.browser(looking)
    assert "New template" not in browser.get("/templates").text
    assert browser.get("/templates/edit").status_code == 403


def test_a_list_of_the_pages_is_loaded_with_what_stands_in_the_form(web: Site) -> None:
    browser = web.browser()

    answer = browser.upload("l.csv", LIST, name="pages", template="mornings")

    assert answer.status_code == 404
