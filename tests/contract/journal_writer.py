"""A process that writes a journal as fast as it can: `python -m tests.contract.journal_writer URL NAME COUNT AT_ONCE`.

It prints the correlation of every entry that it was told is on disk, and nothing else; COUNT 0 never ends.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys

from gateway.journal import SqlJournal
from tests.builders import entry


async def main(url: str, name: str, count: int, at_once: int) -> None:
    """Write, a few at once, each as soon as the one before it is on disk."""
    journal = SqlJournal(url, max_wait_s=60)
    journal.open()
    numbers = iter(range(count)) if count else itertools.count()

    async def write() -> None:
        for number in numbers:
            await journal.record([entry(correlation=f"{name}-{number}")])
            os.write(1, f"{name}-{number}\n".encode())

    await asyncio.gather(*(write() for _ in range(at_once)))
    await asyncio.to_thread(journal.close)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
