"""TCP links that can be made slow, cut and blackholed while they carry a conversation.

    relay = Relay()
    link = relay.open("0-1", Place(None, "127.0.0.1", 0), Place(None, "127.0.0.1", 30303))
    link.port                   where it listens
    link.delay = 0.5            every byte arrives half a second later, in order
    link.blackhole()            nothing passes, nobody is told: what was sent waits, as a lost packet is sent again
    link.cut()                  connections are reset and new ones refused
    link.mend()                 as at first

A place may lie in another network namespace: the socket is made there, and stays there. One thread with an event loop
carries every link; it knows nothing of what passes.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

_Result = TypeVar("_Result")

CHUNK = 65536
HELD = 256
"""How many chunks a direction holds while it is slow or blackholed; then the sender's own window fills, as it would."""
PATIENCE = 4.0
"""Seconds that a new connection waits for its far end to listen: a node that is just starting."""
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET, linux/sched.h


@dataclass(frozen=True, slots=True)
class Place:
    """Where one end is: a network namespace by name (None: our own), a host and a port (0: any free one)."""

    namespace: str | None
    host: str
    port: int


class Link:
    """One listening end and the conversations through it. Safe to change from any thread."""

    def __init__(self, name: str, there: Place, loop: asyncio.AbstractEventLoop) -> None:
        self.name = name
        self.port = 0
        self.delay = 0.0
        self.carried = 0
        self.rival: Link | None = None
        """The link of the same two ends the other way round: while that one is in use, this one refuses."""
        self._there = there
        self._loop = loop
        self._whole = True
        self._flows = asyncio.Event()
        self._flows.set()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Resets every connection and refuses new ones."""
        self._whole = False
        self._loop.call_soon_threadsafe(self._reset)

    def blackhole(self) -> None:
        """Lets nothing through in either direction, and tells neither end."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def mend(self) -> None:
        """Carries everything again at once; what waited in a blackhole goes on."""
        self._whole = True
        self.delay = 0.0
        self._loop.call_soon_threadsafe(self._flows.set)

    async def listen(self, here: Place) -> None:
        """Opens the listening end. Raises OSError."""
        opened = _socket(here.namespace)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((here.host, here.port))
        self._server = await asyncio.start_server(self._accept, sock=opened)
        self.port = opened.getsockname()[1]

    async def close(self) -> None:
        """Ends every conversation."""
        if self._server is not None:
            self._server.close()
        self._reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _reset(self) -> None:
        for writer in list(self._open):
            with suppress(OSError):
                found = writer.get_extra_info("socket")
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        is_free = self.rival is None or not self.rival._open
        self._open.add(writer)
        try:
            if self._whole and is_free:
                await self._converse(reader, writer)
        except asyncio.CancelledError:
            pass  # the relay is closed: asyncio's streams would tell of it as of a fault
        finally:
            self._tasks.discard(task)
            self._open.discard(writer)
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Both directions, until either end ends: what carries nodes' messages knows no half-open conversation."""
        await self._flows.wait()
        far = await self._connect()
        if far is None:
            return
        far_reader, far_writer = far
        self._open.add(far_writer)
        ways = [
            asyncio.ensure_future(self._carry(reader, far_writer)),
            asyncio.ensure_future(self._carry(far_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._open.discard(far_writer)
            far_writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._whole:
            opened = _socket(self._there.namespace)
            try:
                target = (self._there.host, self._there.port)
                async with asyncio.timeout(PATIENCE):
                    await self._loop.sock_connect(opened, target)
                return await asyncio.open_connection(sock=opened)
            except OSError:  # asyncio's TimeoutError is one
                opened.close()
                await asyncio.sleep(0.1)
        return None

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction: a chunk leaves `delay` seconds after it came, when the link flows; an end ends it."""
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(HELD)
        arriving = asyncio.ensure_future(self._arrive(reader, held))
        try:
            while True:
                came, chunk = await held.get()
                await asyncio.sleep(max(0.0, came + self.delay - time.monotonic()))
                await self._flows.wait()
                if not chunk:
                    return
                writer.write(chunk)
                self.carried += len(chunk)
                await writer.drain()
        except OSError:
            writer.transport.abort()
        finally:
            arriving.cancel()

    @staticmethod
    async def _arrive(reader: asyncio.StreamReader, held: asyncio.Queue[tuple[float, bytes]]) -> None:
        while True:
            try:
                chunk = await reader.read(CHUNK)
            except OSError:
                chunk = b""
            await held.put((time.monotonic(), chunk))
            if not chunk:
                return


class Relay:
    """The links of one network, carried by one thread until `close`."""

    def __init__(self) -> None:
        self.links: dict[str, Link] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._thread.start()

    def open(self, name: str, here: Place, there: Place) -> Link:
        """A link that listens `here` and leads `there`. Raises OSError."""
        link = Link(name, there, self._loop)
        self._do(lambda: link.listen(here))
        self.links[name] = link
        return link

    def mend(self) -> None:
        """Makes every link carry everything again."""
        for link in self.links.values():
            link.mend()

    def close(self) -> None:
        """Ends every link and the thread."""
        if self._loop.is_closed():
            return
        for link in self.links.values():
            self._do(link.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result(30)


def _socket(namespace: str | None) -> socket.socket:
    with _inside(namespace):
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    opened.setblocking(False)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


@contextmanager
def _inside(namespace: str | None) -> Iterator[None]:
    """Makes the sockets of this thread in another network namespace (setns(2), which takes one thread alone)."""
    if namespace is None:
        yield
        return
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        other = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
        try:
            _enter(other)
        finally:
            os.close(other)
        try:
            yield
        finally:
            _enter(own)
    finally:
        os.close(own)


def _enter(namespace: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(namespace, _NEW_NETWORK):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "setns")
