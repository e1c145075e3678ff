"""Sends requests to a provider until it is killed: `python -m tests.chaos.one_request URL KIND DEADLINE_S`.

Each line on standard input sends one; a line of output says what came of it.
"""

import sys
from zoneinfo import ZoneInfo

from dialer.clock import boottime_s
from dialer.errors import ProviderError
from dialer.exotel import ConnectRequest, Exotel

REQUEST = ConnectRequest(
    agent="+919000000001",
    customer="+919876543201",
    caller_id="08000000000",
    time_limit_s=60,
    time_out_s=10,
)


def main(url: str, kind: str, deadline_s: str) -> None:
    """Send one for each line."""
    client = Exotel(
        account_sid="demo",
        api_key="demo-key",
        api_token="demo-token",
        base_url=url,
        details_base_url=url,
        timezone=ZoneInfo("Asia/Kolkata"),
        clock_s=boottime_s,
        deadline_s=float(deadline_s),
    )
    for _ in sys.stdin:
        try:
            if kind == "dial":
                client.connect(REQUEST, send_before=boottime_s() + 2)
            else:
                client.calls(["a1"], send_before=boottime_s() + 2)
            said = "answered"
        except ProviderError as error:
            said = f"{type(error).__name__} {error.error_code}"
        sys.stdout.write(f"{said}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
