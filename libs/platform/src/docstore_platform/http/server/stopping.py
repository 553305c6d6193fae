"""Notifies long-running responses that the process is stopping.

A server ends an app's lifespan only after all responses are finished, so those that are held open must end before.
"""

from collections.abc import Callable

_callbacks: dict[object, Callable[[], None]] = {}


def on_stopping(callback: Callable[[], None]) -> Callable[[], None]:
    """Have `callback` called, in the event loop, when the server begins to stop; return a function that undoes it."""
    key = object()
    _callbacks[key] = callback
    return lambda: _callbacks.pop(key, None) and None


def announce_stopping() -> None:
    """Announce that the server accepts no more requests and waits for its responses."""
    for callback in list(_callbacks.values()):
        callback()
