"""The page of templates: rules under a name, made, changed and removed."""

from typing import Any

from campaigns.campaign import LONGEST_NAME
from campaigns.rules_in_words import rules_in_words
from dialer.access.api_keys import Scope
from dialer.deeds import Did
from dialer.errors import NotDone
from dialer.steering.changing_rules import RulesRefused
from workers.web.pages.declaring import Answer, Asked, Pages, page, to
from workers.web.pages.rules import form_context, told_faults
from workers.web.rules_form import MOST_FIELDS, read_form, values_of_given
from workers.wiring import Wiring

pages = Pages()


@pages.get("/templates", Scope.READ_MASKED)
def show(asked: Asked) -> Answer:
    """List the templates."""
    found = asked.wiring.templates.all()
    told = [(one, rules_in_words(one.rules) if one.rules else {}) for one in found]
    return page("templates.html", templates=told)


@pages.get("/templates/edit", Scope.UPLOAD, Scope.READ)
def edit(asked: Asked) -> Answer:
    """Show the form of one: of a template's rules, of a campaign's, or of the account's defaults."""
    wiring, name = asked.wiring, asked.query("name")
    given = wiring.templates.given(template=name, like=asked.query("like"))
    return _form(wiring, name=name, values=values_of_given(wiring.settings, given))


@pages.post("/templates", Scope.UPLOAD, Scope.READ, does=Did.TEMPLATE_SAVED, most=MOST_FIELDS)
def save(asked: Asked) -> Answer:
    """Save the form, or show it again with what is wrong."""
    fields, templates = dict(asked.fields), asked.wiring.templates
    name = "".join(fields.pop("template_name", []))
    try:
        given, _ = read_form(fields)
        templates.save(name, templates.tidied(given))
    except RulesRefused as error:
        faults = told_faults(error.faults)
    except NotDone as error:
        faults = [("", str(error))]
    else:
        return to("/templates")
    values = {one: texts[-1] for one, texts in fields.items()}
    return _form(asked.wiring, name=name, values=values, faults=faults)


@pages.post("/templates/remove", Scope.UPLOAD, does=Did.TEMPLATE_REMOVED)
def remove(asked: Asked) -> Answer:
    """Forget one."""
    asked.wiring.templates.remove(asked.form.get("name", ""))
    return to("/templates")


def _form(wiring: Wiring, *, name: str, values: dict[str, str], faults: Any = ()) -> Answer:
    return page(
        "template.html",
        status_code=422 if faults else 200,
        name=name,
        faults=faults,
        longest_name=LONGEST_NAME,
        **form_context(wiring, values),
    )
