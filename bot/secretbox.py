"""What HITL_SECRET is used for: sealing stored webhook secrets, signing cursors, drawing audits.

Each purpose has a key of its own, derived from the secret, so that what one of them shows says nothing about another.
"""

import base64
import hmac
import secrets
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_WEBHOOK_SECRET_BYTES: Final = 32  # Standard Webhooks asks for 24 to 64
_MAC_BYTES: Final = 16


class UnsealError(Exception):
    """A stored secret cannot be read: it was sealed under another HITL_SECRET, or changed since."""

    def __init__(self) -> None:
        super().__init__("a stored webhook secret was sealed under another HITL_SECRET: bring the former one back")


class CursorError(ValueError):
    """A text that `sign_cursor` did not make under this secret."""

    def __init__(self) -> None:
        super().__init__("not a cursor of this installation")


class SecretBox:
    """Keys of one installation. All replicas share the secret, so each reads what another wrote."""

    def __init__(self, secret: str) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(_derive(secret, "webhook secrets")))
        self._cursor_key = _derive(secret, "cursors")
        self._draw_key = _derive(secret, "audit draw")
        self._second_opinion_key = _derive(secret, "second opinion")

    def encrypt(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, sealed: str) -> str:
        """Raises UnsealError."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise UnsealError from None

    def sign_cursor(self, position: str) -> str:
        """An opaque URL-safe text. It can be read back, and cannot be made or changed elsewhere."""
        payload = position.encode()
        return base64.urlsafe_b64encode(self._cursor_mac(payload) + payload).decode().rstrip("=")

    def verify_cursor(self, cursor: str) -> str:
        """The position that was signed. Raises CursorError for anything else."""
        try:
            signed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise CursorError from None
        mac, payload = signed[:_MAC_BYTES], signed[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._cursor_mac(payload)):
            raise CursorError
        return payload.decode()

    def draw(self, app: str, decision_id: str) -> float:
        """The audit draw of a decision: uniform in [0, 1), the same at each call.

        Keyed, because an app chooses its ids and could otherwise choose those that are never drawn.
        """
        return _drawn(self._draw_key, app, decision_id)

    def draw_second_opinion(self, app: str, decision_id: str) -> float:
        """The same for blind double reviews, independent of the audit draw."""
        return _drawn(self._second_opinion_key, app, decision_id)

    def _cursor_mac(self, payload: bytes) -> bytes:
        return hmac.digest(self._cursor_key, payload, "sha256")[:_MAC_BYTES]


def _drawn(key: bytes, app: str, decision_id: str) -> float:
    # The length in front keeps ("ab", "c") and ("a", "bc") apart.
    name = app.encode()
    digest = hmac.digest(key, len(name).to_bytes(8, "big") + name + decision_id.encode(), "sha256")
    return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)  # 53 bits: what a float holds exactly


def new_webhook_secret() -> str:
    """A secret as Standard Webhooks writes it: `whsec_` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_WEBHOOK_SECRET_BYTES)).decode()


def _derive(secret: str, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"hitl {purpose}".encode()).derive(secret.encode())
