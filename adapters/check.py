"""`python -m adapters.check FOLDER...`: the same as `hearth registry check`.

Says, line by line, whether a registry's manifest is valid, its readiness list complete, its examples come out as
written and, where the environment has its address, whether a call about nobody is answered.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.kit.checking import check
from adapters.kit.findings import lines, passed

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Check every folder named; 0 when nothing is wrong, 1 when something is, 2 when none is named."""
    if not arguments or any(one.startswith("-") for one in arguments):
        sys.stderr.write(f"{__doc__}\nusage: python -m adapters.check FOLDER...\n")
        return 2
    is_good = True
    for argument in arguments:
        findings = check(Path(argument), os.environ)
        is_good = passed(findings) and is_good
        sys.stdout.writelines(f"{line}\n" for line in lines(argument, findings))
    return 0 if is_good else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
