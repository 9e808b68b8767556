"""The engine for a cluster of servers."""

from calltally.engines.clickhouse.address import Address, read_address
from calltally.engines.clickhouse.connections import DriverServers
from calltally.engines.clickhouse.engine import ClickHouseEngine
from calltally.engines.clickhouse.schema import Tables, create_or_extend
from calltally.engines.clickhouse.servers import Server, Servers
from calltally.engines.clickhouse.sessions import Session

__all__ = [
    "Address",
    "ClickHouseEngine",
    "DriverServers",
    "Server",
    "Servers",
    "Session",
    "Tables",
    "create_or_extend",
    "read_address",
]
