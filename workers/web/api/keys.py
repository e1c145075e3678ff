"""Keys: made, listed and revoked by those who hold an admin key."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from dialer.access.api_keys import LONGEST_DAYS, YEAR_S, ApiKey, Scope
from dialer.logger import get_logger
from workers.web.api.needs import Admin, TheDesk
from workers.web.api.shapes import KeyDocument, Order, Whole
from workers.web.problems import Problem

log = get_logger(__name__)

router = APIRouter(prefix="/keys", tags=["keys"])


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


class NewKey(KeyDocument):
    """A key that was just made."""

    key: str = Field(description="Shown this once.")


class KeyList(BaseModel):
    """All keys, the oldest first."""

    items: list[KeyDocument]


@router.get("")
def list_keys(_visitor: Admin, services: TheDesk) -> KeyList:
    """List keys, without their secrets."""
    return KeyList(items=[KeyDocument(**_fields(key)) for key in services.keys.all()])


@router.post("", status_code=201)
def create_key(visitor: Admin, services: TheDesk, order: KeyOrder) -> NewKey:
    """Make a key. Its text is in the answer, and nowhere else afterwards. It ends with its maker."""
    try:
        key, secret = services.keys.create(
            order.name, order.scopes, expires_s=order.expires_s, made_by=visitor.made_by
        )
    except ValueError as error:
        raise Problem(422, "invalid", f"{error}.") from None
    log.info("key_made", key_id=key.id, scopes=sorted(key.scopes), by=visitor.id)
    return NewKey(**_fields(key), key=secret)


@router.delete("/{key_id}", status_code=204)
def revoke_key(
    visitor: Admin, services: TheDesk, key_id: Annotated[str, Path(max_length=20)]
) -> None:
    """Revoke a key and those it made; they open nothing from the next request on."""
    ended = services.keys.revoke(key_id)
    if not ended:
        raise Problem(404, "not_found", "There is no such key.")
    log.info("keys_revoked", key_ids=ended, by=visitor.id)


def _fields(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "made_by": key.made_by or None,
        "last_used_at": key.last_used_at,
    }
