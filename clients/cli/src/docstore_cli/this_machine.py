"""What this machine is called: among one's devices, in the history of files, and in the names of conflicted copies."""

import socket


def host_name() -> str:
    return socket.gethostname()


def device_name() -> str:
    """As the command logs in, unless told otherwise: machines can be told apart, and a log-in on a new one is news."""
    return f"docstore command on {host_name()}"
