"""Where in the data folder a number still stands, and removing that."""

import json
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from campaigns.sentence import told
from dialer.store.traces import Trace

_ELSEWHERE = frozenset({"redis", "journal"})  # forgotten in ways of their own
_AS_A_WHOLE = frozenset({"reviews", "rehearsals"})  # a folder each
_OURS = frozenset({".csv", ".xlsx", ".parquet", ".html", ".json", ".zip", ".txt", ".part", ""})
_REPORTS = frozenset({".csv", ".xlsx", ".parquet", ".html"})
_PACKED = frozenset({".gz", ".bz2", ".xz", ".zst", ".7z", ".rar"})
_PIECE_BYTES = 1 << 20
_OVERLAP_BYTES = 256
_PARQUET_BEGINS = b"PAR1"

Holds = Callable[[bytes], bool]


class _Unreadable(Exception):
    """Nobody can tell what is in a file."""


def number_pattern(digits: str) -> "re.Pattern[bytes]":
    """Find a number however people space it; a longer one that holds its digits is another."""
    spaced = rb"[\s().\-\xa0\xc2]{0,4}".join(bytes([one]) for one in digits.encode())
    return re.compile(spaced + rb"(?!\d)")


def forget_files(data_dir: Path, holds: Holds, *, dry_run: bool) -> tuple[list[str], list[Trace]]:
    """Remove files in which a number stands; what was made of an upload goes as a whole.

    Returns:
        The files that went, and what remains: files that cannot be read are named, too.
    """
    gone: list[str] = []
    left: list[Trace] = []
    done: set[Path] = set()
    for path in sorted(data_dir.glob("**/*")):
        parts = path.relative_to(data_dir).parts
        if parts[0] in _ELSEWHERE or done & {path, *path.parents} or not path.is_file():
            continue
        if parts[0] == "archive" and dry_run:
            continue  # forgotten before by those who know its layout; here it is looked at again
        try:
            if not _is_in(path, holds):
                continue
        except _Unreadable as error:
            left.append(
                Trace(
                    str(path),
                    0,
                    told("cannot be looked into ({error}); look yourself", error=str(error)),
                )
            )
            continue
        whole = data_dir.joinpath(*parts[:2]) if parts[0] in _AS_A_WHOLE else path
        done.add(whole)
        if why := _why_kept(whole, parts[0]):
            left.append(Trace(str(whole), 1, why))
            continue
        gone.append(str(whole))
        if not dry_run:
            remove(whole)
    return gone, left


def rejected_of(data_dir: Path, campaign: str) -> list[Path]:
    """Find the file of a campaign's rejected rows."""
    return sorted((data_dir / "rejected").glob(f"*_{campaign}_rejected.csv"))


def reviews_of(data_dir: Path, campaign: str) -> list[Path]:
    """Find the reviews that became a campaign."""
    return [
        path.parent
        for path in sorted((data_dir / "reviews").glob("*/review.json"))
        if f'"{campaign}"' in path.read_text("utf-8", errors="replace")
        and not _why_kept(path.parent, "reviews")
    ]


def files_of(data_dir: Path, campaign: str, *, name: str) -> list[Path]:
    """Find the reviews that became a campaign, and its reports.

    Args:
        name: As it stands in names of files.
    """
    # the table and the instant follow: what has more words is of a campaign with a longer name
    report = re.compile(
        rf"{re.escape(name)}(-{campaign})?_(by_)?[a-z]+_\d{{8}}T\d{{6}}[+-]\d+(_[a-z]+)*"
    )
    reports = [
        path
        for path in sorted(data_dir.glob(f"**/{name}_*"))
        if path.suffix in _REPORTS
        and report.fullmatch(path.stem)
        and path.relative_to(data_dir).parts[0] not in {*_ELSEWHERE, *_AS_A_WHOLE, "archive"}
    ]
    return [*reviews_of(data_dir, campaign), *reports]


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it.

    Raises:
        OSError: It is still there.
    """
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _why_kept(path: Path, folder: str) -> str:
    if folder == "archive":
        return told("an archive of no campaign that Redis knows; remove it yourself")
    if _stage(path / "review.json") == "loading":
        return told("is being loaded; ask again when it is")
    if path.is_file() and path.suffix.lower() not in _OURS:
        return told("no file of ours; remove it yourself")
    return ""


def _stage(review: Path) -> str:
    try:
        return str(json.loads(review.read_text("utf-8")).get("stage"))
    except (OSError, ValueError, AttributeError):
        return ""


def _is_in(path: Path, holds: Holds) -> bool:
    """Tell whether a file holds the number.

    Raises:
        _Unreadable: Nobody can tell.
    """
    if path.suffix.lower() in _PACKED:
        raise _Unreadable(f"packed as {path.suffix}")
    try:
        with path.open("rb") as file:
            return any(map(holds, _texts(file)))
    except FileNotFoundError:
        return False  # gone meanwhile
    except (
        OSError,
        ValueError,
        RuntimeError,
        zipfile.BadZipFile,
        zlib.error,
        pa.ArrowException,
    ) as error:
        raise _Unreadable(str(error) or type(error).__name__) from None


def _texts(file: IO[bytes]) -> Iterator[bytes]:
    """Give all that stands in a file, as it is and unpacked."""
    begins = file.read(len(_PARQUET_BEGINS))
    file.seek(0)
    if begins == _PARQUET_BEGINS:
        yield from _parquet_texts(file)
    elif zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as packed:
            for name in packed.namelist():
                with packed.open(name) as member, tempfile.TemporaryFile() as unpacked:
                    shutil.copyfileobj(member, unpacked)
                    unpacked.seek(0)
                    yield from _texts(unpacked)
    else:
        file.seek(0)
        before = b""
        while piece := file.read(_PIECE_BYTES):
            piece = before + piece.replace(b"\0", b"")  # as UTF-16 has them between digits
            yield piece
            before = piece[-_OVERLAP_BYTES:]


def _parquet_texts(file: IO[bytes]) -> Iterator[bytes]:
    with pq.ParquetFile(file) as table:
        for batch in table.iter_batches(batch_size=10_000):
            yield json.dumps(batch.to_pylist(), default=str).encode()
