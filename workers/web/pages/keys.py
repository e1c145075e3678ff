"""The page of keys: which there are, a new one, and an end to one; each as far as one's own key goes."""

from pydantic import ValidationError

from campaigns.sentence import told
from dialer.access.api_keys import LONGEST_DAYS, Scope
from dialer.deeds import Did
from workers.web.api.keys import KeyOrder, NewKey, create_key, list_keys, revoke_key
from workers.web.pages.declaring import Answer, Asked, Pages, page, to
from workers.web.problems import invalid

pages = Pages()

_MOST_FIELDS = 1_100  # each account is one
_DAY_S = 86_400


@pages.get("/keys", Scope.ADMIN)
def show(asked: Asked) -> Answer:
    """List keys."""
    return _page(asked)


@pages.post("/keys", Scope.ADMIN, does=Did.KEY_MADE, most=_MOST_FIELDS)
def create(asked: Asked) -> Answer:
    """Make a key, and show it this once."""
    form, fields = asked.form, asked.fields
    try:
        order = KeyOrder(
            name=form.get("name", ""),
            scopes={Scope(one) for one in fields.get("scope", [])},
            expires_s=int(form.get("days", "")) * _DAY_S,
            accounts=fields.get("account"),
        )
    except (ValidationError, ValueError):
        raise invalid(
            told("Write a name, choose a scope, and 1 to {most} days.", most=LONGEST_DAYS)
        ) from None
    return _page(asked, made=create_key(asked.visitor, asked.services, order))


@pages.post("/keys/{key_id}/revoke", Scope.ADMIN, does=Did.KEY_REVOKED)
def revoke(asked: Asked) -> Answer:
    """End a key and those it made."""
    revoke_key(asked.visitor, asked.services, asked.named("key_id"))
    return to("/keys")


def _page(asked: Asked, *, made: NewKey | None = None) -> Answer:
    return page(
        "keys.html",
        keys=list_keys(asked.visitor, asked.services).items,
        made=made,
        scopes=list(Scope),
        most_days=LONGEST_DAYS,
    )
