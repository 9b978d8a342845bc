"""One spelling for each address."""

import csv

import pytest

from customers.addresses import BadAddress, guess, normalise
from tests.data import find


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("carl@example.org", "carl@example.org"),
        ("  Carl@Example.ORG \n", "carl@example.org"),
        ("mailto:carl@example.org", "carl@example.org"),
        ("<carl@example.org>", "carl@example.org"),
        ("carl+news@example.org", "carl+news@example.org"),  # a tag may be somebody else's: never cut
        ('"carl"@example.org', "carl@example.org"),
        ('"Carl J"@example.org', '"carl j"@example.org'),
        ('"a\\"b"@example.org', '"a\\"b"@example.org'),
        ("carl@example.org.", "carl@example.org"),
        ("carl@BÜCHER.example", "carl@xn--bcher-kva.example"),
        ("carl@xn--bcher-kva.example", "carl@xn--bcher-kva.example"),
        ("carl@faß.example", "carl@xn--fa-hia.example"),  # another house than fass.example
        ("jose\u0301@example.org", "jos\u00e9@example.org"),
        ("root@localhost", "root@localhost"),
        ("x..y@docomo.example", "x..y@docomo.example"),
        ("carl\x00@example.org", "carl@example.org"),
    ],
)
def test_a_mail_address_has_one_spelling(raw: str, value: str) -> None:
    assert normalise("email", raw).value == value
    assert normalise("email", value).value == value


@pytest.mark.parametrize(
    "raw",
    ["", " ", "carl", "@example.org", "carl@", "car l@example.org", "a@b@c d", "carl@exam ple.org", "carl@-x.org",
     "carl@..org", "carl@" + "x" * 64 + ".org", "a" * 250 + "@example.org", "carl\n@example.org", "a\u202e@example.org",
     "carl@[127.0.0.1]", "c<d@example.org", "carl@exa\u2028mple.org"],
)  # fmt: skip
def test_what_is_no_mail_address_is_refused_with_a_sentence(raw: str) -> None:
    with pytest.raises(BadAddress) as refused:
        normalise("email", raw)
    assert refused.value.message.endswith(".")


@pytest.mark.parametrize(
    ("raw", "region", "value"),
    [
        ("020 7946 0123", "", "+442079460123"),
        ("+44 (0)20 7946 0123", "", "+442079460123"),
        ("0044 20 7946 0123", "", "+442079460123"),
        ("tel:+44-20-7946-0123", "", "+442079460123"),
        ("030 901820", "DE", "+4930901820"),
        ("030 901820", "de", "+4930901820"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("+44 20 7946 0123 ext. 12", "", "+442079460123"),
        ("\uff10\uff12\uff10 7946 0123", "", "+442079460123"),
    ],
)
def test_a_phone_number_becomes_e164(raw: str, region: str, value: str) -> None:
    assert normalise("phone", raw, region=region).value == value


@pytest.mark.parametrize("raw", ["", "anonymous", "12", "call me", "+999 123 456", "1" * 400, "+", "\x00"])
def test_what_is_no_phone_number_is_refused(raw: str) -> None:
    with pytest.raises(BadAddress):
        normalise("phone", raw)


def test_handles_and_ids_elsewhere_keep_what_matters() -> None:
    assert normalise("handle", "@Emil_R@Mastodon.example").value == "emil_r@mastodon.example"
    assert normalise("external", " CUST-9a ").value == "CUST-9a"
    with pytest.raises(BadAddress):
        normalise("handle", "two words")
    with pytest.raises(BadAddress):
        normalise("pigeon", "coo")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("carl@example.org", "email"),
        ("020 7946 0123", "phone"),
        ("+44 20 7946 0123", "phone"),
        ("@emil_r", "handle"),
        ("Ana Torres", None),
        ("10482", None),
        ("", None),
        ("2026-11-24", None),
    ],
)
def test_a_search_box_tells_addresses_from_words(text: str, kind: str | None) -> None:
    found = guess(text)
    assert (found.kind if found else None) == kind


@pytest.mark.realdata
def test_every_way_of_writing_a_number_gives_its_e164() -> None:
    wrong = []
    with find("phone", "examples_some_regions.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for way in ("national", "international", "e164", "as_dialled_from_abroad"):
            got = normalise("phone", row[way], region=row["region"]).value
            if got != row["e164"]:
                wrong.append((row["region"], way, row[way], got, row["e164"]))
    assert len(rows) > 100
    assert wrong == []
