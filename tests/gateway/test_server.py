"""The socket that the server listens on."""

import socket

import pytest

from gateway.server import bind


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_answers_do_not_wait_for_the_client_to_acknowledge_their_first_piece(host: str) -> None:
    with bind(host, 0) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()[:2]), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
