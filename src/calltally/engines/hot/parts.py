"""What the key of a row is made of: numbers from tables, each by what one column has for the row, added up."""

from dataclasses import dataclass

from calltally.engines.hot.blocks import Block
from calltally.engines.hot.clock import Steps
from calltally.engines.hot.columns import Numbers
from calltally.engines.hot.compiling import Kernels

__all__ = ["ByCode", "ByTime", "Part"]


@dataclass(frozen=True)
class ByCode:
    """What a table has for the code of a field."""

    field: str
    table: Numbers

    def add(self, kernels: Kernels, block: Block, group: Numbers) -> None:
        """Add it for each row of a block."""
        kernels.add_by_code(block.codes(self.field), self.table, group)


@dataclass(frozen=True)
class ByTime:
    """What a table has for the last step that is not after the start."""

    steps: Steps
    table: Numbers

    def add(self, kernels: Kernels, block: Block, group: Numbers) -> None:
        """Add it for each row of a block."""
        kernels.add_by_time(block.starts, self.steps.instants, self.table, group)


Part = ByCode | ByTime
