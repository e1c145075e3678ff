"""Our attempts beside the provider's own list of calls: each call gets one verdict."""

from collections.abc import Collection
from enum import StrEnum
from itertools import compress

import pandas as pd


class Verdict(StrEnum):
    """How the two sides' books of one call agree."""

    MATCHED = "matched"  # both know it and tell the same
    DIFFERENT = "different"  # both know it; `differs` names the values
    MISSING = "missing"  # the provider does not know it
    EXTRA = "extra"  # the provider made it, and none of our attempts has its Sid
    UNREADABLE = "unreadable"  # the provider answers for our Sid, with what cannot be read


COMPARED = ("outcome", "talk_s", "total_s", "price")
OURS = ("call_sid", "attempt_id", *COMPARED, "is_final")
THEIRS = ("call_sid", "attempt_id", *COMPARED)
"""The columns of the two sides. Seconds are whole, prices decimals; None is what nobody told."""


def reconciled(
    ours: pd.DataFrame, theirs: pd.DataFrame, *, unread: Collection[str] = ()
) -> pd.DataFrame:
    """Lay two sides beside each other, by Sid.

    A value the provider has and we have not is no difference while it may still reach us.

    Args:
        ours: Settled attempts that have a Sid, each Sid once.
        theirs: Ended calls, each Sid once; `attempt_id` is what the call itself claims.
        unread: Sids of ours of which the provider tells what cannot be read.
    """
    both = ours.merge(
        theirs, on="call_sid", how="outer", suffixes=("", "_provider"), indicator="side"
    )
    on_both = both["side"] == "both"
    may_come = ~both["is_final"].eq(True)
    differs = pd.DataFrame(
        {
            name: on_both
            & both[f"{name}_provider"].notna()
            & (both[name] != both[f"{name}_provider"])
            & ~(both[name].isna() & may_come)
            for name in COMPARED
        }
    )
    verdict = both["side"].map(
        {"both": Verdict.MATCHED, "left_only": Verdict.MISSING, "right_only": Verdict.EXTRA}
    )
    verdict = verdict.astype(object).mask(differs.any(axis=1), Verdict.DIFFERENT)
    told = pd.DataFrame(
        {
            "verdict": verdict.mask(both["call_sid"].isin(unread), Verdict.UNREADABLE),
            "differs": [
                " ".join(compress(COMPARED, row)) for row in differs.itertuples(index=False)
            ],
            "call_sid": both["call_sid"],
            "attempt_id": both["attempt_id"].fillna(both["attempt_id_provider"]),
        }
    )
    values = [f"{name}{side}" for name in COMPARED for side in ("", "_provider")]
    return pd.concat([told, both[values]], axis=1).sort_values("call_sid", ignore_index=True)
