"""The driver's clients, as they are made for an address."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from clickhouse_driver import Client
from clickhouse_driver.result import QueryInfo

from calltally.engines.clickhouse.address import Address
from calltally.engines.clickhouse.sessions import CONNECT_SECONDS, Host

__all__ = ["PROBE_SECONDS", "SpeakingClient", "made_client"]

PROBE_SECONDS = 2.0  # of one that is asked whether it is there
HEARD_SECONDS = 1.0  # for so long a server that has answered is there


class SpeakingClient(Client):  # type: ignore[misc]  # the driver has no types
    """A client that asks a server whether it is there only if that has said nothing for a while.

    The driver does so before each statement, which is a third of all ways to and fro of a small write.
    """

    heard_at = 0.0  # when the server has last ended an answer

    def establish_connection(self, settings: Mapping[str, Any] | None) -> None:
        if not self.connection.connected or time.monotonic() - self.heard_at > HEARD_SECONDS:
            super().establish_connection(settings)
            return
        self.connection.check_query_execution()
        self.make_query_settings(settings)
        self.last_query = QueryInfo()

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        found = super().execute(*args, **kwargs)
        self.heard_at = time.monotonic()
        return found


def made_client(address: Address, hosts: Sequence[Host], seconds: float) -> SpeakingClient:
    """A client that asks the first of the hosts that answers."""
    (host, port), *others = hosts
    return SpeakingClient(
        host,
        port=port,
        alt_hosts=",".join(f"[{name}]:{number}" if ":" in name else f"{name}:{number}" for name, number in others),
        user=address.user,
        password=address.password,
        secure=address.secure,
        verify=address.verify,
        ca_certs=address.ca,
        client_name="calltally",
        connect_timeout=CONNECT_SECONDS,
        send_receive_timeout=seconds,
        sync_request_timeout=PROBE_SECONDS,
        settings_is_important=True,
        disable_reconnect=True,  # elsewhere rather than to a server that has just been silent
    )
