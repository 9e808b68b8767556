"""What vendors send, for tests: signed as they sign, by rules that are written down here once more."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from urllib.parse import urlencode

TOKEN = "0123456789abcdef0123456789abcdef"
SIGNING_KEY = "the-signing-key-of-callrail"

OLDER: dict[str, object] = {
    "event": "call.ended",
    "call_id": "cs-1",
    "business_id": "b-77",
    "tracking_number": "+13055550100",
    "caller_number": "(305) 555-1234",
    "caller_name": "Ann",
    "destination_number": "+13055550199",
    "duration_seconds": 125,
    "status": "answered",
    "call_flow_name": "Main",
    "recording_url": None,
    "utm_source": "google",
    "utm_medium": "cpc",
    "utm_campaign": "",
    "gclid": "g",
    "landing_page_url": "https://x.example",
    "caller_city": "Miami",
    "caller_state": "FL",
    "robo_risk_score": 3,
    "timestamp": "2026-03-09T14:05:00Z",
}
NEWER: dict[str, object] = {
    "event": "call.completed",
    "id": "cs-2",
    "created_at": "2026-03-09T14:00:00Z",
    "caller_number": "+13055551234",
    "tracking_number": "+13055550100",
    "direction": "inbound",
    "duration_seconds": 60,
    "call_flow_name": "Main",
    "ai_score": 80,
    "ai_category": "lead",
    "qualified_ai": True,
    "robo_score": 4,
    "value_cents": 12500,
    "cost_cents": 45,
    "timestamp": "2026-03-09T14:02:00Z",
}
STATUS: dict[str, str] = {
    "CallSid": "CA0123456789abcdef0123456789abcdef",
    "AccountSid": "AC0",
    "From": "+13055551234",
    "To": "+13055550100",
    "Direction": "outbound-api",
    "CallStatus": "completed",
    "CallDuration": "90",
    "Duration": "2",
    "Timestamp": "Mon, 09 Mar 2026 14:05:00 +0000",
    "CallerName": "Zoë & sons",
}
POST_CALL: dict[str, object] = {
    "resource_id": "CAL8154748ae6bd4e278a7cddd38a662f4f",
    "start_time": "2026-03-09T10:00:00-04:00",
    "customer_phone_number": "+13055551234",
    "tracking_phone_number": "+13055550100",
    "business_phone_number": "+13055550199",
    "direction": "inbound",
    "duration": "125",
    "answered": True,
    "voicemail": False,
    "source": "Google Ads",
    "utm_source": "google",
    "lead_status": "good_lead",
    "customer_name": "Ann",
}


def as_json(values: Mapping[str, object]) -> bytes:
    return json.dumps(values).encode()


def as_form(values: Mapping[str, str]) -> bytes:
    return urlencode(values).encode()


def twilio_signature(address: str, values: Mapping[str, str], token: str = TOKEN) -> str:
    signed = address + "".join(name + values[name] for name in sorted(values))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def callrail_signature(body: bytes, key: str = SIGNING_KEY) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha1).digest()).decode()
