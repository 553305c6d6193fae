"""Ports are chosen once, stored and distinct."""

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_standalone.ports import LOOPBACK, SERVER_PORTS, PortBook, PortTaken


@pytest.fixture
def stranger() -> Iterator[int]:
    """A port that someone else listens at."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        yield int(listener.getsockname()[1])


@given(st.sets(st.sampled_from(["mongod", "s3", "kafka", "filer", "admin", "mailbox"]), min_size=1))
def test_ports_of_one_stack_differ(names: set[str]) -> None:
    """No two names share a port, and all are below those of outgoing connections."""
    book = PortBook()
    book.secure(names)
    ports = book.as_dict()
    assert set(ports) == names
    assert len(set(ports.values())) == len(names)
    assert all(port in SERVER_PORTS for port in ports.values())


def test_a_free_port_is_kept() -> None:
    """A stack's addresses stay the same from start to start."""
    book = PortBook()
    book.secure(["mongod", "s3"])
    known = book.as_dict()
    again = PortBook(known)
    assert again.secure(["mongod", "s3"]) == {}
    assert again.as_dict() == known


def test_stacks_that_start_at_once_choose_different_ports() -> None:
    """What one has chosen the other does not, although no server listens there yet."""
    narrow = SERVER_PORTS[:40]
    one, other = PortBook(choice=narrow), PortBook(choice=narrow)
    one.secure(f"part {number}" for number in range(12))
    other.secure(f"part {number}" for number in range(12))
    assert not set(one.as_dict().values()) & set(other.as_dict().values())


def test_a_server_can_listen_at_a_port_that_is_held() -> None:
    """Its own stack's book does not keep it out, nor does a restart find the port taken."""
    book = PortBook()
    book.secure(["mongod"])
    for _ in range(2):
        with socket.create_server((LOOPBACK, book["mongod"])) as listener:
            socket.create_connection(listener.getsockname()).close()
        assert book.secure(["mongod"]) == {}


def test_a_port_taken_by_another_program_is_replaced_and_reported(stranger: int) -> None:
    """Only the port in question changes; the caller learns both."""
    book = PortBook({"mongod": stranger})
    changed = book.secure(["mongod", "s3"])
    assert changed == {"mongod": (stranger, book["mongod"])}
    assert book["mongod"] != stranger


def test_an_asked_gateway_port_that_is_taken_is_an_error_with_a_hint(stranger: int) -> None:
    """A requested port is used, or the error explains what to do."""
    with pytest.raises(PortTaken, match=rf"port {stranger} is in use: .*--port"):
        PortBook().secure_gateway(stranger)


def test_without_a_wish_the_gateway_takes_the_next_free_port(stranger: int) -> None:
    """Another program at the remembered port moves the gateway up, and the new port is remembered."""
    book = PortBook({"gateway": stranger})
    port = book.secure_gateway(None)
    assert port > stranger
    assert book["gateway"] == port


def test_gateways_of_stacks_that_start_at_once_choose_different_ports() -> None:
    """What one process has chosen another does not, although no gateway listens there yet."""
    book = PortBook()
    port = book.secure_gateway(None)
    script = "from docstore_standalone.ports import PortBook; print(PortBook().secure_gateway(None))"
    other = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert int(other.stdout) != port
    assert book.secure_gateway(None) == port


def test_a_restarted_gateway_finds_its_port_free() -> None:
    """Neither the hold nor the connections of the gateway before, which the kernel remembers, keep it out."""
    book = PortBook()
    port = book.secure_gateway(None)
    for _ in range(2):
        with socket.create_server((LOOPBACK, port)) as listener:
            client = socket.create_connection(listener.getsockname())
            listener.accept()[0].close()
            client.close()
        assert book.secure_gateway(None) == port
