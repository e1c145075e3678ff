"""The page of accounts: those of one's key and how each stands; keys of all accounts add one."""

from typing import Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError
from starlette.requests import Request

from campaigns.sentence import told
from dialer.access.api_keys import Scope
from dialer.accounts import ACCOUNT_NAME
from dialer.accounts_file import add_account, can_be_written
from dialer.deeds import Did, tell
from dialer.settings import SettingsError
from workers.accounts import line_of, not_served_yet, require_accepted
from workers.web.pages.declaring import Answer, Asked, Pages, page, to
from workers.web.problems import Problem, invalid
from workers.web.proxies import came_directly

pages = Pages()


class AccountOrder(BaseModel):
    """An account to be added; the fields are named as in a table of the file."""

    name: str = Field(pattern=f"^{ACCOUNT_NAME.pattern}$")
    sid: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    api_key: SecretStr = Field(min_length=1, max_length=200)
    api_token: SecretStr = Field(min_length=1, max_length=200)
    caller_id: str = Field(pattern=r"^\+?[0-9]{3,15}$")
    region: Literal["singapore", "mumbai"] = "singapore"
    rate_limit: int = Field(200, ge=1, le=100_000)

    def table(self) -> dict[str, str | int]:
        """Give what stands in the account's table, the two secrets in the clear."""
        secrets = {one: getattr(self, one).get_secret_value() for one in ("api_key", "api_token")}
        return self.model_dump(exclude={"name", *secrets}) | secrets


@pages.get("/accounts", Scope.ADMIN)
def show(asked: Asked) -> Answer:
    """List the accounts that one's key opens, and ask for another."""
    visitor, services = asked.visitor, asked.services
    settings = services.at_home.wiring.settings
    is_able, is_private = can_be_written(settings), _is_private(asked.request)
    served = [one.wiring.name for one in services.accounts.all]
    return page(
        "accounts.html",
        lines=[line_of(one.wiring) for one in services.accounts.open_to(visitor)],
        waiting=list(not_served_yet(settings, served)) if visitor.reaches_all else [],
        file=settings.dialer_accounts,
        may_add=visitor.reaches_all and is_able and is_private,
        is_able=is_able,
        is_private=is_private,
    )


@pages.post("/accounts", Scope.ADMIN, does=Did.ACCOUNT_ADDED)
def add(asked: Asked) -> Answer:
    """Add an account, once the provider has taken its key and token."""
    home = asked.services.at_home.wiring
    if not asked.visitor.reaches_all:
        raise Problem(403, "accounts_missing", told("Accounts are added by keys of all accounts."))
    if not _is_private(asked.request):
        raise Problem(403, "not_private", told("A key and a token are taken over https alone."))
    if not can_be_written(home.settings):
        raise Problem(409, "not_done", told("The file of accounts cannot be written from here."))
    order = _order_of(asked.form)
    tell(on=f"account {order.name}", after={"sid": order.sid})
    try:
        add_account(
            home.settings,
            order.name,
            order.table(),
            check=lambda account: require_accepted(account, home),
        )
    except SettingsError as error:
        raise invalid(told("{why}.", why=str(error).rstrip("."))) from None
    return to("/accounts")


def _order_of(form: dict[str, str]) -> AccountOrder:
    given = {name: value.strip() for name, value in form.items()}
    try:
        return AccountOrder.model_validate(given)
    except ValidationError as error:
        wrong = {str(one["loc"][0]) for one in error.errors(include_input=False)}
        names = ", ".join(name for name in AccountOrder.model_fields if name in wrong)
        raise invalid(told("Look again at what you wrote: {names}.", names=names)) from None


def _is_private(request: Request) -> bool:
    """Tell whether nobody on the way can read what is sent."""
    return request.url.scheme == "https" or came_directly(request.scope)
