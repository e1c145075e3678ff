"""What leaves Redis: campaigns that were archived, and personal data that is to be forgotten."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import batched
from typing import cast

from dialer.store.attempts import encode
from dialer.store.campaigns import Campaign
from dialer.store.contacts import PER_CHUNK, pack_rows
from dialer.store.database import Database, text
from dialer.store.snapshot import ContactLine

_KEPT = frozenset({"counts", "hashes", "imports"})  # small, and the list of campaigns shows them
