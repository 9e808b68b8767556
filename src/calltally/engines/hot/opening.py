"""The embedded engine of a data folder: the database, with columns before it where there may be some."""

import logging
import os
from importlib.util import find_spec
from pathlib import Path

from calltally.engines.base import Engine
from calltally.engines.duckdb.opening import open_file
from calltally.engines.hot.budget import budget_of
from calltally.engines.hot.engine import HotEngine
from calltally.folder import DataFolder
from calltally.settings import Settings

__all__ = ["kernels_folder", "open_embedded"]

logger = logging.getLogger(__name__)


def open_embedded(folder: DataFolder, settings: Settings) -> Engine:
    """The engine of a data folder that this process owns."""
    file = open_file(folder, settings)
    budget = budget_of(settings.hot_memory)
    if not budget:
        return file
    if not find_spec("numba"):
        logger.info("reports are answered by the database alone, as numba (calltally[fast]) is not installed")
        return file
    threads = settings.threads or os.cpu_count() or 1
    return HotEngine(file, kernels_folder(folder), budget=budget, threads=threads, settles=settings.cache_megabytes > 0)


def kernels_folder(folder: DataFolder) -> Path:
    """Where compiled kernels are kept: with the program, for all data folders, where it may write there."""
    here = Path(__file__).parent
    return here / "__pycache__" / "kernels" if os.access(here, os.W_OK) else folder.cache
