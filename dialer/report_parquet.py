"""A report table as Parquet."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from dialer.report_tables import Rows, Table, Type


class ParquetFile:
    """Typed columns, zstd; text is as it is in our books, since nothing here runs formulas."""

    def __init__(self, path: Path, table: Table, *, zone: ZoneInfo) -> None:
        self._schema = pa.schema(
            [(column.name, _arrow_type(column.type, zone)) for column in table.columns]
        )
        self._as_values = [_ARROW_VALUES.get(column.type) for column in table.columns]
        self._file = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._batches: list[pa.RecordBatch] = []

    def write(self, rows: Rows) -> None:
        """Append rows."""
        columns = [
            pa.array(column if as_values is None else as_values(column), type=field.type)
            for column, as_values, field in zip(
                zip(*rows, strict=True), self._as_values, self._schema, strict=True
            )
        ]
        self._batches.append(pa.RecordBatch.from_arrays(columns, schema=self._schema))
        if sum(batch.num_rows for batch in self._batches) >= _ROW_GROUP:
            self._flush()

    def close(self) -> None:
        """Complete the file."""
        self._flush()
        self._file.close()

    def abandon(self) -> None:
        """Let go of it without completing it."""
        self._batches.clear()
        self._file.close()

    def _flush(self) -> None:
        if self._batches:
            table = pa.Table.from_batches(self._batches, schema=self._schema)
            self._file.write_table(table, row_group_size=table.num_rows)
            self._batches.clear()


_ROW_GROUP = 100_000


def _arrow_type(type_: Type, zone: ZoneInfo) -> Any:
    match type_:
        case Type.WORD | Type.TEXT | Type.FIGURE:
            return pa.string()
        case Type.INTEGER:
            return pa.int64()
        case Type.REAL:
            return pa.float64()
        case Type.MONEY:
            return pa.decimal128(18, 6)
        case Type.INSTANT:
            return pa.timestamp("ms", tz=zone.key)
        case Type.TRUTH:
            return pa.bool_()


_SIX_PLACES = Decimal("0.000001")
_ARROW_VALUES: dict[Type, Callable[[Sequence[Any]], list[Any]]] = {
    Type.FIGURE: lambda cells: [None if cell is None else str(cell) for cell in cells],
    Type.REAL: lambda cells: [None if cell is None else float(cell) for cell in cells],
    Type.MONEY: lambda cells: [
        None if cell is None else Decimal(cell).quantize(_SIX_PLACES) for cell in cells
    ],
    Type.INSTANT: lambda cells: [None if cell is None else round(cell * 1000) for cell in cells],
}
