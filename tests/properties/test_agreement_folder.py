"""Whatever is done to the folder of agreements, nothing in force is wider than what two people have signed."""

import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from policies.agreement import in_force
from policies.approvals import Operators, approvals_beside, approve, read_approvals
from policies.folder import AgreementFolder
from policies.reading import parse_agreement
from tests.unit.policies.builders import CATALOGUE
from tests.unit.policies.test_reading import GOOD

JUNE = date(2026, 6, 1)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEYS = {name: Ed25519PrivateKey.from_private_bytes(name.encode() * 8) for name in ("anna", "bono")}
OPERATORS = Operators({name: key.public_key() for name, key in KEYS.items()})

VERSIONS = st.integers(0, 4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), VERSIONS, st.sampled_from([10, 20, 30])),
        st.tuples(st.just("sign"), VERSIONS, st.sampled_from(sorted(KEYS))),
        st.tuples(st.just("break"), VERSIONS, st.just("id: [")),
        st.tuples(st.just("remove"), VERSIONS, st.just("")),
        st.tuples(st.just("unsign"), VERSIONS, st.just("")),
    ),
    max_size=14,
)
"""What may happen to the file of a version; the figure is how long the programme may keep what it is told, in days."""


def act(file, step):
    """Do one thing to a file; return its days once two people have signed just this content."""
    kind, version, what = step
    if kind == "write":
        text = GOOD.replace('"1.0"', f'"1.{version}"').replace("retention_days: 30", f"retention_days: {what}")
        file.write_text(text)
    elif kind == "break":
        file.write_text(what)
    elif kind == "remove":
        file.unlink(missing_ok=True)
    elif kind == "unsign":
        approvals_beside(file).unlink(missing_ok=True)
    elif file.exists() and file.read_text().startswith("id: grant"):
        content, beside = file.read_bytes(), approvals_beside(file)
        agreement = parse_agreement(content.decode(), CATALOGUE)
        beside.write_bytes(approve(agreement, content, what, KEYS[what], NOW, read_approvals(beside)))


def signed(file):
    """The days that two people have signed for in a file as it is; 0 when they have not."""
    if not file.exists() or not file.read_text().startswith("id: grant"):
        return 0
    content = file.read_bytes()
    agreement = parse_agreement(content.decode(), CATALOGUE)
    by = {a.by for a in read_approvals(approvals_beside(file)) if a.digest in approve(
        agreement, content, a.by, KEYS[a.by], NOW, ()).decode()}  # fmt: skip
    return agreement.retention_days if len(by) == len(KEYS) else 0


@given(STEPS)
def test_nothing_in_force_is_wider_than_what_two_people_signed(steps):
    """After every step, and after a restart at the end; and a version that narrows is never held up."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        book = AgreementFolder.load(folder, CATALOGUE, OPERATORS, today=lambda: JUNE)
        most, days = 0, 0
        for step in steps:
            file = folder / f"{step[1]}.yaml"
            act(file, step)
            most = max([most, *map(signed, folder.glob("*.yaml"))])
            before = in_force(book.versions("programme"), JUNE)
            book.refresh()
            found = in_force(book.versions("programme"), JUNE)
            days = found[0].retention_days if found else 0

            assert days <= most
            kind, version, kept = step
            is_newest = bool(before) and version > before[0].order[1]
            is_new = all(a.version != f"1.{version}" for a in before)
            if kind == "write" and is_newest and is_new and kept <= before[0].retention_days:
                assert found[0].version == f"1.{version}", "it narrows, so it acts at once"

        fresh = AgreementFolder.look(folder, CATALOGUE, OPERATORS, today=lambda: JUNE)
        again = in_force(fresh.versions("programme"), JUNE)
        assert not again or again[0].retention_days <= most
