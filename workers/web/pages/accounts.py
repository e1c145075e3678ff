"""The page of accounts: those of one's key and how each stands; keys of all accounts add one."""

import asyncio
from typing import Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from campaigns.sentence import told
from dialer.access.api_keys import Scope
from dialer.accounts import ACCOUNT_NAME
from dialer.accounts_file import add_account, can_be_written
from dialer.deeds import tell
from dialer.settings import SettingsError
from workers.accounts import line_of, not_served_yet, require_accepted
from workers.web.choosing import services_of
from workers.web.pages.rendering import plain_form, renderer_of, require, visitor_of
from workers.web.problems import Problem
from workers.web.proxies import came_directly


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


async def show(request: Request) -> Response:
    """List the accounts that one's key opens, and ask for another."""
    visitor = require(request, Scope.ADMIN)
    services = services_of(request)
    opened = [one.wiring for one in services.accounts.open_to(visitor)]
    settings = services.at_home.wiring.settings
    is_able = can_be_written(settings)
    served = [one.wiring.name for one in services.accounts.all]
    return await renderer_of(request).page(
        request,
        "accounts.html",
        lines=await asyncio.to_thread(lambda: [line_of(one) for one in opened]),
        waiting=list(not_served_yet(settings, served)) if visitor.reaches_all else [],
        file=settings.dialer_accounts,
        may_add=visitor.reaches_all and is_able and _is_private(request),
        is_able=is_able,
        is_private=_is_private(request),
    )


async def add(request: Request) -> Response:
    """Add an account, once the provider has taken its key and token."""
    form = await plain_form(request, Scope.ADMIN)
    home = services_of(request).at_home.wiring
    if not visitor_of(request).reaches_all:
        raise Problem(403, "accounts_missing", told("Accounts are added by keys of all accounts."))
    if not _is_private(request):
        raise Problem(403, "not_private", told("A key and a token are taken over https alone."))
    if not can_be_written(home.settings):
        raise Problem(409, "not_done", told("The file of accounts cannot be written from here."))
    order = _order_of(form)
    tell(on=f"account {order.name}", after={"sid": order.sid})
    try:
        await asyncio.to_thread(
            add_account,
            home.settings,
            order.name,
            order.table(),
            check=lambda account: require_accepted(account, home),
        )
    except SettingsError as error:
        raise Problem(422, "invalid", told("{why}.", why=str(error).rstrip("."))) from None
    return RedirectResponse("/accounts", status_code=303)


def _order_of(form: dict[str, str]) -> AccountOrder:
    given = {name: value.strip() for name, value in form.items()}
    try:
        return AccountOrder.model_validate(given)
    except ValidationError as error:
        wrong = {str(one["loc"][0]) for one in error.errors(include_input=False)}
        names = ", ".join(name for name in AccountOrder.model_fields if name in wrong)
        raise Problem(
            422, "invalid", told("Look again at what you wrote: {names}.", names=names)
        ) from None


def _is_private(request: Request) -> bool:
    """Tell whether nobody on the way can read what is sent."""
    return request.url.scheme == "https" or came_directly(request.scope)


routes = [
    Route("/accounts", show),
    Route("/accounts", add, methods=["POST"]),
]
