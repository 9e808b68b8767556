"""What tells questions apart: two spellings of one question have one fingerprint."""

import hashlib

from calltally import __version__
from calltally.engines import Plan
from calltally.query.validate import ValidQuery

__all__ = ["fingerprint"]


def fingerprint(query: ValidQuery, plan: Plan) -> bytes:
    """Equal for questions that any state of the calls answers with the same bytes.

    It covers everything that a body is made from but the calls: what is asked with all defaults filled in, whose calls,
    what metrics mean, the local time of the business down to its table of offsets, and the release.
    """
    return hashlib.sha256(repr((__version__, query, plan)).encode()).digest()
