"""Files on their way in: a multipart body goes to disk piece by piece, whatever its size."""

import asyncio
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from campaigns.sentence import told
from workers.web.intake import Intake
from workers.web.problems import Problem

_MAX_FIELDS = 64
_MAX_FIELD_BYTES = 8 * 1024
_MAX_HEADER_BYTES = 4 * 1024
_MAX_NAME_CHARS = 200
_WRITE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Upload:
    """A form with a file.

    Args:
        path: Where the file lies until the form is dealt with.
        name: What its owner calls it; never part of a path of ours.
        fields: The other fields, each with all its values.
    """

    path: Path
    name: str
    fields: dict[str, list[str]]


@asynccontextmanager
async def received_upload(request: Request, folder: Path) -> AsyncIterator[Upload]:
    """Receive a form with one file; the file is gone at the end, unless it was moved.

    Raises:
        Problem: It is no such form, there are too many at once, or the disk is full.
    """
    content_type, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if content_type != b"multipart/form-data" or not 0 < len(boundary) <= 200:
        raise Problem(
            415, "not_multipart", told("Send multipart/form-data with a part named file.")
        )
    path = folder / f"{secrets.token_hex(8)}.incoming"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    intake: Intake = request.app.state.services.intake
    with intake.taking(request.state.visitor.id, folder, _announced_bytes(request)):
        try:
            with path.open("xb") as file:
                form = _Form(boundary, file)
                await _receive(request, form, check_room=lambda: intake.check_room(folder))
            if not form.has_file:
                raise Problem(
                    422, "no_file", told("The form has no part named file with a file in it.")
                )
            yield Upload(path, form.file_name, form.fields)
        finally:
            path.unlink(missing_ok=True)


def _announced_bytes(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if re.fullmatch("[0-9]{1,15}", declared) else 0


async def _receive(request: Request, form: "_Form", *, check_room: Callable[[], None]) -> None:
    try:
        async for piece in request.stream():
            form.feed(piece)
            if len(form.unwritten) >= _WRITE_BYTES:
                check_room()  # the size it told may be a lie, and others write too
                await asyncio.to_thread(form.write)
        form.finish()
        await asyncio.to_thread(form.write)
    except MultipartParseError:
        raise Problem(400, "malformed_form", told("The form cannot be read.")) from None
    except ClientDisconnect:
        raise Problem(400, "broken_off", told("The upload broke off.")) from None
    except OSError as error:
        raise Problem(
            507, "disk_full", told("The file cannot be kept: {strerror}.", strerror=error.strerror)
        ) from None


@dataclass(slots=True)
class _Part:
    headers: dict[str, str] = field(default_factory=dict)
    name: str = ""
    is_file: bool = False
    body: bytearray = field(default_factory=bytearray)


class _Form:
    """A form as it comes in."""

    def __init__(self, boundary: bytes, file: BinaryIO) -> None:
        self.fields: dict[str, list[str]] = {}
        self.file_name = ""
        self.has_file = False
        self.unwritten = bytearray()
        self._file = file
        self._ended = False
        self._part = _Part()
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._take_header_name,
                "on_header_value": self._take_header_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._understand_part,
                "on_part_data": self._take_data,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )

    def feed(self, piece: bytes) -> None:
        self._parser.write(piece)

    def finish(self) -> None:
        self._parser.finalize()
        if not self._ended:
            raise Problem(400, "malformed_form", told("The form ends too early."))

    def write(self) -> None:
        self._file.write(self.unwritten)
        self.unwritten.clear()

    def _begin_part(self) -> None:
        self._part = _Part()

    def _take_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]
        self._check_header()

    def _take_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]
        self._check_header()

    def _check_header(self) -> None:
        if len(self._header_name) + len(self._header_value) > _MAX_HEADER_BYTES:
            raise Problem(400, "malformed_form", told("A part's header is too long."))

    def _end_header(self) -> None:
        name = self._header_name.decode("latin-1").lower()
        if len(self._part.headers) >= _MAX_FIELDS:
            raise Problem(400, "malformed_form", told("A part has too many headers."))
        self._part.headers[name] = self._header_value.decode("utf-8", "replace")
        self._header_name.clear()
        self._header_value.clear()

    def _understand_part(self) -> None:
        disposition = self._part.headers.get("content-disposition", "")
        _, options = parse_options_header(disposition.encode("utf-8", "replace"))
        self._part.name = options.get(b"name", b"").decode("utf-8", "replace")
        file_name = options.get(b"filename")
        self._part.is_file = file_name is not None
        if file_name is None:
            return
        if self._part.name != "file" or self.has_file:
            raise Problem(422, "one_file", told("Send one file, in the part named file."))
        self.file_name = _plain_name(file_name.decode("utf-8", "replace"))
        self.has_file = bool(file_name)  # a browser sends an empty one when none was chosen

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        if self._part.is_file:
            self.unwritten += data[start:end]
            return
        self._part.body += data[start:end]
        if len(self._part.body) > _MAX_FIELD_BYTES:
            raise Problem(
                413,
                "field_too_large",
                told("Field {name!r} is too large.", name=self._part.name[:80]),
            )

    def _end_part(self) -> None:
        if self._part.is_file:
            return
        if sum(map(len, self.fields.values())) >= _MAX_FIELDS:
            raise Problem(
                413,
                "too_many_fields",
                told("At most {most} fields are taken.", most=_MAX_FIELDS),
            )
        value = self._part.body.decode("utf-8", "replace")
        self.fields.setdefault(self._part.name, []).append(value)

    def _end(self) -> None:
        self._ended = True


def _plain_name(name: str) -> str:
    """Leave of a file's name what people call it: no folders, no marks that are not printed."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    return "".join(mark for mark in last if mark.isprintable())[:_MAX_NAME_CHARS]


def write_whole(path: Path, text: str) -> None:
    """Write a file anew, so that whoever reads it meanwhile finds it whole."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def remove_leavings(folder: Path, *, older_than_s: float, now_s: float) -> None:
    """Remove what uploads left behind when a process died."""
    if not folder.is_dir():
        return
    for one in folder.iterdir():
        try:
            is_new = now_s - one.stat().st_mtime <= older_than_s
        except FileNotFoundError:
            continue  # it was just dealt with
        if is_new:
            continue
        if one.is_dir():
            shutil.rmtree(one, ignore_errors=True)
        elif one.suffix == ".incoming":
            one.unlink(missing_ok=True)
