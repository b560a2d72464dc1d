"""Where callbacks may go: by the text of the URL, and by the addresses a name stands for."""

import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from bot.egress import AllowList, Egress, EgressError, GuardedResolver, check_url
from bot.public_address import is_public

NOTHING = AllowList()


class Names(AbstractResolver):
    """A name server with these entries; each name may change its meaning from one lookup to the next."""

    def __init__(self, **entries: list[list[str]]) -> None:
        self._entries = {name.replace("_", "."): answers for name, answers in entries.items()}
        self.closed = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        answers = self._entries.get(host.removesuffix("."))
        if answers is None:
            raise OSError("name not known")
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example/hitl",
        "https://app.example",
        "HTTPS://App.Example.:8443/a/../b?c=d#e",
        "https://bücher.example/x",
        "https://8.8.8.8/x",
        "https://[2606:4700::1111]/x",
        "https://[64:ff9b::8.8.8.8]/",
        "https://a.b-c.d_e.example/%2f/%2e%2e",
    ],
)
def test_a_public_https_receiver_needs_no_listing(url: str) -> None:
    check_url(url, NOTHING)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("app.example/hitl", "must begin with https"),
        ("//app.example/hitl", "must begin with https"),
        ("ftp://app.example/", "must begin with https"),
        ("file:///etc/passwd", "must begin with https"),
        ("https://", "valid host|not a URL"),
        ("https:///path", "valid host|not a URL"),
        ("https://user:pw@app.example/", "user name"),
        ("https://@app.example/", "user name"),
        ("https://app.example\\@127.0.0.1/", "backslash"),
        ("https://app.exa mple/", "space"),
        ("https://app.example/\r\nX: y", "space|printed"),
        ("https://app.example/\x00", "printed"),
        ("https://app.example:0/", "port"),
        ("https://app.example:99999/", "not a URL"),
        ("https://app.example:8o/", "not a URL"),
        ("https://%31%32%37.0.0.1/", "valid host"),
        ("https://a..b/", "valid host"),
        ("https://-a.example/", "valid host"),
        ("https://[fe80::1%25eth0]/", "valid host"),
        ("https://[::1/", "not a URL"),
        ("https://" + "a" * 64 + ".example/", "valid host"),
        ("http://app.example/", "plain http"),
        ("http://8.8.8.8/", "plain http"),
        ("https://127.0.0.1/", "not a public address"),
        ("https://127.8.9.1./", "not a public address"),
        ("https://①②⑦.⓪.⓪.①/", "not a public address"),
        ("https://127。0。0。1/", "not a public address"),
        ("https://[::1]/", "not a public address"),
        ("https://[::ffff:127.0.0.1]/", "not a public address"),
        ("https://2130706433/", "old spelling"),
        ("https://0x7f000001/", "old spelling"),
        ("https://0x7f.1/", "old spelling"),
        ("https://127.1/", "old spelling"),
        ("https://0177.0.0.1/", "old spelling"),
        ("https://app.example.0x/", "old spelling"),
        ("https://localhost/", "local network"),
        ("https://LOCALHOST./", "local network"),
        ("https://app.localhost/", "local network"),
        ("https://printer.local/", "local network"),
        ("https://metadata.google.internal/", "local network"),
        ("https://postgres:5432/", "local network"),
    ],
)
def test_a_url_that_leads_elsewhere_is_refused_with_the_reason(url: str, reason: str) -> None:
    with pytest.raises(EgressError, match=reason):
        check_url(url, NOTHING)


@pytest.mark.parametrize(
    "url",
    ["https://user:hunter2@app.example/hunter2?hunter2", "http://app.example/hunter2?k=hunter2", "x:hunter2 hunter2"],
)
def test_a_refusal_repeats_neither_user_info_nor_path_nor_query(url: str) -> None:
    with pytest.raises(EgressError) as refused:
        check_url(url, NOTHING)
    assert "hunter2" not in str(refused.value)


