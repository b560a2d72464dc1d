"""The way out to the apps' receivers, which an app names and which must not lead into our own network.

A URL is judged twice. `check_url` judges its text when it is posted, without the network. `Egress` judges it again
at each call, and its resolver every address that the name stands for, so that a name cannot change its meaning
between check and connection (DNS rebinding). Private and plain-HTTP receivers: only those in HITL_CALLBACK_ALLOW.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from ipaddress import ip_address
from socket import AddressFamily
from typing import Final, Self
from urllib.parse import unquote

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDictProxy
from yarl import URL

from bot.public_address import is_public

TOTAL_SECONDS: Final = 15.0
_CONNECT_SECONDS: Final = 5.0
_DISCARD_BYTES: Final = 64 << 10
"""So much of an answer's body is read, only to keep the connection in use."""

_LISTED_ONLY: Final = "is reached only when HITL_CALLBACK_ALLOW lists it"
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# A name that ends in a number is an IPv4 address in an old spelling: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMBER_LAST: Final = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)")
_LOCAL_ENDINGS: Final = (".localhost", ".local", ".internal")


class EgressError(Exception):
    """A URL that must not be called. The message tells why, without user info, path or query."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A URL as it is compared: host in lower case, IDNA, without the last dot; path segments decoded."""

    scheme: str
    host: str
    port: int
    segments: tuple[str, ...]

    def covers(self, other: "_Place") -> bool:
        same_origin = (self.scheme, self.host, self.port) == (other.scheme, other.host, other.port)
        return same_origin and other.segments[: len(self.segments)] == self.segments


class AllowList:
    """The receivers of HITL_CALLBACK_ALLOW."""

    def __init__(self, places: Iterable[_Place] = ()) -> None:
        self._places = tuple(places)

    @classmethod
    def parse(cls, text: str) -> Self:
        """From comma-separated URLs; an empty text lists nothing. Raises ValueError that names the wrong entry."""
        entries = [entry.strip() for entry in text.split(",")]
        return cls(_entry(number, entry) for number, entry in enumerate(entries, 1) if entry)

    def covers(self, place: _Place) -> bool:
        """A path that servers may read in two ways (`%2e%2e`, `%2f`, `..;`) is covered by no entry."""
        return not any(map(_is_ambiguous, place.segments)) and any(entry.covers(place) for entry in self._places)


def check_url(url: str, allow: AllowList) -> None:
    """Judges the text of a callback URL; no network. Raises EgressError."""
    _judge(_parse(url), allow)


class GuardedResolver(AbstractResolver):
    """Resolves as `inner` does, and refuses a name when any of its addresses is not public."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises EgressError, and what `inner` raises."""
        found = await self._inner.resolve(host, port, family)
        if not all(_is_public(result["host"]) for result in found):
            raise EgressError(f"{host} stands for a private address; it {_LISTED_ONLY}")
        return found

    async def close(self) -> None:
        await self._inner.close()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: CIMultiDictProxy[str]


