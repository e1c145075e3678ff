"""Keys: made, listed and revoked by those who hold an admin key, each as far as it goes."""

from collections.abc import Container
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, Field

from campaigns.sentence import told
from dialer.access.api_keys import LONGEST_DAYS, YEAR_S, ApiKey, Scope
from dialer.deeds import Did
from dialer.logger import get_logger
from workers.documents.keys import KeyDocument
from workers.web.access import Visitor
from workers.web.api.needs import Admin, Router, TheServices
from workers.web.api.shapes import Order, Whole
from workers.web.problems import invalid, not_found
from workers.web.services import Services

log = get_logger(__name__)

router = Router("/keys", "keys")


class KeyOrder(Order):
    """A key to make."""

    name: str = Field(min_length=1, max_length=100, pattern=r"\S", description="Whose it is.")
    scopes: set[Scope] = Field(min_length=1)
    expires_s: Whole = Field(
        YEAR_S,
        ge=1,
        le=LONGEST_DAYS * 86_400,
        description="How long it is in force, s; no longer than the key that makes it.",
    )
    accounts: list[str] | None = Field(
        None,
        min_length=1,
        max_length=1000,
        description="Names of those that it opens; null: all that the key that makes it opens.",
    )


class NewKey(KeyDocument):
    """A key that was just made."""

    key: str = Field(description="Shown this once.")


class KeyList(BaseModel):
    """Keys, the oldest first."""

    items: list[KeyDocument]


@router.get("")
def list_keys(visitor: Admin, services: TheServices) -> KeyList:
    """List keys, without their secrets: those that open no more accounts than yours."""
    found = _within(services, visitor)
    return KeyList(items=[_document(services, key, found, visitor) for key in found.values()])


@router.post("", Did.KEY_MADE, status_code=201)
def create_key(visitor: Admin, services: TheServices, order: KeyOrder) -> NewKey:
    """Make a key. Its text is in the answer, and nowhere else afterwards. It ends with its maker."""
    named = services.accounts.named
    accounts = (
        None if order.accounts is None else [named(visitor, one).sid for one in order.accounts]
    )
    try:
        key, secret = services.wiring.api_keys.create(
            order.name,
            order.scopes,
            expires_s=order.expires_s,
            made_by=visitor.made_by,
            accounts=accounts,
        )
    except ValueError as error:
        raise invalid(told("{why}.", why=str(error))) from None
    log.info("key_made", key_id=key.id, scopes=sorted(key.scopes), by=visitor.id)
    return NewKey(**dict(_document(services, key, {visitor.id}, visitor)), key=secret)


@router.delete("/{key_id}", Did.KEY_REVOKED, status_code=204)
def revoke_key(
    visitor: Admin, services: TheServices, key_id: Annotated[str, Path(max_length=20)]
) -> None:
    """Revoke a key and those it made; they open nothing from the next request on."""
    ended = services.wiring.api_keys.revoke(key_id) if key_id in _within(services, visitor) else []
    if not ended:
        raise not_found(told("There is no such key."))
    log.info("keys_revoked", key_ids=ended, by=visitor.id)


def _within(services: Services, visitor: Visitor) -> dict[str, ApiKey]:
    """Give the keys, by id, that open no account which the visitor's does not."""
    return {key.id: key for key in services.wiring.api_keys.all() if visitor.reaches(key.accounts)}


def _document(
    services: Services, key: ApiKey, known: Container[str], visitor: Visitor
) -> KeyDocument:
    """Tell a key; the id of one that made it, and opens more, is not for those who see but this one."""
    names = {one.sid: one.wiring.name for one in services.accounts.all}
    told = KeyDocument.of(key, names)
    is_told = visitor.reaches_all or key.made_by in known
    return told if is_told else told.model_copy(update={"made_by": None})