@given(st.text(max_size=40) | st.text(max_size=30).map("https://{}".format))
def test_no_text_breaks_the_check(url: str) -> None:
    with suppress(EgressError):
        check_url(url, NOTHING)


LISTED = AllowList.parse(" https://10.1.2.3/hooks/hitl/ ,http://127.0.0.1:9000,, http://Büro.local:80/a ")


@pytest.mark.parametrize(
    "url",
    [
        "https://10.1.2.3/hooks/hitl",
        "https://10.1.2.3:443/hooks/hitl/refunds?x=1#y",
        "https://10.1.2.3/hooks/%68itl/",
        "https://10.1.2.3/other/../hooks/hitl",
        "http://127.0.0.1:9000",
        "http://127.0.0.1:9000/any/path",
        "http://BÜRO.local./a/b",
        "http://xn--bro-hoa.local/a",
    ],
)
def test_a_listed_receiver_is_reached_in_every_spelling_of_its_url(url: str) -> None:
    check_url(url, LISTED)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.1.2.3/hooks/hitl",
        "https://10.1.2.3:444/hooks/hitl",
        "https://10.1.2.4/hooks/hitl",
        "https://10.1.2.3/",
        "https://10.1.2.3/hooks",
        "https://10.1.2.3/hooks/hitl2",
        "https://10.1.2.3/Hooks/hitl",
        "https://10.1.2.3/hooks/hitl/..",
        "https://10.1.2.3/hooks/hitl/%2e%2e/admin",
        "https://10.1.2.3/hooks/hitl/%252e%252e/admin",
        "https://10.1.2.3/hooks/hitl/..%2fadmin",
        "https://10.1.2.3/hooks/hitl/..%5cadmin",
        "https://10.1.2.3/hooks/hitl/..;/admin",
        "https://10.1.2.3/hooks%2fhitl",
        "http://u@127.0.0.1:9000/",
        "http://127.0.0.1:9001/",
        "http://127.1:9000/",
        "http://2130706433:9000/",
        "http://localhost:9000/",
        "http://127.0.0.1.example:9000/",
    ],
)
def test_what_only_resembles_a_listed_receiver_is_refused(url: str) -> None:
    with pytest.raises(EgressError):
        check_url(url, LISTED)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("127.0.0.1:9000", "entry 1: .*must begin with https"),
        ("https://a.example, http://u:p@b.example", "entry 2: user name"),
        ("http://127.0.0.1:9000/x?y=1", "entry 1: a query"),
        ("http://127.0.0.1:9000/x#y", "entry 1: a query"),
        ("http://127.1:9000", "entry 1: .*old spelling"),
        ("http://10.1.2.3/a%2fb", "entry 1: .*encoded slash"),
        ("http://*.example", "entry 1: .*host"),
    ],
)
def test_a_wrong_entry_of_the_list_is_named(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        AllowList.parse(text)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.1", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.0.0.8", "192.0.2.1",
        "192.168.0.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "168.63.129.16", "::", "::1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::10.0.0.1",
        "64:ff9b:1::8.8.8.8", "2002:7f00:1::", "2002:808:808::", "2001:0:808:808::1", "2001:db8::1", "fc00::1",
        "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "100::1", "5f00::1",
    ],
)  # fmt: skip
def test_an_address_of_a_network_of_its_own_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "100.128.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_no_ipv6_dress_makes_an_address_more_public(ip: IPv4Address) -> None:
    nat64 = IPv6Address(int(IPv6Network("64:ff9b::/96").network_address) | int(ip))
    assert is_public(str(nat64)) is is_public(str(ip))
    assert not is_public(f"::ffff:{ip}")
    assert not is_public(f"::{ip}")
    assert not is_public(str(IPv6Address((0x2002 << 112) | (int(ip) << 80))))


