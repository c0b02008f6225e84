"""A bell for a step that does not come back, where the system has one (SIGALRM, main thread)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Alarm", "OutOfTimeError"]

_MOST = 1e7
"""Seconds: more than that is no limit."""


class OutOfTimeError(Exception):
    """The time was up while a function of the model ran."""


class Alarm:
    """Raises OutOfTimeError when time is up, but only while `armed`: what else runs is not torn."""

    def __init__(self) -> None:
        self.armed = False

    @contextmanager
    def after(self, seconds: float | None) -> Iterator[None]:
        """Ring so many seconds from now, and again every so often until the block ends."""
        if (
            seconds is None
            or seconds > _MOST
            or not hasattr(signal, "setitimer")
            or threading.current_thread() is not threading.main_thread()
        ):
            yield
            return

        def ring(*_: object) -> None:
            if self.armed:
                self.armed = False
                raise OutOfTimeError

        old = signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3), 0.1)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, old)
