"""An engine in another process: whoever owns the data folder serves its engine to the other commands there."""

from calltally.engines.remote.client import RemoteEngine, join
from calltally.engines.remote.listener import Listener

__all__ = ["Listener", "RemoteEngine", "join"]
