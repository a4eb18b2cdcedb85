"""Work on dbos: kept in SQLite or PostgreSQL, and taken over by another process when one has died.

The one file that knows the library. Each try of a piece of work is one workflow of it, `<id>~<try>`, in one queue; a
try that must be repeated enqueues the next one, with its delay, before it ends. What has ended is deleted.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar, Final

import structlog
from dbos import DBOS, Serializer, SetEnqueueOptions, SetWorkflowID, WorkflowStatus
from sqlalchemy.exc import SQLAlchemyError

from gateway.database import LIMIT_S, why
from gateway.ports import Again, Handler, WorkError
from gateway.work.living import Living
from gateway.work.seal import Seal
from gateway.work.tries import pause_s

if TYPE_CHECKING:
    import sqlalchemy as sa

log = structlog.get_logger()

VERSION: Final = "hearth-work-1"
"""Raised only when work that waits could not be gone on with by the code as it is then."""
_QUEUE: Final = "hearth_work"
_POLL_S: Final = 0.2
_SWEEP_S: Final = 3.0
_AT_ONCE: Final = 500
_END_S: Final = 2.5
"""How long the library may take to stop where its store is a server: what it waits for may be silent."""
_OPEN: Final = ["ENQUEUED", "DELAYED", "PENDING"]
_OVER: Final = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]

Died = Callable[[str], Awaitable[None]]


class DbosWork:
    """Durable work of one process. The library allows one at a time in each.

    name: of this process; another one's differs, its own after a restart does not.
    died: told the name of a process whose work is taken over.
    """

    running: ClassVar[DbosWork | None] = None
    """Whose tries the library's workflows are, in this process."""

    def __init__(self, engine: sa.Engine, seal: Seal, name: str, died: Died | None = None) -> None:
        self._is_file = engine.dialect.name == "sqlite"
        self._engine, self._seal, self._name, self._died = engine, seal, name, died
        self._living = Living(engine, name)
        self._handlers: dict[str, Handler] = {}
        self._tasks: set[asyncio.Task[Again | None]] = set()
        self._cancelled: set[str] = set()
        self._duties: list[asyncio.Task[None]] = []
        self._is_closing = False

    def handle(self, kind: str, handler: Handler) -> None:
        """Name who does work of a kind."""
        self._handlers[kind] = handler

    async def open(self) -> None:
        """Begin to work, on the running loop."""
        if DbosWork.running is not None:
            raise RuntimeError("this process has a gateway with durable work already")
        DbosWork.running, self._is_closing = self, False
        library = logging.getLogger("dbos")
        library.addHandler(logging.NullHandler())  # so that it adds none of its own, which would write in clear
        library.setLevel(logging.ERROR)
        DBOS(
            config={
                "name": "hearth",
                "system_database_url": self._engine.url.render_as_string(hide_password=False),
                "system_database_engine": self._engine,
                "application_version": VERSION,
                "executor_id": self._name,
                "serializer": _Sealed(self._seal),
                "log_level": "ERROR",
                "enable_otlp": False,
                "use_listen_notify": False,
                "notification_listener_polling_interval_sec": 1.0,
            }
        )
        DBOS.launch()
        await DBOS.register_queue_async(_QUEUE, polling_interval_sec=_POLL_S)
        await asyncio.to_thread(self._living.beat)
        self._duties = [asyncio.create_task(self._stand_by()), asyncio.create_task(self._sweep())]

    async def start(self, kind: str, id: str, content: Mapping[str, Any], *, after_s: float = 0) -> None:
        """Take work, unless work with that id waits or is being done."""
        async with self._in_time():
            known = await self._tries(id)
            if any(one.status in _OPEN for one in known):
                return
            if known:  # under the same name once more: what is over must not be taken for it
                await DBOS.delete_workflows_async([one.workflow_id for one in known])
            await self._enqueue(kind, id, content, 0, after_s)

    async def cancel(self, id: str) -> None:
        """Let work be that has not begun."""
        async with self._in_time():
            for one in await self._tries(id):
                if one.status == "PENDING":
                    self._cancelled.add(id)
                elif one.status in _OPEN:
                    await DBOS.cancel_workflow_async(one.workflow_id)

    async def close(self) -> None:
        """Stop working; what is not done goes on at the next start, or in another process."""
        if DbosWork.running is not self:
            return
        self._is_closing = True
        for duty in self._duties:
            duty.cancel()
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*self._duties, *tasks, return_exceptions=True)
        loop = asyncio.get_running_loop()
        # The library put its own pool of threads in place of the loop's, and is about to close it.
        loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))
        with contextlib.suppress(Exception):
            await asyncio.to_thread(self._living.leave)
        await self._end(loop)
        self._engine.dispose()
        DbosWork.running = None

    async def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have the library stop; one that waits for a silent store is left to the end of the process."""
        ended = asyncio.Event()

        def end() -> None:
            with contextlib.suppress(Exception):
                DBOS.destroy()
            with contextlib.suppress(RuntimeError):  # nobody waits any more, and the loop is closed
                loop.call_soon_threadsafe(ended.set)

        threading.Thread(target=end, name="work-end", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if self._is_file else _END_S):
                await ended.wait()

    async def tried(self, kind: str, id: str, content: Mapping[str, Any], tries: int) -> None:
        """Try once; see to it that it is tried again where that is due."""
        task = asyncio.ensure_future(self._handlers[kind](id, content, tries))
        self._tasks.add(task)
        try:
            said = await task
        except asyncio.CancelledError:
            # INVARIANT: work that was stopped is not over: its workflow never ends here, and is recovered elsewhere.
            await asyncio.Event().wait()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the work is not done
            log.error("work_failed", where=kind, caught=type(error).__name__)
            said = Again(pause_s(tries))
        finally:
            self._tasks.discard(task)
        if said is not None and id not in self._cancelled:
            await self._enqueue(kind, id, content, tries + 1, said.after_s)
        self._cancelled.discard(id)

    @contextlib.asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """Give up on a server that is silent, whom the library would wait for as long as it takes.

        Raises: WorkError.
        """
        if self._is_file:
            yield
            return
        try:
            async with asyncio.timeout(LIMIT_S):
                await asyncio.to_thread(self._living.see)
                yield
        except (SQLAlchemyError, TimeoutError) as error:
            raise WorkError(f"stores.work_url: cannot be used ({why(error)})") from None

    async def _enqueue(self, kind: str, id: str, content: Mapping[str, Any], tries: int, after_s: float) -> None:
        delay = SetEnqueueOptions(delay_seconds=after_s) if after_s > 0 else contextlib.nullcontext()
        with SetWorkflowID(f"{id}~{tries}"), delay:
            await DBOS.enqueue_workflow_async(_QUEUE, hearth_work, kind, id, dict(content), tries)

    async def _tries(self, id: str) -> Sequence[WorkflowStatus]:
        return await DBOS.list_workflows_async(workflow_id_prefix=f"{id}~", load_input=False, load_output=False)

    async def _stand_by(self) -> None:
        """Show that this process lives, and take over the work of those that do not."""
        while True:
            with contextlib.suppress(Exception):  # the store may be away for a while; the next beat tells
                await asyncio.to_thread(self._living.beat)
                for dead in await asyncio.to_thread(self._living.dead):
                    if self._died is not None:
                        await self._died(dead.name)
                    held = await DBOS.list_workflows_async(
                        status="PENDING", executor_id=dead.name, load_input=False, load_output=False
                    )
                    if ids := [one.workflow_id for one in held]:
                        await DBOS.resume_workflows_async(ids, queue_name=_QUEUE)
                        log.warning("work_taken_over", items=len(ids))
                    await asyncio.to_thread(self._living.bury, dead)
            await asyncio.sleep(self._living.beat_s)

    async def _sweep(self) -> None:
        """Delete what has ended: it is nobody's business any more."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            with contextlib.suppress(Exception):
                over = await DBOS.list_workflows_async(
                    status=_OVER, limit=_AT_ONCE, load_input=False, load_output=False
                )
                if over:
                    await DBOS.delete_workflows_async([one.workflow_id for one in over])


@DBOS.workflow(name="hearth_work", max_recovery_attempts=None)
async def hearth_work(kind: str, id: str, content: dict[str, Any], tries: int) -> None:
    """Do one try of a piece of work, in whatever process it is."""
    running = DbosWork.running
    if running is None:
        await asyncio.Event().wait()
    else:
        await running.tried(kind, id, content, tries)


class _Sealed(Serializer):
    """What the library keeps, sealed. Errors are kept by the name of their class only: their text may say too much."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def serialize(self, data: Any) -> str:
        """Return data as it may be kept."""
        plain = {"error": type(data).__name__} if isinstance(data, BaseException) else {"content": data}
        return base64.b64encode(self._seal.sealed(plain, "work")).decode()

    def deserialize(self, serialized_data: str) -> Any:
        """Return what was kept."""
        plain = self._seal.opened(base64.b64decode(serialized_data), "work")
        return RuntimeError(plain["error"]) if "error" in plain else plain["content"]

    def name(self) -> str:
        """Return what the library knows it by."""
        return "hearth-sealed-1"
