"""The provider: whether it takes the account's key and token, and reaches us."""

from collections.abc import Iterator
from functools import partial
from http import HTTPStatus

import httpx
import redis

from campaigns.sentence import told
from dialer.clock import now
from dialer.embedded.embedded import EmbeddedServerError
from dialer.errors import AccountRefused, ProviderError
from dialer.settings import SettingsError, require_dialling
from dialer.settling.lookups import NoSlot
from workers.doctor.findings import Finding, fail, ok, warn
from workers.wiring import Wiring

_REACH_WITHIN_S = 10.0
_SLOT_WITHIN_S = 10.0
_ASK_AGAIN = told("run doctor again: the key and the token were not examined")


def ask_about_credentials(wiring: Wiring) -> None:
    """Ask the provider whether it takes the account's key and token, in the account's own pace.

    Raises:
        NoSlot: No request may leave now.
        ProviderError: It does not take them, or does not answer.
    """
    provider, at = wiring.provider, now()
    lookups = wiring.lookups(patience_s=_SLOT_WITHIN_S)
    try:
        lookups.paced(provider.check_credentials, overdue=True)
    except AccountRefused as error:
        if error.http_status != HTTPStatus.NOT_FOUND:
            raise
        # not every account has a balance to ask for; calls each of them has
        calls = partial(provider.search_calls, created_from=at, created_until=at)
        lookups.paced(calls, overdue=True)


def examine_provider(wiring: Wiring) -> Iterator[Finding]:
    """Examine whether it takes the account's key and token."""
    try:
        require_dialling(wiring.settings)
    except SettingsError:
        return  # told above
    host = wiring.settings.base_url
    try:
        ask_about_credentials(wiring)
    except (NoSlot, redis.RedisError, EmbeddedServerError) as error:
        # a request without a slot could be the one too many of the account's limit
        why = (
            str(error)
            if isinstance(error, NoSlot)
            else told("only Redis knows whether one more may go")
        )
        yield warn(told("provider"), told("not asked: {why}", why=why), _ASK_AGAIN)
    except AccountRefused as error:
        is_unknown = error.http_status == HTTPStatus.NOT_FOUND
        remedy = (
            told("check EXOTEL_ACCOUNT_SID")
            if is_unknown
            else told("check the key, the token and the region")
        )
        yield fail(told("provider"), str(error), remedy)
    except ProviderError as error:
        yield warn(told("provider"), str(error), told("try again; is {host} reachable?", host=host))
    else:
        yield ok(told("provider"), told("{host} accepts the credentials", host=host))


def examine_callbacks(wiring: Wiring) -> Iterator[Finding]:
    """Examine whether what it tells of calls arrives."""
    url = f"{wiring.settings.callback_base_url}/livez"
    try:
        status = httpx.get(url, timeout=_REACH_WITHIN_S).status_code
    except httpx.HTTPError as error:
        says = told("{url} cannot be reached from here: {error}", url=url, error=str(error))
    else:
        says = told("{url} answers {status}", url=url, status=status)
        if status == httpx.codes.OK:
            yield ok(told("callbacks"), says)
            return
    yield warn(
        told("callbacks"),
        says,
        told("start the web process, and see that DIALER_PUBLIC_URL leads to it from outside"),
    )
