"""Keys: made, listed and revoked by those who hold an admin key."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from dialer.api_keys import ApiKey, Scope
from workers.web.api.needs import Admin, TheDesk
from workers.web.api.shapes import KeyDocument
from workers.web.problems import Problem

router = APIRouter(prefix="/keys", tags=["keys"])


class KeyOrder(BaseModel):
    """A key to make."""

    name: str = Field(min_length=1, max_length=100, pattern=r"\S", description="Whose it is.")
    scopes: set[Scope] = Field(min_length=1)


class NewKey(KeyDocument):
    """A key that was just made."""

    key: str = Field(description="Shown this once.")


class KeyList(BaseModel):
    """All keys, the oldest first."""

    items: list[KeyDocument]


@router.get("")
def list_keys(_visitor: Admin, desk: TheDesk) -> KeyList:
    """List keys, without their secrets."""
    return KeyList(items=[KeyDocument(**_fields(key)) for key in desk.keys.all()])


@router.post("", status_code=201)
def create_key(_visitor: Admin, desk: TheDesk, order: KeyOrder) -> NewKey:
    """Make a key. Its text is in the answer, and nowhere else afterwards."""
    key, secret = desk.keys.create(order.name, order.scopes)
    return NewKey(**_fields(key), key=secret)


@router.delete("/{key_id}", status_code=204)
def revoke_key(_visitor: Admin, desk: TheDesk, key_id: Annotated[str, Path(max_length=20)]) -> None:
    """Revoke a key; it opens nothing from the next request on."""
    if not desk.keys.revoke(key_id):
        raise Problem(404, "not_found", "There is no such key.")


def _fields(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
    }
