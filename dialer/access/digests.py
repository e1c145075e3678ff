"""What is kept of a secret: its SHA-256, which nobody turns back, since each has 256 random bits."""

import hashlib


def digest_of(secret: str) -> str:
    """Give what is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


NOBODYS_DIGEST = digest_of("")
"""Compared where the id is unknown, so that this takes as long."""