class Egress:
    """Calls receivers: no redirects, no cookies, no proxies or credentials from the environment.

    To be made inside a running loop, and closed. `resolver` is for tests.
    """

    def __init__(self, allow: AllowList, resolver: AbstractResolver | None = None) -> None:
        self._allow = allow
        self._resolver = resolver or aiohttp.DefaultResolver()
        # Two sessions, because they must share neither resolver nor open connections.
        self._public = _open_session(GuardedResolver(self._resolver))
        self._listed = _open_session(self._resolver)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The receiver's status and headers; of its body nothing is kept.

        Raises:
            EgressError: the URL, or an address its name stands for, is off limits.
            aiohttp.ClientError, OSError: it could not be reached (TimeoutError after 15 seconds in all).
        """
        target = _parse(url)
        session = self._listed if _judge(target, self._allow) else self._public
        async with session.post(target, data=BytesIO(body), headers=headers, allow_redirects=False) as response:
            await _discard(response)
            return Answer(response.status, response.headers)

    async def close(self) -> None:
        await self._public.close()
        await self._listed.close()
        await self._resolver.close()


def _open_session(resolver: AbstractResolver) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=resolver),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=TOTAL_SECONDS, sock_connect=_CONNECT_SECONDS),
        headers={"User-Agent": "hitl"},
        trust_env=False,
        auto_decompress=False,
    )


async def _discard(response: aiohttp.ClientResponse) -> None:
    """Reads a short body off the connection; the status has come, so whatever goes wrong here is no failure."""
    left = _DISCARD_BYTES
    with suppress(aiohttp.ClientError, OSError):
        while left > 0 and (chunk := await response.content.read(left)):
            left -= len(chunk)


def _parse(url: str) -> URL:
    """The URL as aiohttp will call it. Raises EgressError when its form alone forbids it."""
    if not url.isprintable() or re.search(r"[\s\\]", url):
        raise EgressError("the URL holds a space, a backslash or a character that cannot be printed")
    try:
        parsed = URL(url)
    except ValueError:
        raise EgressError("this is not a URL") from None
    if parsed.scheme not in ("https", "http"):
        raise EgressError("the URL must begin with https:// or http://")
    if "@" in re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]:
        raise EgressError("user name and password in a URL are refused")
    if not _is_host(_host(parsed)):
        raise EgressError("the URL has no valid host name")
    if not parsed.port:
        raise EgressError("the URL's port must be 1 to 65535")
    return parsed


def _judge(url: URL, allow: AllowList) -> bool:
    """Whether the allow-list covers this URL. Raises EgressError when it would have to, and does not."""
    if allow.covers(_place(url)):
        return True
    host = _host(url)
    if url.scheme != "https":
        raise EgressError(f"a receiver over plain http {_LISTED_ONLY}")
    if _is_ip(host):
        if not is_public(host):
            raise EgressError(f"{host} is not a public address; it {_LISTED_ONLY}")
    elif _NUMBER_LAST.fullmatch(host):
        raise EgressError(f"{host} is an address in an old spelling; write it as four decimal numbers")
    elif "." not in host or host.endswith(_LOCAL_ENDINGS):
        raise EgressError(f"{host} is a name of the local network; it {_LISTED_ONLY}")
    return False


def _entry(number: int, text: str) -> _Place:
    try:
        url = _parse(text)
    except EgressError as error:
        raise ValueError(f"entry {number}: {error}") from None
    if url.raw_query_string or url.raw_fragment:
        raise ValueError(f"entry {number}: a query or fragment has no meaning here; give scheme, host, port and path")
    host = _host(url)
    if not _is_ip(host) and _NUMBER_LAST.fullmatch(host):
        raise ValueError(f"entry {number}: {host} is an address in an old spelling; write it as four decimal numbers")
    place = _place(url)
    if any(map(_is_ambiguous, place.segments)):
        raise ValueError(f"entry {number}: the path holds an encoded slash or dots; write it plainly")
    return place


def _place(url: URL) -> _Place:
    segments = [unquote(segment) for segment in url.raw_path.split("/")[1:]]
    if segments and not segments[-1]:
        segments.pop()  # a slash at the end makes no difference
    return _Place(url.scheme, _host(url), url.port or 0, tuple(segments))


def _host(url: URL) -> str:
    return (url.raw_host or "").lower().removesuffix(".")


def _is_host(host: str) -> bool:
    return _is_ip(host) or (len(host) <= 253 and _NAME.fullmatch(host) is not None)


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return "%" not in host  # a zone names one of our own links


def _is_public(address: str) -> bool:
    return _is_ip(address) and is_public(address)


def _is_ambiguous(segment: str) -> bool:
    """Whether a server that decodes once more, or cuts path parameters off, might see another path."""
    decoded = segment
    while (again := unquote(decoded)) != decoded:
        decoded = again
    return "/" in decoded or "\\" in decoded or decoded.partition(";")[0] in (".", "..")
