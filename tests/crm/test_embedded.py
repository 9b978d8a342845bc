"""Where the embedded server would live and how it would be tuned: decided without starting anything."""

from pathlib import Path

import pytest
from django.db import connection
from django.db.utils import NotSupportedError

from crm import embedded, environment
from crm.embedded import places, tuning

GB = 1024 * tuning.MB


def test_a_small_machine_and_a_big_one_are_both_used_with_measure() -> None:
    small = tuning.settings(memory=GB, cores=2, shared=64 * tuning.MB)
    big = tuning.settings(memory=64 * GB, cores=16, shared=8 * GB)

    assert (small["shared_buffers"], small["work_mem"], small["max_parallel_workers_per_gather"]) == (
        "128MB",
        "4MB",
        "0",
    )
    assert (big["shared_buffers"], big["work_mem"], big["max_parallel_workers_per_gather"]) == ("2048MB", "32MB", "2")
    assert int(small["max_connections"]) >= 100
    assert "fsync" not in big


def test_only_a_throwaway_server_is_careless_with_its_data() -> None:
    assert tuning.settings(memory=GB, cores=2, shared=GB, throwaway=True)["fsync"] == "off"


def test_what_the_server_logs_cannot_quote_a_customer() -> None:
    values = tuning.settings(memory=GB, cores=2, shared=GB)

    assert values["log_min_messages"] == "log"
    assert values["log_min_error_statement"] == "panic"
    assert values["log_error_verbosity"] == "terse"


@pytest.mark.parametrize("name", ["var", "with spaces", "a,comma", "x" * 150, "größe"])
def test_the_socket_path_is_short_and_plain_whatever_the_folder(tmp_path: Path, name: str) -> None:
    place = embedded.place_of(tmp_path / name)

    assert len(str(place.socket)) <= 103
    assert places._PLAIN.fullmatch(str(place.socket))
    assert place == embedded.place_of(tmp_path / name)


def test_asking_where_the_database_is_starts_nothing(tmp_path: Path) -> None:
    config = embedded.django_database(tmp_path)

    assert (config["NAME"], config["USER"], config["OWNER"]["USER"]) == ("forefront", "forefront", "forefront_owner")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_moved_is_told_how_to_bring_its_database_along(tmp_path: Path) -> None:
    (tmp_path / "pg.location").write_text("/var/lib/forefront/0123456789abcdef\n")

    with pytest.raises(embedded.Refused, match="Moved it"):
        embedded.place_of(tmp_path)


def test_a_server_of_ones_own_is_named_by_url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app:p%40ss@db.example:6543/desk?sslmode=require")
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql://boss:secret@db.example/desk")

    config = environment.database(tmp_path, process="command")

    assert (config["HOST"], config["PORT"], config["NAME"]) == ("db.example", "6543", "desk")
    assert (config["USER"], config["PASSWORD"]) == ("app", "p@ss")
    assert config["OWNER"] == {"USER": "boss", "PASSWORD": "secret"}
    assert config["OPTIONS"]["sslmode"] == "require"


def test_only_the_web_process_pools_and_hurries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app@db.example/desk")

    web = environment.database(tmp_path, process="web")["OPTIONS"]
    command = environment.database(tmp_path, process="command")["OPTIONS"]

    assert "pool" in web
    assert "statement_timeout" in web["options"]
    assert "pool" not in command
    assert "options" not in command


def test_another_kind_of_database_is_refused_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://app@db.example/desk")

    with pytest.raises(environment.Refused, match="must start with postgresql://"):
        environment.database(tmp_path, process="command")


def test_an_old_server_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    connection.ensure_connection()
    monkeypatch.setattr(connection, "get_database_version", lambda: (14, 9))

    with pytest.raises(NotSupportedError, match=r"15 or newer; this server is 14\.9"):
        connection.check_database_version_supported()
