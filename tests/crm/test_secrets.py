"""Secrets at rest and signed links outlive a change of SECRET_KEY, and nothing else opens them."""

import pytest
import time_machine

from crm.secrets import Unreadable, decrypt, encrypt, sign, unsign


def test_a_secret_opens_again_and_looks_different_every_time() -> None:
    first, second = encrypt("whsec_ünï"), encrypt("whsec_ünï")

    assert first != second
    assert "whsec" not in first
    assert decrypt(first) == decrypt(second) == "whsec_ünï"


def test_a_renewed_secret_key_still_opens_what_the_old_one_closed(settings) -> None:
    closed, link = encrypt("kept"), sign({"case": 7}, purpose="link")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, [settings.SECRET_KEY]

    assert decrypt(closed) == "kept"
    assert unsign(link, purpose="link") == {"case": 7}


def test_a_forgotten_secret_key_opens_nothing(settings) -> None:
    closed, link = encrypt("gone"), sign(7, purpose="link")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, []

    with pytest.raises(Unreadable, match="another SECRET_KEY"):
        decrypt(closed)
    with pytest.raises(Unreadable):
        unsign(link, purpose="link")


def one_letter_changed(token: str) -> str:
    return token[:12] + ("B" if token[12] != "B" else "C") + token[13:]


@pytest.mark.parametrize(
    "change", [one_letter_changed, lambda t: t[:-3], lambda t: "", lambda t: "ü", lambda t: "\x00"]
)
def test_a_changed_token_is_refused(change) -> None:
    with pytest.raises(Unreadable):
        unsign(change(sign({"a": 1}, purpose="x")), purpose="x")
    with pytest.raises(Unreadable):
        decrypt(change(encrypt("text")))


def test_a_token_serves_one_purpose_and_its_time() -> None:
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        token = sign("letter", purpose="thanks")
        with pytest.raises(Unreadable):
            unsign(token, purpose="sign-in")
        clock.shift(3601)
        with pytest.raises(Unreadable):
            unsign(token, purpose="thanks", max_age=3600)
        assert unsign(token, purpose="thanks") == "letter"
