"""Reports from columns in memory, where the embedded database is behind them."""

from calltally.engines.hot.engine import COLUMNS, FILE, HotEngine

__all__ = ["COLUMNS", "FILE", "HotEngine"]
