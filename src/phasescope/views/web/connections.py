"""HTTP whose clients cannot keep one another out, however many connections they open and leave open."""

import asyncio
import resource
import socket
from functools import cache

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 512
"""open at a time, and at most half of the files that this process may open; a browser opens six"""
AT_ONCE = 32
"""connections that are accepted before those that they replace are closed"""
WAITING = 2048
"""connections that may wait to be accepted"""
HEADERS_S = 10.0
"""that a client has for sending its request"""


class BoundedProtocol(H11Protocol):
    """A connection that is closed if its request does not come, or if another one needs its place."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._heard_s = self.loop.time()
        self._limit_waiting()

        if len(self.connections) > most_connections():
            # Whoever is being answered has waited longest, and keeps its place.
            others = [
                other
                for other in self.connections
                if isinstance(other, BoundedProtocol) and other is not self
            ]
            longest = min(others, key=lambda other: (other._is_computing, other._heard_s))
            # It would otherwise be counted, and chosen again, until the loop has closed it.
            self.connections.discard(longest)
            longest.transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._heard_s = self.loop.time()
        self._limit_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_limit()

    @property
    def _is_computing(self) -> bool:
        """Whether a whole request is here whose answer has not begun."""
        return self.cycle is not None and not self.cycle.response_started

    def _limit_waiting(self) -> None:
        """Close the connection in a while, unless a request is being answered."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_limit()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEADERS_S, self.transport.abort)

    def _stop_limit(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


@cache
def most_connections() -> int:
    """Return how many connections are open at a time."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if files == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, files // 2)


class Server(uvicorn.Server):
    """A server that accepts a few connections at a time, while many may wait."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        # asyncio accepts as many at once as may wait.
        for listening in sockets or ():
            listening.listen(WAITING)
