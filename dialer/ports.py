"""Ports for servers that are started a little later."""

import socket


def free_port() -> int:
    """Find a port on loopback that nobody else is given while this process lives.

    One that was let go may be another's by the time its server starts: the system gives it to whoever
    asks for any, or to a connection that leaves. So it stays bound here, without being listened on;
    with SO_REUSEADDR on both sides, which servers set, the one who knows its number may have it still.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    port: int = kept.getsockname()[1]
    kept.detach()  # closed with the process
    return port
