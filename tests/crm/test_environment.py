"""What the environment says, and what is answered when it says something impossible."""

from pathlib import Path

import pytest

from crm import environment


def test_a_development_key_is_made_once_and_kept_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)

    first, _none = environment.secret_key(debug=True, folder=tmp_path / "var")
    again, _none = environment.secret_key(debug=True, folder=tmp_path / "var")

    assert first == again
    assert len(first) >= 50
    assert (tmp_path / "var" / "secret_key").stat().st_mode & 0o777 == 0o600


def test_production_does_not_start_without_its_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    with pytest.raises(environment.Refused, match="DEBUG=0 needs SECRET_KEY"):
        environment.secret_key(debug=False, folder=tmp_path)

    monkeypatch.setenv("SECRET_KEY", "short")
    with pytest.raises(environment.Refused, match="too short"):
        environment.secret_key(debug=False, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_out_of_reach_says_to_name_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    (tmp_path / "file").touch()

    with pytest.raises(environment.Refused, match="Name a data folder of your own with VAR="):
        environment.secret_key(debug=True, folder=tmp_path / "file" / "var")


@pytest.mark.parametrize(
    ("said", "meant"), [("1", True), ("yes", True), ("0", False), ("No", False), ("", True), ("off", False)]
)
def test_a_flag_reads_the_usual_words(monkeypatch: pytest.MonkeyPatch, said: str, meant: bool) -> None:
    monkeypatch.setenv("SOME_FLAG", said)

    assert environment.flag("SOME_FLAG", default=True) is meant
