"""Sees every DCI message that a gateway, a mock registry or the toy programme emits while the end-to-end tests run.

Python imports a module of this name at its start. Only the processes that the tests start have this folder on their
path; there it watches servers, and appends what passes through them to a file in `HEARTH_WITNESS`, for
`tests/witness/judging.py` to hold against the released schemas. The product has no part in it.
"""

import json
import os
import sys
import weakref
from pathlib import Path

FOLDER = os.environ.get("HEARTH_WITNESS")
WATCHED = {"serve", "mocks", "mocks.programme"}


def note(who, path, status, body, reg_type=""):
    """Append one message, if it is one of the standard's."""
    if "/registry/" not in path or not body:
        return
    line = {
        "who": who,
        "path": path,
        "status": status,
        "reg_type": reg_type,
        "body": bytes(body).decode(errors="replace"),
    }
    written = (json.dumps(line) + "\n").encode()
    file = os.open(Path(FOLDER or ".") / f"{os.getpid()}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(file).st_size
        if os.write(file, written) < len(written):
            os.ftruncate(file, size)
    except OSError:
        pass  # a test lets no file grow: what is watched must not break by being watched
    finally:
        os.close(file)


def watch_gateway():
    """Note the answers of a gateway, and what it sends by itself."""
    from aiohttp import web_protocol

    from gateway.delivery.sending import HttpSender

    send = HttpSender.send

    async def sent(self, url, body, headers, **how):
        note("callback", "/registry/" + url.partition("/registry/")[2], 200, body)
        return await send(self, url, body, headers, **how)

    setattr(HttpSender, send.__name__, sent)
    finish = web_protocol.RequestHandler.finish_response

    async def finish_response(self, request, resp, start_time):
        asked = getattr(request, "_read_bytes", None)
        note("gateway", request.path, resp.status, getattr(resp, "body", None), reg_type_of(asked))
        return await finish(self, request, resp, start_time)

    setattr(web_protocol.RequestHandler, finish.__name__, finish_response)


def reg_type_of(body):
    """Return which registry a message asks; empty where it does not say."""
    try:
        (first, *_) = json.loads(body)["message"]["search_request"]
        return str(first["search_criteria"].get("reg_type", ""))
    except (KeyError, TypeError, ValueError, AttributeError):
        return ""


def watch_mocks():
    """Note what mock registries are asked, and their answers and callbacks before any fault is put on them."""
    from mocks.callbacks import Callbacks
    from mocks.dci import DciRegistry
    from mocks.registry import Registry
    from mocks.speaking import GOOD

    registries: weakref.WeakSet[DciRegistry] = weakref.WeakSet()
    born, answered, post = DciRegistry.__init__, Registry._answered, Callbacks._post

    def is_released():
        """Whether all speak as released; in another dialect, messages are meant to differ."""
        return all(registry.dialect is GOOD for registry in registries)

    def made(self, *args, **more):
        born(self, *args, **more)
        registries.add(self)

    async def watched(self, operation, request, call):
        answer = await answered(self, operation, request, call)
        if self in registries and is_released():
            if answer.status == 200:
                note("request", request.path, 200, request._read_bytes, self.reg_type)
            note("mock", request.path, answer.status, answer.body, self.reg_type)
        return answer

    async def posted(self, url, body, manner):
        if is_released():
            note("callback", "/registry/" + url.partition("/registry/")[2], 200, body)
        return await post(self, url, body, manner)

    for owner, method, watching in (
        (DciRegistry, born, made),
        (Registry, answered, watched),
        (Callbacks, post, posted),
    ):
        setattr(owner, method.__name__, watching)


def watch_programme():
    """Note what a gateway sends by itself, as it arrives, and how the toy programme acknowledges it."""
    from mocks.programme.receiving import Programme

    receive = Programme.receive

    async def received(self, kind, path, headers, body):
        note("callback", f"/registry/{kind}", 200, body)
        outcome = await receive(self, kind, path, headers, body)
        note("programme", f"/registry/{kind}", outcome.status, json.dumps(outcome.body).encode())
        return outcome

    setattr(Programme, receive.__name__, received)


if FOLDER and WATCHED & set(sys.orig_argv):
    if "mocks.programme" in sys.orig_argv:
        watch_programme()
    elif "mocks" in sys.orig_argv:
        watch_mocks()
    else:
        watch_gateway()
