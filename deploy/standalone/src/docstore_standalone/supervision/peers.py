"""Finds out whose process is at the other end of a connection on this machine (`sock_diag(7)`)."""

import os
import socket
import struct

Address = tuple[str, int]

_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _REQUEST = 4, 20, 1
_ESTABLISHED, _ANY_STATE = 1, 0xFFFFFFFF
_HEADER = struct.Struct("=IHHII")
_REQUESTED = struct.Struct("=BBBBI")
_PORTS = struct.Struct("!HH")
_ANY_INTERFACE_AND_COOKIE = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
_FOUND = struct.Struct("=BBBB48sIIIII")
"""Family, state, timer, retransmissions, socket id, expiry, two queues, uid, inode."""


def is_own_process(client: Address, server: Address) -> bool:
    """Whether a process of this user holds the client's end of an IPv4 connection to a server on this machine."""
    return owner_of_client(client, server) == os.geteuid()


def owner_of_client(client: Address, server: Address) -> int | None:
    """Return the user id of the process at the client's end; None if that end is closed: it is unknown then."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as diagnosis:
        ends = b"".join(socket.inet_aton(host).ljust(16, b"\0") for host, _ in (client, server))
        wanted = _PORTS.pack(client[1], server[1]) + ends + _ANY_INTERFACE_AND_COOKIE
        request = _REQUESTED.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _ANY_STATE) + wanted
        diagnosis.send(_HEADER.pack(_HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, _REQUEST, 1, 0) + request)
        response = diagnosis.recv(4096)
    if _HEADER.unpack_from(response)[1] != _SOCK_DIAG_BY_FAMILY:
        return None  # there is no such connection
    _, state, _, _, found, _, _, _, uid, inode = _FOUND.unpack_from(response, _HEADER.size)
    same_ends = found.startswith(_PORTS.pack(client[1], server[1]) + ends)
    return int(uid) if same_ends and state == _ESTABLISHED and inode else None
