"""Signs deliveries as Standard Webhooks has it: HMAC-SHA256 over id, time and body, points between."""

import base64
import hmac
import secrets
from collections.abc import Sequence

_PREFIX = "whsec_"


def new_secret() -> str:
    """Make one; receivers' libraries take it as it is."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def headers(id_: str, body: bytes, *, keys: Sequence[str], at_s: float) -> dict[str, str]:
    """Give the headers of a delivery.

    Args:
        id_: The same whenever it is sent again.
        keys: The newest first; it is signed with each.
        at_s: When it is sent, epoch s.
    """
    at = str(int(at_s))
    signed = b".".join((id_.encode(), at.encode(), body))
    signatures = (
        base64.b64encode(hmac.digest(_key(one), signed, "sha256")).decode() for one in keys
    )
    return {
        "webhook-id": id_,
        "webhook-timestamp": at,
        "webhook-signature": " ".join(f"v1,{one}" for one in signatures),
        "content-type": "application/json",
    }


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
