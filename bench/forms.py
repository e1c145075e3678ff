"""The form of one call, the same for everybody who is measured."""

CALLER_ID = "+918045678900"


def agent_number(n: int) -> str:
    """Make the nth agent's number, fictional."""
    return f"+9198{n:08d}"


def customer_number(n: int) -> str:
    """Make the nth customer's number, fictional."""
    return f"+9190{n:08d}"


def form(n: int) -> dict[str, str]:
    """Fill in a connect request."""
    return {
        "From": agent_number(n),
        "To": customer_number(n),
        "CallerId": CALLER_ID,
        "CallType": "trans",
        "TimeLimit": "1800",
        "TimeOut": "30",
        "MaxRetries": "0",
        "Record": "false",
        "CustomField": f"a={n:08d}",
        "StatusCallback": f"http://127.0.0.1:9/callbacks/exotel/0a1b2c3d/{n:08d}/{'m' * 43}",
        "StatusCallbackEvents[0]": "terminal",
        "StatusCallbackEvents[1]": "answered",
        "StatusCallbackContentType": "application/json",
    }
