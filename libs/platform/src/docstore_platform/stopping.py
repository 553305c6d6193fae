"""Notifies long-running answers that the process is stopping.

A server ends an app's lifespan only once all answers are finished: whoever holds one open must learn of it before.
"""

from collections.abc import Callable

_callbacks: dict[object, Callable[[], None]] = {}


def on_stopping(callback: Callable[[], None]) -> Callable[[], None]:
    """Have `callback` called, in the event loop, when the server begins to stop; answers what takes that back."""
    key = object()
    _callbacks[key] = callback
    return lambda: _callbacks.pop(key, None) and None


def announce_stopping() -> None:
    """The server takes no more requests and waits for its answers from now on."""
    for callback in list(_callbacks.values()):
        callback()
