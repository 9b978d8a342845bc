"""Our own requests reach public addresses only, and the very address that was judged."""

import socket

import pytest

from crm import outbound


def answering(*addresses: str):
    def getaddrinfo(name: str, port: int, **_kwargs: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return getaddrinfo


def test_a_public_name_is_called_by_the_address_that_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("93.184.216.34"))

    target = outbound.target("https://hooks.example.org:8443/in?x=1#part")

    assert target.url == "https://93.184.216.34:8443/in?x=1"
    assert (target.host, target.name) == ("hooks.example.org:8443", "hooks.example.org")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "192.0.2.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "fe80::1", "fc00::1", "ff02::1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
    ],
)  # fmt: skip
def test_no_private_address_is_called_whatever_its_spelling(monkeypatch, settings, address: str) -> None:
    settings.DEBUG = settings.DEMO = False
    monkeypatch.setattr(socket, "getaddrinfo", answering(address))

    with pytest.raises(outbound.Forbidden, match="private network"):
        outbound.target("https://innocent.example.org/")


@pytest.mark.parametrize("name", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "localhost", "[::ffff:7f00:1]"])
def test_other_spellings_of_this_machine_are_judged_by_where_they_lead(settings, name: str) -> None:
    settings.DEBUG = settings.DEMO = False

    with pytest.raises((outbound.Forbidden, outbound.Unresolved)):
        outbound.target(f"http://{name}/")


def test_one_private_answer_among_public_ones_is_enough(monkeypatch, settings) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("93.184.216.34", "10.0.0.1"))

    with pytest.raises(outbound.Forbidden):
        outbound.target("https://rebinding.example.org/")


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/", "file:///etc/passwd", "gopher://x/", "//example.org/", "https:///x", "javascript:1", "",
     "http://user:word@example.org/", "http://example.org:99999/", "http://[::1/"],
)  # fmt: skip
def test_only_plain_web_addresses_are_call_backs(url: str) -> None:
    with pytest.raises(outbound.Forbidden):
        outbound.target(url)


def test_this_machine_is_called_in_demo_and_hosts_named_by_setting_always(settings) -> None:
    settings.DEBUG, settings.DEMO = False, True
    assert outbound.target("http://127.0.0.1:9/x").url == "http://127.0.0.1:9/x"

    settings.DEMO, settings.CALLBACK_HOSTS = False, ["127.0.0.1"]
    assert outbound.target("http://127.0.0.1:9/").url == "http://127.0.0.1:9/"


def test_a_name_without_an_address_may_have_one_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: object, **_kwargs: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", fails)

    with pytest.raises(outbound.Unresolved):
        outbound.target("https://nowhere.example.org/")
