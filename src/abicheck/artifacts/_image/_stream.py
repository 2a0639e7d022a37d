"""Bytes that come in pieces: read exactly, skipped cheaply, made ahead of time.

Hashing and inflating release the interpreter lock, so they run on threads of
their own while the consumer reads the tar: one core inflates, one hashes, one
parses.  How far they run ahead is bounded, and so is the memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Protocol, TypeAlias

Chunk: TypeAlias = "bytes | memoryview"

_AHEAD: Final = 8  # chunks of a megabyte at most


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
