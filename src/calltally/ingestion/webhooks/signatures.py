"""Whether a sender knows the secret, found out in a time that tells nothing of how nearly it does."""

import base64
import hashlib
import hmac
import re
from urllib.parse import parse_qsl

from calltally.accounts import Credential
from calltally.ingestion.webhooks.vendor import Posted

__all__ = ["SECRET_PARAMETER", "has_secret", "signed_body", "signed_form"]

SECRET_PARAMETER = "secret"  # noqa: S105 - a name
MOST_PARAMETERS = 1000
SERVER = re.compile(r"(?P<name>(?P<scheme>https?)://(?:\[[^]/?#]*]|[^:/?#@\[]*))(?P<port>:[0-9]{0,5})?(?=[/?#]|$)")
USUAL_PORTS = {"http": ":80", "https": ":443"}


def has_secret(posted: Posted, credential: Credential) -> bool:
    """Whether our secret is in its header, or in the query of the address where no header was chosen."""
    if credential.header is None:
        given = posted.query.get(SECRET_PARAMETER, "")
    else:
        given = posted.headers.get(credential.header.lower(), "")
    digest = hashlib.sha256(given.encode(errors="surrogateescape")).hexdigest()
    return hmac.compare_digest(digest, credential.secret_hash or "")


def signed_body(header: str, posted: Posted, credential: Credential) -> bool:
    """Whether a header has base64 of HMAC-SHA1 of the raw body."""
    return _is_signature(posted.headers.get(header, ""), posted.body, credential)


def signed_form(header: str, posted: Posted, credential: Credential) -> bool:
    """Whether a header has base64 of HMAC-SHA1 of the address, followed by the sorted names and values of the form.

    Bytes that are no UTF-8 are signed as they are; the same name with the same value counts once. The address may have
    been signed with its port or without: it is not said when Twilio does which.
    """
    form = posted.body.decode(errors="surrogateescape")
    try:
        pairs = parse_qsl(form, True, errors="surrogateescape", max_num_fields=MOST_PARAMETERS)
    except ValueError:  # more parameters than any vendor sends
        return False
    text = "".join(name + value for name, value in sorted(set(pairs)))
    given = posted.headers.get(header, "")
    signed = [(address + text).encode(errors="surrogateescape") for address in _with_and_without_port(posted.address)]
    found = [_is_signature(given, each, credential) for each in signed]  # all of them, whichever it is
    return any(found)


def _with_and_without_port(address: str) -> tuple[str, ...]:
    """The same address with its port, which may be the usual one, and without."""
    server = SERVER.match(address)
    if not server:
        return (address,)
    name, port = server["name"], server["port"] or USUAL_PORTS[server["scheme"]]
    path = address[server.end() :]
    return (f"{name}{port}{path}", f"{name}{path}")


def _is_signature(given: str, signed: bytes, credential: Credential) -> bool:
    if credential.secret is None:
        return False
    expected = base64.b64encode(hmac.digest(credential.secret.encode(), signed, hashlib.sha1))
    return hmac.compare_digest(given.encode(errors="surrogateescape"), expected)
