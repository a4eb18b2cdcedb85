"""What an operator reads when a gateway cannot start: one error of ours that names the setting to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.bootstrap import Gateway
from gateway.journal import SqlJournal, read, sqlite_url, verify
from gateway.settings import Agreements, Registries, Settings, Stores, load
from gateway.telemetry import open_log
from standards.errors import ConfigurationError, JournalError

AGREEMENTS = Path(__file__).parents[3] / "policies" / "sandbox"


def settings(folder, *registries):
    """Return settings of a gateway whose stores lie in one folder, and its registries in others."""
    connected = Registries(builtin=False, folders=registries)
    return Settings(agreements=Agreements(folder=AGREEMENTS), registries=connected, stores=Stores(folder=folder))


def garbage(path):
    """Write a file that is no database."""
    path.write_bytes(b"this is no database, however long one looks at it\n" * 4)
    return path


def test_a_gateway_with_everything_in_place_is_wired(tmp_path):
    """The settings that the other cases spoil are good ones."""
    gateway = Gateway(settings(tmp_path), "http://127.0.0.1:1")
    gateway.ledger.close()

    assert gateway.manifests == ()


def test_an_agreement_for_two_names_is_not_served(tmp_path):
    """It would be used by whoever obtains tokens under the one, and say of itself that it is the other's."""
    folder = tmp_path / "agreements"
    folder.mkdir()
    text = (AGREEMENTS / "uct.yaml").read_text(encoding="utf-8")
    (folder / "uct.yaml").write_text(text.replace("client_id: uct", "client_id: somebody-else"), encoding="utf-8")
    stated = settings(tmp_path).model_copy(update={"agreements": Agreements(folder=folder)})

    with pytest.raises(ConfigurationError, match="write the client id as both"):
        Gateway(stated, "http://127.0.0.1:1")


def test_a_folder_that_cannot_be_made_names_its_setting(tmp_path):
    """A file lies where the folder of the stores should be."""
    (tmp_path / "taken").write_text("", encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"stores\.folder"):
        Gateway(settings(tmp_path / "taken"), "http://127.0.0.1:1")


def test_a_folder_of_registries_that_is_missing_is_refused(tmp_path):
    """No registries at all would otherwise look like a country without any."""
    with pytest.raises(ConfigurationError, match=r"registries\.folders.*nowhere"):
        Gateway(settings(tmp_path, tmp_path / "nowhere"), "http://127.0.0.1:1")


def test_a_ledger_that_is_no_database_is_named(tmp_path):
    """The operator reads which file it is."""
    garbage(tmp_path / "consent.db")

    with pytest.raises(ConfigurationError, match=r"consent\.db"):
        Gateway(settings(tmp_path), "http://127.0.0.1:1")


@pytest.mark.parametrize("url", ["nothing of the kind", "oracle-of-delphi://x"])
def test_a_journal_address_that_names_no_database_is_refused(url):
    """The setting is named, its value is not: it may hold a password."""
    with pytest.raises(JournalError, match=r"stores\.journal_url") as refused:
        SqlJournal(url)

    assert url not in str(refused.value)


@pytest.mark.parametrize("use", [verify, lambda url: list(read(url, newest=1))])
def test_a_journal_that_is_no_database_cannot_be_read(tmp_path, use):
    """The journal commands say so instead of failing somewhere inside."""
    with pytest.raises(JournalError, match="cannot be read"):
        use(sqlite_url(garbage(tmp_path / "journal.db")))


def test_a_log_file_that_cannot_be_written_names_its_setting(tmp_path):
    """A file lies where its folder should be."""
    (tmp_path / "taken").write_text("", encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"log\.file"):
        open_log(tmp_path / "taken" / "gateway.log", "info")


def test_a_setting_that_does_not_exist_is_named(tmp_path):
    """With where all of them stand."""
    file = tmp_path / "config.yaml"
    file.write_text("cache: {size: 5}\n", encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"cache\.size: no such setting"):
        load(file)


def test_a_misspelt_variable_is_not_passed_over(monkeypatch):
    """An operator who sets HEARTH__CASH__... wants the cache, not silence."""
    monkeypatch.setenv("HEARTH__CASH__MAX_AGE_S", "0")

    with pytest.raises(ConfigurationError, match=r"HEARTH__CASH__MAX_AGE_S.*no setting cash"):
        load(None)
