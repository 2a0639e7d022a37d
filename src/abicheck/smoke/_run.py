"""A smoke import from beginning to end: an engine, an image, containers, and one answer a module.

One import at a time in a container, several containers at a time.  A container that
misbehaves is discarded; what it had not finished is imported again in one of its own,
and what happens there is its outcome.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Final

from abicheck.errors import EngineError
from abicheck.model import Failure, SmokeImport, SmokeOutcome, SmokeRun
from abicheck.smoke._archive import import_archive
from abicheck.smoke._container import Sealed, Stage, set_stage
from abicheck.smoke._engine import Engine, connect, refusals
from abicheck.smoke._reaper import RUN, UNTIL, reaper, remove_expired, remove_labelled
from abicheck.smoke._request import SmokeRequest
from abicheck.smoke._wire import MisbehaviourError

_CONTAINERS: Final = 4
_WORTH: Final = 4
"""Modules for which another container is worth its start."""
_HOUR: Final = 3600
_MISBEHAVED: Final = (SmokeOutcome.TIMED_OUT, SmokeOutcome.OUT_OF_BOUNDS)


def _silent(ended: int, of: int) -> None:
    del ended, of


def run(request: SmokeRequest, progress: Callable[[int, int], None] = _silent) -> SmokeRun:
    """Import the modules of a request, and return what became of each, in their order.

    `progress` is told how many imports have ended, and of how many, by any thread.
    Raises `EngineError` where no engine answers, where the image cannot be had, or where
    it does not run there; `UsageError` and `ArtifactError` as the artifact's reader does.
    Whatever an import does is an outcome, and nothing that was made for it is left.
    """
    identity = secrets.token_hex(8)
    label = f"{RUN}={identity}"
    latest = time.time() + _HOUR + request.timeout * 2 * len(request.modules)
    labels = {RUN: identity, UNTIL: str(int(latest))}
    with connect() as engine, reaper(identity, engine.host):
        try:
            with refusals("what an earlier run has left cannot be removed"):
                remove_expired(engine.api)
            if isinstance(request.image, str):
                image = engine.image(request.image, request.platform)
            else:
                image = import_archive(engine, request.image, request, labels)
            stage = set_stage(engine, image, request, labels)
            crew = _Crew(stage, progress)
            imports = crew.work(_how_many(engine, request))
        finally:
            with refusals("what the smoke import has made cannot be removed"):
                remove_labelled(engine.api, label)
    return SmokeRun(
        image=image.reference,
        id=image.id,
        digest=image.digest,
        platform=image.platform,
        engine=engine.name,
        python=crew.python,
        imports=imports,
        discarded=crew.discarded,
    )


def _how_many(engine: Engine, request: SmokeRequest) -> int:
    useful = -(-len(request.modules) // _WORTH)
    return max(1, request.containers or min(_CONTAINERS, engine.processors, useful))


class _Crew:
    """Threads that share a list of modules, each with a container of its own."""

    def __init__(self, stage: Stage, progress: Callable[[int, int], None]) -> None:
        self.python = ""
        self.discarded = 0
        self._stage = stage
        self._progress = progress
        self._modules = stage.request.modules
        self._waiting = deque(range(len(self._modules)))
        self._imports: dict[int, SmokeImport] = {}
        self._open: set[Sealed] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def work(self, containers: int) -> tuple[SmokeImport, ...]:
        """Import everything, and return the outcomes in the order of the request."""
        with ThreadPoolExecutor(max_workers=containers) as pool:
            try:
                turns = [pool.submit(self._take_turns) for _ in range(containers)]
                for turn in wait(turns, return_when=FIRST_EXCEPTION).done:
                    turn.result()
            finally:
                # Where all has gone well nothing is open; else nobody waits for what is.
                self._stop()
        return tuple(self._imports[number] for number in range(len(self._modules)))

    def _take_turns(self) -> None:
        sealed: Sealed | None = None
        while (number := self._next()) is not None:
            module = self._modules[number]
            sealed = sealed or self._start()
            try:
                made, sound = sealed.ask(module)
            except MisbehaviourError:
                self._discard(sealed)
                sealed, made = None, self._alone(module)
            else:
                if made.outcome in _MISBEHAVED or not sound:
                    self._discard(sealed)
                    sealed = None
            self._put(number, made)
        if sealed is not None:
            self._close(sealed)

    def _alone(self, module: str) -> SmokeImport:
        """Import a module in a container that nothing else is imported in."""
        sealed = self._start()
        try:
            made, _ = sealed.ask(module)
        except MisbehaviourError as error:
            self._discard(sealed)
            failure = Failure(None, f"{error} before it had", stderr=sealed.errors or None)
            return SmokeImport(module, SmokeOutcome.OUT_OF_BOUNDS, failure)
        self._close(sealed)
        return made

    def _next(self) -> int | None:
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def _put(self, number: int, made: SmokeImport) -> None:
        with self._lock:
            self._imports[number] = made
            ended = len(self._imports)
        self._progress(ended, len(self._modules))

    def _start(self) -> Sealed:
        self._go_on()
        sealed = Sealed(self._stage)
        with self._lock:
            self._open.add(sealed)
            self.python = sealed.python
        try:
            self._go_on()
        except BaseException:
            self._close(sealed)
            raise
        return sealed

    def _go_on(self) -> None:
        with self._lock:
            if self._stopped:
                reason = "the smoke import was stopped"
                raise EngineError(reason)

    def _discard(self, sealed: Sealed) -> None:
        with self._lock:
            self.discarded += 1
        self._close(sealed)

    def _close(self, sealed: Sealed) -> None:
        with self._lock:
            self._open.discard(sealed)
        sealed.discard()

    def _stop(self) -> None:
        with self._lock:
            self._stopped = True
            self._waiting.clear()
            left = tuple(self._open)
        for sealed in left:
            self._close(sealed)
