"""Keys for the API and the pages."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from dialer.access.api_keys import ApiKey, Scope


class KeyDocument(BaseModel):
    """A key, without its secret."""

    id: str
    name: str
    scopes: list[Scope]
    accounts: list[str] | None = Field(description="Names of those that it opens; null: all.")
    created_at: datetime
    expires_at: datetime
    made_by: str | None = Field(description="Id of the key that made it, and with which it ends.")
    last_used_at: datetime | None = Field(description="To the minute; null: never.")

    @classmethod
    def of(cls, key: ApiKey, accounts: Mapping[str, str]) -> Self:
        """Tell a key.

        Args:
            accounts: Names of all that there are, by Sid.
        """
        opens = (
            None
            if key.accounts is None
            else [accounts.get(one, one) for one in sorted(key.accounts)]
        )
        return cls(
            id=key.id,
            name=key.name,
            scopes=sorted(key.scopes),
            accounts=opens,
            created_at=key.created_at,
            expires_at=key.expires_at,
            made_by=key.made_by or None,
            last_used_at=key.last_used_at,
        )
