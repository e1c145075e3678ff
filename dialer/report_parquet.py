"""A report table as Parquet."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dialer.report_tables import Table, Type


class ParquetFile:
    """Typed columns, zstd; text is as it is in our books, since nothing here runs formulas."""

    def __init__(self, path: Path, table: Table, *, zone: ZoneInfo) -> None:
        self._columns = table.columns
        self._schema = pa.schema(
            [(column.name, _arrow_type(column.type, zone)) for column in table.columns]
        )
        self._file = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._batches: list[pa.RecordBatch] = []

    def write(self, frame: pd.DataFrame) -> None:
        """Append rows."""
        converted = {
            column.name: frame[column.name].map(_CONVERTED[column.type], na_action="ignore")
            for column in self._columns
            if column.type in _CONVERTED
        }
        batch = pa.RecordBatch.from_pandas(
            frame.assign(**converted), schema=self._schema, preserve_index=False
        )
        self._batches.append(batch.replace_schema_metadata(None))
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
_CONVERTED: dict[Type, Callable[[Any], Any]] = {
    Type.FIGURE: str,
    Type.REAL: float,
    Type.MONEY: lambda price: Decimal(price).quantize(_SIX_PLACES),
}
"""What Arrow does not convert by itself."""
