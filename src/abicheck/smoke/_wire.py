"""The driver's words: JSON, one object a line, over the streams of an attached container."""

from __future__ import annotations

import json
import struct
import time
from typing import Any, Final, Protocol

_FRAME: Final = struct.Struct(">BxxxL")  # of the engine's API, for a container without a terminal
_STDOUT: Final = 1
_CHUNK: Final = 64 << 10
_LONGEST: Final = 32 << 20
_TAIL: Final = 4 << 10
_LEAST: Final = 0.001


class MisbehaviourError(Exception):
    """What comes from a container is not what its driver would say, or nothing comes."""


class Stream(Protocol):
    """A connected socket, of whatever kind the engine is reached by."""

    def recv(self, size: int, /) -> bytes:
        """Return what has come, b"" at the end."""
        ...

    def sendall(self, data: bytes, /) -> object:
        """Send everything."""
        ...

    def settimeout(self, seconds: float, /) -> None:
        """Raise `TimeoutError` where nothing comes for so long."""
        ...

    def close(self) -> None:
        """Let go of it; the container's standard input ends."""
        ...


class Wire:
    """Both ends of a container's standard streams.

    `errors` is the end of what came through standard error.
    """

    def __init__(self, stream: Stream, nonce: str) -> None:
        self._stream = stream
        self._nonce = nonce
        self._raw = b""
        self._said = bytearray()
        self._deadline = 0.0
        self.errors = b""

    def tell(self, words: dict[str, Any]) -> None:
        """Send one object.  Raises `MisbehaviourError` where nobody takes it."""
        try:
            self._stream.sendall(json.dumps(words).encode() + b"\n")
        except OSError as error:
            reason = "the container takes no more questions"
            raise MisbehaviourError(reason) from error

    def hear(self, timeout: float) -> dict[str, Any]:
        """Return the next object, which must be there whole within `timeout` seconds.

        Raises `MisbehaviourError` where none comes, or one that the driver has not written.
        """
        self._deadline = time.monotonic() + timeout
        while b"\n" not in self._said:
            if len(self._said) > _LONGEST:
                reason = "the container says more than its driver would"
                raise MisbehaviourError(reason)
            stream, data = self._frame()
            if stream == _STDOUT:
                self._said += data
            else:
                self.errors = (self.errors + data)[-_TAIL:]
        line, _, rest = self._said.partition(b"\n")
        self._said = rest
        return self._checked(bytes(line))

    def _checked(self, line: bytes) -> dict[str, Any]:
        try:
            words = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = "the container says what its driver would not"
            raise MisbehaviourError(reason) from error
        if not isinstance(words, dict) or words.get("nonce") != self._nonce:
            reason = "the container says what its driver would not"
            raise MisbehaviourError(reason)
        return words

    def _frame(self) -> tuple[int, bytes]:
        stream, size = _FRAME.unpack(self._exactly(_FRAME.size))
        if size > _LONGEST:
            reason = "the engine's stream cannot be read"
            raise MisbehaviourError(reason)
        return stream, self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        while len(self._raw) < size:
            try:
                self._stream.settimeout(max(_LEAST, self._deadline - time.monotonic()))
                data = self._stream.recv(_CHUNK)
            except TimeoutError as error:
                reason = "the container does not answer"
                raise MisbehaviourError(reason) from error
            except OSError as error:
                reason = "the connection to the container broke"
                raise MisbehaviourError(reason) from error
            if not data:
                reason = "the container ended"
                raise MisbehaviourError(reason)
            self._raw += data
        data, self._raw = self._raw[:size], self._raw[size:]
        return data

    def close(self) -> None:
        """End the container's standard input, and so the driver."""
        self._stream.close()
