"""The start signal of a service that prepares itself while the servers that it needs are still starting."""

import os
import signal

START_SIGNAL = signal.SIGUSR1
WAITS_FOR_SIGNAL = "DOCSTORE_WAITS_FOR_SIGNAL"
"""Variable of a process that blocks the signal from its beginning, and is sent it once."""


def wait_for_start_signal() -> None:
    """Return when the service may use its servers: at once unless the process is to wait for a signal."""
    if os.environ.pop(WAITS_FOR_SIGNAL, None):
        signal.sigwait({START_SIGNAL})
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {START_SIGNAL})
