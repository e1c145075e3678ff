"""A report table as Parquet."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from campaigns.hours.zone_names import canonical
from dialer.reporting.cells import all_missing, one_by_one, stamps
from dialer.reporting.tables import Columns, Table, Type
from dialer.threads import OneBehind


class ParquetFile:
    """Typed columns, zstd; text is as it is in our books, since nothing here runs formulas.

    A thread encodes and writes a group of rows while the next ones are made.
    """

    def __init__(self, path: Path, table: Table, *, zone: ZoneInfo) -> None:
        self._types = [column.type for column in table.columns]
        self._schema = pa.schema(
            [(column.name, _arrow_type(column.type, zone)) for column in table.columns]
        )
        self._file = pq.ParquetWriter(
            path,
            self._schema,
            compression="zstd",
            # of ids and instants a dictionary is as long as the column
            use_dictionary=[column.name for column in table.columns if column.repeats],
        )
        self._batches: list[pa.RecordBatch] = []
        self._behind = OneBehind()

    def write(self, columns: Columns) -> None:
        """Append rows."""
        if not columns:
            return
        arrays = [
            pa.nulls(len(cells), field.type)
            if all_missing(cells)
            else _array(cells, type_, field.type)
            for cells, type_, field in zip(columns, self._types, self._schema, strict=True)
        ]
        self._batches.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        if sum(batch.num_rows for batch in self._batches) >= _ROW_GROUP:
            self._flush()

    def close(self) -> None:
        """Complete the file."""
        self._flush()
        self._behind.wait()
        self._behind.end()
        self._file.close()

    def abandon(self) -> None:
        """Let go of it without completing it."""
        self._batches.clear()
        self._behind.end()
        self._file.close()

    def _flush(self) -> None:
        """Have a group of rows written, once the one before is."""
        if self._batches:
            table = pa.Table.from_batches(self._batches, schema=self._schema)
            self._batches = []
            self._behind.do(self._file.write_table, table, row_group_size=table.num_rows)


_ROW_GROUP = 100_000
_SIX_PLACES = Decimal("0.000001")


def _arrow_type(type_: Type, zone: ZoneInfo) -> Any:
    match type_:
        case Type.WORD | Type.TEXT | Type.FIGURE | Type.HOUR:
            return pa.string()
        case Type.INTEGER:
            return pa.int64()
        case Type.REAL | Type.SHARE:
            return pa.float64()
        case Type.MONEY:
            return pa.decimal128(18, 6)
        case Type.INSTANT:
            return pa.timestamp("ms", tz=canonical(zone.key))
        case Type.TRUTH:
            return pa.bool_()


def _array(cells: Sequence[Any], type_: Type, made: pa.DataType) -> pa.Array:
    """Make a column, after what Arrow does not convert by itself."""
    match type_:
        case Type.FIGURE:
            return pa.array([None if cell is None else str(cell) for cell in cells], made)
        case Type.REAL | Type.SHARE:
            return pa.array(one_by_one(cells, float), made)
        case Type.MONEY:
            prices = pa.array(cells, pa.string()).dictionary_encode()
            few = [Decimal(price).quantize(_SIX_PLACES) for price in prices.dictionary.to_pylist()]
            return pa.array(few, made).take(prices.indices)
        case Type.INSTANT:
            return pa.array(stamps(cells), made)
        case _:
            return pa.array(cells, made)
