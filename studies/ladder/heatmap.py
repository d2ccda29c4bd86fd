"""A plot of a number over two axes."""

from dataclasses import dataclass

from phasescope.studies import BasePlot, Number, Panel, Runs, as_table, columns_read


@dataclass(frozen=True)
class Heatmap(BasePlot):
    """The mean of a number over runs for each pair of values of two axes."""

    number: Number
    rows: str
    columns: str
    label: str = ""

    SHOWS = "Means over runs."

    def columns_read(self) -> frozenset[str]:
        return columns_read(self.number)

    def _panels(self, runs: Runs) -> list[Panel]:
        table = as_table(runs, self.number)
        grid = table.assign(y=table["y"].astype(float)).pivot_table("y", self.rows, self.columns)
        rows, columns = (
            [f"{value:g}" if isinstance(value, float) else str(value) for value in axis]
            for axis in (grid.index, grid.columns)
        )
        panel = Panel(
            self.title,
            self.columns,
            self.rows,
            grid=grid.to_numpy(),
            rows=rows,
            columns=columns,
            ylim=self.ylim,
        )
        return [panel]
