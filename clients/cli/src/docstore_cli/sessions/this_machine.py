"""Name of this machine in the device list, in file history and in names of conflicted copies."""

import socket


def host_name() -> str:
    return socket.gethostname()


def device_name() -> str:
    """Default device name at log-in."""
    return f"docstore command on {host_name()}"
