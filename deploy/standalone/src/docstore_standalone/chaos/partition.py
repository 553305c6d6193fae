"""Cuts components off from everything that connects to them: the kernel drops the packets (nftables, root only)."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence

import psutil

NFT = "nft"
TABLE_PREFIX = "docstore_chaos_"


class PartitionFailed(Exception):
    """The kernel did not accept the rules, or there is nothing to cut off; the message contains the reason."""


def partition_obstacle() -> str:
    """Return why no component can be cut off here; empty if it can."""
    if os.geteuid() != 0:
        return (
            "it needs root: only the kernel can cut the connections of a running process. `pause` is the nearest fault"
        )
    if shutil.which(NFT) is None:
        return "it needs the program nft (package nftables)"
    listed = subprocess.run([NFT, "list", "tables"], capture_output=True, text=True, check=False)
    return f"nft failed, it needs CAP_NET_ADMIN: {listed.stderr.strip()}" if listed.returncode else ""


def listening_ports(processes: Sequence[psutil.Process]) -> set[int]:
    """Return the TCP ports at which these processes and their children accept connections."""
    family = [each for process in processes for each in (process, *process.children(recursive=True))]
    return {
        connection.laddr.port
        for process in family
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }


def cut(table: str, ports: Iterable[int], seconds: float) -> None:
    """Drop all packets to and from these ports. The kernel ends it after that time, even if this process is dead."""
    milliseconds = max(1, round(seconds * 1000))
    elements = ", ".join(f"{port} timeout {milliseconds}ms" for port in sorted(ports))
    if not elements:
        raise PartitionFailed("the component accepts no TCP connections")
    rules = f"""table inet {table} {{
  set ports {{ type inet_service; flags timeout; elements = {{ {elements} }} }}
  chain input {{
    type filter hook input priority -10; policy accept;
    tcp dport @ports drop
    fib saddr type local tcp sport @ports drop
  }}
}}
"""
    done = subprocess.run([NFT, "-f", "-"], input=rules, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PartitionFailed(f"nft: {done.stderr.strip()}")


def heal(table: str) -> None:
    """Remove the rules; nothing happens if there are none."""
    subprocess.run([NFT, "delete", "table", "inet", table], capture_output=True, check=False)
