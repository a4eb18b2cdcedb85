"""Workers as their parent sees them."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys

from structlog.testing import capture_logs

from gateway.server import leave_port_free, listen_together
from gateway.workers import Crew, _Worker


def test_the_log_says_why_a_worker_that_is_started_anew_cannot_start():
    """Nobody reads it on a terminal any more, as they do when the first one cannot."""
    crew = Crew(1, lambda _: None, lambda: None)
    crew._said_it = True
    said, saying = os.pipe()
    ended = subprocess.Popen([sys.executable, "-c", "raise SystemExit(1)"])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    worker = _Worker(1, ended.pid, said)
    crew._workers[ended.pid] = worker
    crew._selector.register(said, 1, worker)
    os.write(saying, b"the manifests refer to the environment: set HEARTH_TAX_PASSWORD")
    os.close(saying)

    with capture_logs() as lines:
        crew._bury()

    ended.returncode = 1  # it is buried
    (line,) = [line for line in lines if line["event"] == "worker_ended"]
    assert (line["reason"], line["detail"]) == (
        "exit code 1",
        "the manifests refer to the environment: set HEARTH_TAX_PASSWORD",
    )
    crew._selector.close()
    os.close(crew._lifeline)
    os.close(crew._held)


def test_connections_that_linger_do_not_keep_the_next_gateway_from_the_port():
    """Whoever closes first has them for a minute: a gateway that is stopped closes first."""
    with contextlib.ExitStack() as open_:
        one = listen_together("127.0.0.1", 0, 1)[0]
        leave_port_free(one)
        one.listen()
        one.setblocking(True)
        with socket.create_connection(one.getsockname()) as client:
            accepted, _ = one.accept()
            accepted.close()
            assert client.recv(1) == b""
        port = one.getsockname()[1]
        one.close()
        for listener in listen_together("127.0.0.1", port, 2):
            open_.enter_context(listener)
