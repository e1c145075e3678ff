"""Where recordings stay: a folder, or a bucket that speaks S3.

Names are `CAMPAIGN/CONTACT_ATTEMPT_SID.ending`, so that whoever forgets a contact finds them by the name
alone, also when the campaign has left Redis.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from dialer.errors import NotDone

_PIECE = 256 * 1024
_S3 = "s3://"


class PlaceAway(NotDone):
    """The place does not take, or give, anything now; says why."""


class GoneRecording(NotDone):
    """A recording that is not where it was put."""


class Place(Protocol):
    """Where recordings stay."""

    def put(self, file: Path, name: str, media_type: str) -> None:
        """Put a file there, whole or not at all.

        Raises:
            PlaceAway: It was not taken.
        """

    def read(self, name: str, *, first: int, length: int) -> Iterator[bytes]:
        """Read a part of one.

        Raises:
            GoneRecording: It is not there.
            PlaceAway: It cannot be read.
        """
        ...

    def find(self, beginning: str) -> list[tuple[str, int]]:
        """Give names, and lengths in bytes, of those whose names begin so.

        Raises:
            PlaceAway: It cannot be asked.
        """
        ...

    def remove(self, beginning: str) -> int:
        """Remove all whose names begin so; gives how many.

        Raises:
            PlaceAway: Some may be there yet.
        """
        ...


def place_of(where: str) -> Place:
    """Open what `DIALER_RECORDINGS_TO` names.

    Raises:
        NotDone: It is a bucket, and what speaks to those is not installed.
    """
    return Bucket(where) if where.startswith(_S3) else Folder(Path(where))


class Folder:
    """A folder of this host, or one that hosts share."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, file: Path, name: str, media_type: str) -> None:  # noqa: ARG002 - by its ending
        """Put a file there."""
        target = self._root / name
        part = target.with_name(f".{target.name}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with file.open("rb") as source, part.open("wb") as copy:
                shutil.copyfileobj(source, copy, _PIECE)
                copy.flush()
                os.fsync(copy.fileno())
            part.replace(target)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise PlaceAway(f"{self._root}: {error.strerror}") from error

    def read(self, name: str, *, first: int, length: int) -> Iterator[bytes]:
        """Read a part of one."""
        try:
            opened = (self._root / name).open("rb")
        except FileNotFoundError:
            raise GoneRecording("the recording is no longer where it was put") from None
        except OSError as error:
            raise PlaceAway(f"{self._root}: {error.strerror}") from error

        def pieces() -> Iterator[bytes]:
            left = length
            with opened as file:
                file.seek(first)
                while left > 0 and (piece := file.read(min(_PIECE, left))):
                    left -= len(piece)
                    yield piece

        return pieces()

    def find(self, beginning: str) -> list[tuple[str, int]]:
        """Give names and lengths of those whose names begin so."""
        folder, _, start = beginning.rpartition("/")
        try:
            return [
                (f"{folder}/{path.name}", path.stat().st_size)
                for path in sorted((self._root / folder).glob("*"))
                if path.name.startswith(start)
            ]
        except OSError as error:
            raise PlaceAway(f"{self._root}: {error.strerror}") from error

    def remove(self, beginning: str) -> int:
        """Remove all whose names begin so."""
        folder, _, start = beginning.rpartition("/")
        gone = 0
        try:
            for path in sorted((self._root / folder).glob("*")):
                if path.name.removeprefix(".").startswith(start):
                    path.unlink(missing_ok=True)
                    gone += 1
            if not start:
                with suppress(FileNotFoundError):
                    (self._root / folder).rmdir()
        except OSError as error:
            raise PlaceAway(f"{self._root}: {error.strerror}") from error
        return gone


class Bucket:
    """A bucket that speaks S3; who may write there is said as its library wants it: `AWS_…`, a profile, a role."""

    def __init__(self, url: str) -> None:
        try:
            import boto3  # noqa: PLC0415 - an extra
            from botocore.config import Config  # noqa: PLC0415
            from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        except ImportError:
            raise NotDone(
                "DIALER_RECORDINGS_TO names a bucket: install dialer with the extra recordings-s3"
            ) from None
        parts = urlsplit(url)
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self._bucket = parts.netloc
        self._prefix = f"{prefix}/" if (prefix := parts.path.strip("/")) else ""
        self._errors = (BotoCoreError, ClientError)
        self._refused: type[Exception] = ClientError
        self._s3: Any = boto3.client(
            "s3",
            endpoint_url=asked.get("endpoint"),
            region_name=asked.get("region") or os.environ.get("AWS_REGION") or "us-east-1",
            config=Config(connect_timeout=10, read_timeout=60, retries={"max_attempts": 2}),
        )

    def put(self, file: Path, name: str, media_type: str) -> None:
        """Put a file there."""
        try:
            self._s3.upload_file(
                str(file), self._bucket, self._prefix + name, ExtraArgs={"ContentType": media_type}
            )
        except Exception as error:  # its transfers wrap what went wrong in errors of their own
            raise PlaceAway(f"{self._bucket}: {error}") from error

    def read(self, name: str, *, first: int, length: int) -> Iterator[bytes]:
        """Read a part of one."""
        asked = f"bytes={first}-{first + length - 1}"
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=self._prefix + name, Range=asked)
        except self._errors as error:
            code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
            if code in {"NoSuchKey", "404"}:
                raise GoneRecording("the recording is no longer where it was put") from None
            raise PlaceAway(f"{self._bucket}: {error}") from error
        pieces: Iterator[bytes] = found["Body"].iter_chunks(_PIECE)
        return pieces

    def find(self, beginning: str) -> list[tuple[str, int]]:
        """Give names and lengths of those whose names begin so."""
        try:
            return [
                (one["Key"].removeprefix(self._prefix), one["Size"])
                for one in self._listed(beginning)
            ]
        except self._errors as error:
            raise PlaceAway(f"{self._bucket}: {error}") from error

    def remove(self, beginning: str) -> int:
        """Remove all whose names begin so."""
        gone = 0
        try:
            for one in self._listed(beginning):
                self._s3.delete_object(Bucket=self._bucket, Key=one["Key"])
                gone += 1
        except self._errors as error:
            raise PlaceAway(f"{self._bucket}: {error}") from error
        return gone

    def _listed(self, beginning: str) -> Iterator[Any]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + beginning
        )
        return (one for page in pages for one in page.get("Contents", []))
