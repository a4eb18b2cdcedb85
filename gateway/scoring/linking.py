"""How well a list without shared numbers is linked in a practice country, kept ever worse."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateway.linkage.evaluating import evaluate
from gateway.linkage.truth import read_truth
from standards.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.linkage.model import LinkageModel

NOISE: Final = ("low", "default", "high")
"""How badly the list is kept: spellings, days and months, years alone, villages, second names."""
LIST: Final = "farmers_list"


def write_truth(file: Path, households: int, seed: int, noise: str = "default") -> None:
    """Write who is who in a practice country into a file.

    Raises: ConfigurationError when the country cannot be made.
    """
    # The gateway knows nothing of the practice country: it is asked as anybody else would ask it.
    arguments = ["--households", str(households), "--seed", str(seed), "--noise", noise, "--file", str(file)]
    try:
        subprocess.run(  # noqa: S603 - our own module, and numbers
            [sys.executable, "-m", "mocks.truth", *arguments], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(
            f"the truth of the practice country cannot be had ({type(error).__name__}): is `mocks` installed?"
        ) from error


def linked(households: int, seed: int, model: LinkageModel) -> Iterator[dict[str, Any]]:
    """Give the score of the farmers' list against what national ID states, one noise level after the other.

    Raises: ConfigurationError when the country cannot be made.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "truth.jsonl"
        for noise in NOISE:
            write_truth(file, households, seed, noise)
            yield {"noise": noise, **evaluate(read_truth(file, LIST), model).told()}
            file.unlink()