async def test_the_guard_lets_a_name_through_only_if_all_its_addresses_are_public() -> None:
    names = Names(
        good_example=[["8.8.8.8", "2606:4700::1111"]],
        mixed_example=[["8.8.8.8", "10.0.0.1"]],
        zone_example=[["fe80::1%eth0"]],
    )
    guard = GuardedResolver(names)
    assert [found["host"] for found in await guard.resolve("good.example", 443)] == ["8.8.8.8", "2606:4700::1111"]
    for name in ("mixed.example", "zone.example"):
        with pytest.raises(EgressError, match=rf"{name} stands for a private address"):
            await guard.resolve(name, 443)
    await guard.close()
    assert names.closed


@pytest.fixture
async def receiver() -> AsyncIterator[TestServer]:
    """Answers 200 with what came; /away redirects there; counts the calls."""

    async def receive(request: web.Request) -> web.Response:
        request.app[CALLS].append(request.path)
        if request.path == "/away":
            raise web.HTTPFound("/")
        answer = web.Response(text="x" * 1_000_000)
        answer.set_cookie("session", "1")
        answer.headers["X-Cookies"] = request.headers.get("Cookie", "none")
        return answer

    app = web.Application()
    app[CALLS] = []
    app.router.add_post("/{path:.*}", receive)
    server = TestServer(app)
    async with server:
        yield server


CALLS = web.AppKey("calls", list[str])


async def test_a_listed_receiver_is_called_without_following_redirects_or_keeping_cookies(
    receiver: TestServer,
) -> None:
    egress = Egress(AllowList.parse(str(receiver.make_url("/"))))
    try:
        for _ in range(2):
            answer = await egress.post(str(receiver.make_url("/hook")), {}, b"{}")
            assert (answer.status, answer.headers["X-Cookies"]) == (200, "none")
        assert (await egress.post(str(receiver.make_url("/away")), {}, b"{}")).status == 302
    finally:
        await egress.close()
    assert receiver.app[CALLS] == ["/hook", "/hook", "/away"]


async def test_a_listed_name_may_stand_for_a_private_address(receiver: TestServer) -> None:
    names = Names(hook_example=[["127.0.0.1"]])
    egress = Egress(AllowList.parse(f"http://hook.example:{receiver.port}"), names)
    try:
        assert (await egress.post(f"http://hook.example:{receiver.port}/", {}, b"")).status == 200
    finally:
        await egress.close()
    assert names.closed


async def test_a_name_that_turns_private_after_the_check_is_not_called(receiver: TestServer) -> None:
    url = f"https://turncoat.example:{receiver.port}/"
    names = Names(turncoat_example=[["127.0.0.1"]])
    check_url(url, NOTHING)
    egress = Egress(NOTHING, names)
    try:
        with pytest.raises(EgressError, match=r"turncoat\.example stands for a private address"):
            await egress.post(url, {}, b"")
    finally:
        await egress.close()
    assert receiver.app[CALLS] == []


async def test_an_address_in_the_url_is_judged_again_when_it_is_called(receiver: TestServer) -> None:
    egress = Egress(NOTHING)
    try:
        with pytest.raises(EgressError, match="plain http"):
            await egress.post(str(receiver.make_url("/")), {}, b"")
        with pytest.raises(EgressError, match="not a public address"):
            await egress.post(f"https://127.0.0.1:{receiver.port}/", {}, b"")
    finally:
        await egress.close()
    assert receiver.app[CALLS] == []


async def test_neither_proxies_nor_credentials_of_the_environment_are_used(
    receiver: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    egress = Egress(AllowList.parse(str(receiver.make_url("/"))))
    try:
        assert (await egress.post(str(receiver.make_url("/")), {}, b"")).status == 200
    finally:
        await egress.close()


async def test_an_unknown_name_is_the_networks_error() -> None:
    egress = Egress(NOTHING, Names())
    try:
        with pytest.raises(aiohttp.ClientConnectorDNSError):
            await egress.post("https://nobody.example/", {}, b"")
    finally:
        await egress.close()
