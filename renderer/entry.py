"""Who may come in: the token of the connection file, and a version that both speak."""

from __future__ import annotations

import hmac

from bridge.errors import BadToken, VersionMismatch
from bridge.schema import PROTOCOL_VERSION, Hello, OperatorHello


def check_entry(hello: Hello | OperatorHello, token: str) -> None:
    """Raises BadToken or VersionMismatch. Tokens are compared in constant time."""
    if not hmac.compare_digest(hello.token.encode(), token.encode()):
        raise BadToken(
            "the token is not this renderer's", fix="Read it anew from the connection file; it changes at every start."
        )
    if not hello.protocol_oldest <= PROTOCOL_VERSION <= hello.protocol:
        older = "renderer" if hello.protocol_oldest > PROTOCOL_VERSION else "plugin"
        spoken = f"{hello.protocol_oldest} to {hello.protocol}"
        raise VersionMismatch(
            f"{hello.client} speaks protocol {spoken}, this renderer {PROTOCOL_VERSION}", fix=f"Update the {older}."
        )
