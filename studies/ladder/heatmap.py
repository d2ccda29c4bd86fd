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

        panel = Panel(
            self.title,
            xlabel=self.columns,
            ylabel=self.rows,
            grid=grid.to_numpy(),
            rows=[format_value(value) for value in grid.index],
            columns=[format_value(value) for value in grid.columns],
            ylim=self.ylim,
        )
        return [panel]


def format_value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
