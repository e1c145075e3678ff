"""The product's own Exotel simulator, with the options a soak needs.

python -m bench.senders.exotel PORT LIMIT WINDOW_S STALL_PROBABILITY
"""

import sys

from dialer.simulator import SimulatorOptions, serve


def main(port: str, limit: str, window_s: str, stall_probability: str) -> None:
    """Serve until SIGTERM."""
    options = SimulatorOptions(
        rate_limit=int(limit),
        rate_window_s=float(window_s),
        stall_probability=float(stall_probability),
        speed=20.0,
    )
    serve(options, port=int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
