"""Where the provider calls back: one unguessable path per attempt.

The provider signs nothing, so the path itself carries the proof: an HMAC of the attempt's id
under a secret only we know. It is checked in constant time and is of no use for another attempt.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence


class CallbackPaths:
    """Makes and checks callback paths.

    Args:
        base_url: Where the provider reaches us, without a trailing slash.
        secrets: The present secret first, older ones still accepted after it.
    """

    def __init__(self, base_url: str, secrets: Sequence[str]) -> None:
        if not secrets:
            raise ValueError("callback paths need a secret")
        self._base_url = base_url
        self._keys = {_key_id(secret): secret.encode() for secret in reversed(secrets)}
        self._present = _key_id(secrets[0])

    def url(self, attempt_id: str) -> str:
        """Make the address the provider reports this attempt's call to."""
        mac = _mac(self._keys[self._present], attempt_id)
        return f"{self._base_url}/callbacks/exotel/{self._present}/{attempt_id}/{mac}"

    def is_genuine(self, key_id: str, attempt_id: str, mac: str) -> bool:
        """Check a path's proof."""
        key = self._keys.get(key_id, b"no such key")  # the same work, whatever is wrong
        right = _mac(key, attempt_id)
        return hmac.compare_digest(right.encode(), mac.encode()) and key_id in self._keys


def _key_id(secret: str) -> str:
    return hashlib.sha256(b"key id|" + secret.encode()).hexdigest()[:8]


def _mac(key: bytes, attempt_id: str) -> str:
    digest = hmac.digest(key, b"cb1|" + attempt_id.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
