"""One attempt to deliver an event: the signed request, and what the receiver's answer means (contract §4)."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp
from standardwebhooks import Webhook

from bot.egress import TOTAL_SECONDS, Answer, Egress, EgressError


@dataclass(frozen=True, slots=True)
class Delivered:
    """A 2xx: the receiver has it."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A 410: the receiver wants nothing more at this URL."""


@dataclass(frozen=True, slots=True)
class Failed:
    """To be tried again. `reason` is short and holds neither secret nor URL; `retry_after` is in seconds."""

    reason: str
    retry_after: float | None = None


def sign(secrets: Sequence[str], event_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks, with one signature per secret (`whsec_…`), and the content type."""
    text, sent = body.decode(), at.astimezone(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(sent.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(event_id, sent, text) for secret in secrets),
    }


async def deliver(egress: Egress, url: str, headers: Mapping[str, str], body: bytes) -> Delivered | Gone | Failed:
    """Posts the event once. Whatever the receiver or the network does comes back as a value."""
    try:
        answer = await egress.post(url, headers, body)
    except EgressError as error:
        return Failed(f"refused: {error}")
    except (aiohttp.ClientError, OSError) as error:
        return Failed(_network_reason(error))
    match answer.status:
        case status if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return Delivered()
        case HTTPStatus.GONE:
            return Gone()
        case status if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return Failed(f"HTTP {status}: redirects are not followed")
        case status:
            return Failed(f"HTTP {status}", _retry_after(answer))


def _network_reason(error: aiohttp.ClientError | OSError) -> str:
    """Words for the kind of error; its own message may quote the URL."""
    match error:
        case TimeoutError():
            return f"no answer within {TOTAL_SECONDS:.0f} seconds"
        case aiohttp.ClientSSLError():
            return "TLS failed: is the certificate valid, and does the port speak TLS?"
        case aiohttp.ClientConnectorDNSError():
            return "the host name cannot be resolved"
        case OSError() if error.errno:
            return f"no connection: {os.strerror(error.errno)}"
        case _:
            return f"no HTTP answer ({type(error).__name__})"


def _retry_after(answer: Answer) -> float | None:
    """Seconds the receiver asks to wait. A date is read against the receiver's own clock, its Date header."""
    asked = answer.headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked)
    try:
        wait = parsedate_to_datetime(asked) - parsedate_to_datetime(answer.headers.get("Date", ""))
    except (ValueError, TypeError):  # no date, or one with and one without a zone
        return None
    return max(wait.total_seconds(), 0.0)
