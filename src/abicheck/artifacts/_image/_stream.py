"""Bytes that come in pieces: read exactly, skipped cheaply, made ahead of time.

Hashing and inflating release the interpreter lock, so they run on threads of
their own while the consumer reads the tar: one core inflates, one hashes, one
parses.  How far they run ahead is bounded, and so is the memory.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Protocol, TypeAlias

Chunk: TypeAlias = "bytes | memoryview"

_AHEAD: Final = 8  # chunks of a megabyte at most
_SMALL: Final = 32 << 10  # to hand a file over costs more than to hash so little
_HELD: Final = 32 << 20  # bytes that wait to be hashed, one file apart


class Hash(Protocol):
    """What `hashlib` makes."""

    def update(self, data: Chunk, /) -> None:
        """Take more bytes in."""
        ...

    def hexdigest(self) -> str:
        """Return the digest of all the bytes so far."""
        ...


class ByteStream:
    """A stream of chunks, read by count of bytes.  `position` is in bytes from its start."""

    def __init__(self, chunks: Iterator[Chunk]) -> None:
        self._chunks = chunks
        self._chunk = memoryview(b"")
        self.position = 0

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes, or as many as are left, and stay before them."""
        if size > len(self._chunk):
            # Seldom: where a chunk ends.  What is left of it joins the next.
            parts = [self._chunk]
            held = len(self._chunk)
            while held < size and (chunk := next(self._chunks, None)) is not None:
                parts.append(memoryview(chunk))
                held += len(chunk)
            self._chunk = parts[0] if len(parts) == 1 else memoryview(b"".join(parts))
        return bytes(self._chunk[:size])

    def read(self, size: int) -> Chunk:
        """Return the next `size` bytes, or as many as are left; mostly a view, not a copy."""
        if size <= len(self._chunk):
            return self._take(size)
        parts: list[Chunk] = []
        missing = size
        while missing and self._refill():
            part = self._take(min(missing, len(self._chunk)))
            parts.append(part)
            missing -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def skip(self, size: int) -> int:
        """Pass over `size` bytes and return how many there were."""
        missing = size
        while missing and self._refill():
            missing -= len(self._take(min(missing, len(self._chunk))))
        return size - missing

    def drain(self) -> None:
        """Pass over all that is left, so that what hashes the stream sees its end."""
        while self._refill():
            self._take(len(self._chunk))

    def _take(self, size: int) -> memoryview:
        part = self._chunk[:size]
        self._chunk = self._chunk[size:]
        self.position += size
        return part

    def _refill(self) -> bool:
        while not self._chunk:
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._chunk = memoryview(chunk)
        return True


def ahead(chunks: Iterator[Chunk]) -> Generator[Chunk]:
    """Yield the same chunks, made by a thread a few chunks ahead of the consumer."""
    pool = ThreadPoolExecutor(max_workers=1)
    waiting: deque[Future[Chunk | None]] = deque()
    try:
        for _ in range(_AHEAD):
            waiting.append(pool.submit(next, chunks, None))
        while (chunk := waiting.popleft().result()) is not None:
            waiting.append(pool.submit(next, chunks, None))
            yield chunk
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def hashed(chunks: Iterator[Chunk], digest: Hash) -> Generator[Chunk]:
    """Yield the same chunks while a thread hashes them; `digest` is whole at the end."""
    pool = ThreadPoolExecutor(max_workers=1)
    waiting: deque[Future[None]] = deque()
    try:
        for chunk in chunks:
            waiting.append(pool.submit(digest.update, chunk))
            if len(waiting) > _AHEAD:
                waiting.popleft().result()
            yield chunk
        for future in waiting:
            future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class Digests:
    """SHA-256 of whole contents, by number, taken by a thread while the consumer goes on."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._waiting: deque[tuple[Future[bytes], int]] = deque()
        self._held = 0
        self._found: dict[tuple[int, int], bytes | Future[bytes]] = {}

    def add(self, number: tuple[int, int], data: Chunk) -> None:
        """Have `data` hashed; waits while too much of what came before is held."""
        if len(data) < _SMALL:
            self._found[number] = hashlib.sha256(data).digest()
            return
        while self._waiting and self._held + len(data) > _HELD:
            future, size = self._waiting.popleft()
            future.result()
            self._held -= size
        future = self._pool.submit(_sha256, data)
        self._waiting.append((future, len(data)))
        self._held += len(data)
        self._found[number] = future

    def close(self) -> None:
        """Let go of the thread, once it has done what is waiting."""
        self._pool.shutdown(wait=True)

    def of(self, number: tuple[int, int]) -> bytes | None:
        """Return a digest; None for what was never added."""
        found = self._found.get(number)
        return found.result() if isinstance(found, Future) else found


def _sha256(data: Chunk) -> bytes:
    return hashlib.sha256(data).digest()
