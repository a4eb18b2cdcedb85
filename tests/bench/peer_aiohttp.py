"""The bare peer: aiohttp on uvloop with orjson; the same calls, no token, no check, no policy, no journal.

`python -m tests.bench.peer_aiohttp TASK.json`, the task being written by the bench. With `"single": true` it asks
one registry about one person at a time. `POST /stored` answers with a stored body.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import uvloop
from aiohttp import web

from tests.bench.calls import NUMBER, Person, Step, call, steps_of
from tests.bench.merging import Profile, members_of, read


class Peer:
    """One peer."""

    def __init__(self, task: dict[str, Any], session: aiohttp.ClientSession) -> None:
        self._addresses: dict[str, str] = task["addresses"]
        self._session = session
        self._stored = b"x" * task["stored_bytes"]
        self._single = bool(task["single"])
        steps = steps_of(task["plan"])
        self._first = [step for step in steps if not step.is_for_everyone]
        self._then = [step for step in steps if step.is_for_everyone]

    async def stored(self, request: web.Request) -> web.Response:
        """Send the stored body."""
        await request.read()
        return web.Response(body=self._stored, content_type="application/json")

    async def search(self, request: web.Request) -> web.Response:
        """Ask the registries, merge, answer."""
        question = orjson.loads(await request.read())
        asked = question["message"]["search_request"][0]["search_criteria"]["query"]
        head: Person = {asked["type"]: asked["value"]}
        first = await asyncio.gather(*(self._ask(step.operation, [head]) for step in self._first))
        profile, calls, known = Profile(), len(first), set[str]()
        profile.join([head])
        for step, answers in zip(self._first, first, strict=True):
            if step.operation == "social.group":
                profile.join(members_of(answers[0]))
        for step, answers in zip(self._first, first, strict=True):
            known.add(step.operation)
            profile.add(step.operation, read(step.operation, answers[0]))
        tasks: dict[int, asyncio.Task[int]] = {}
        for step in self._then:
            waits = [tasks[number] for number in step.after if number in tasks]
            tasks[step.number] = asyncio.create_task(self._take(step, profile, known, waits))
        calls += sum(await asyncio.gather(*tasks.values()))
        return web.Response(body=orjson.dumps(profile.answer(question, calls)), content_type="application/json")

    async def _take(self, step: Step, profile: Profile, known: set[str], waits: list[asyncio.Task[int]]) -> int:
        for task in waits:
            await task
        number = NUMBER[step.operation]
        people = [person for person in profile.people if number in person]
        if step.operation in known:  # the person asked about was asked about before
            people = people[1:]
        answers = await self._ask(step.operation, people)
        for answer in answers:
            profile.add(step.operation, read(step.operation, answer))
        return len(answers)

    async def _ask(self, operation: str, people: list[Person]) -> list[Any]:
        if self._single and len(people) > 1:
            return await asyncio.gather(*(self._send(operation, [person]) for person in people))
        return [await self._send(operation, people)] if people else []

    async def _send(self, operation: str, people: list[Person]) -> Any:
        one = call(operation, people)
        content = orjson.dumps(one.json) if one.json is not None else one.content
        address = self._addresses[one.registry] + one.path
        async with self._session.request(
            one.method, address, params=one.params, headers=one.headers, data=content
        ) as response:
            body = await response.read()
            if response.status != 200:
                raise web.HTTPBadGateway
        return body if operation == "tax.taxpayer" else orjson.loads(body)


async def serve(task: dict[str, Any]) -> None:
    """Listen, say where, and stay until standard input ends."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        peer = Peer(task, session)
        app = web.Application()
        app.router.add_post("/registry/sync/search", peer.search)
        app.router.add_post("/stored", peer.stored)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", task["port"]))
        await web.SockSite(runner, listener, backlog=4096).start()
        gc.collect()
        gc.freeze()
        ready = Path(task["ready"])
        ready.write_text(f"http://127.0.0.1:{listener.getsockname()[1]}", encoding="utf-8")
        await asyncio.to_thread(_until_stdin_ends)
        await runner.cleanup()


def _until_stdin_ends() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass


if __name__ == "__main__":
    uvloop.run(serve(orjson.loads(Path(sys.argv[1]).read_bytes())))
