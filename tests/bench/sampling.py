"""A profile of the running gateway under load: sampled from outside, so that it runs as it always does."""

from __future__ import annotations

import subprocess
import threading

from tests.bench.profiling import profile_of, text_of
from tests.bench.running import Bench, extra_environment


def sample(bench: Bench) -> str:
    """Return where the gateway's time goes under closed loop.

    Raises: RuntimeError where the sampler cannot be had or may not look into the process.
    """
    python = extra_environment(bench.say)
    if python is None:
        raise RuntimeError("py-spy could not be installed")
    texts = []
    for hearth, cold in ((hearth, cold) for cold in (True, False) for hearth in bench.hearths()):
        stacks = bench.folder / f"{hearth.name}.stacks"
        seconds = max(5.0, bench.options.seconds)
        results = []
        households = None if cold else (0, 50)
        load = threading.Thread(
            target=lambda one=hearth, cold=cold, households=households: results.append(
                bench.measure(one, cold=cold, households=households, seconds=seconds + 3)
            )
        )
        load.start()
        try:
            # Only threads that hold the interpreter's lock count: a thread that waits for it is not at work.
            command = [str(python.with_name("py-spy")), "record", "--gil", "-r", "250", "-d", str(int(seconds))]
            done = subprocess.run(
                [*command, "-f", "raw", "-o", str(stacks), "-p", str(hearth.pids[0])],
                capture_output=True, check=False, timeout=seconds + 60,
            )  # fmt: skip
        finally:
            load.join()
        if done.returncode != 0 or not stacks.exists():
            raise RuntimeError(f"py-spy: {done.stderr.decode(errors='replace').strip()[-300:]}")
        cpu = f"{results[0].cpu_ms:.2f} ms of CPU per question while sampled\n" if results else ""
        with stacks.open(encoding="utf-8") as lines:
            texts.append(f"{hearth.name}, {'cold' if cold else 'warm'}: {cpu}{text_of(profile_of(lines))}")
    return "\n".join(texts)
