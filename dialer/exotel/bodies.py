"""Bytes from the network → nested fields, within bounds of depth and number.

The content decides what a body is, never its header: Exotel answers XML where JSON was asked,
and announces one form encoding on some pages, the other on others.
"""

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, FormParser

MAX_DEPTH = 20
"""Objects within objects. The deepest body Exotel documents has five."""

Fields = dict[str, Any]


class UnreadableBody(ValueError):
    """A body that cannot be read; the message says why, without its content."""


def read_document(body: bytes) -> Fields:
    """Read a JSON object, or the content of an XML document's root, into nested fields."""
    start = body.lstrip(_BLANK)
    if start.startswith(b"<"):
        return _read_xml(start)
    document = _read_json(start)
    check_bounds(document)
    return document


def _read_json(body: bytes) -> Fields:
    """Read a JSON object; a key given twice and NaN are errors, as strict JSON has it."""
    try:
        # `{` and a character, so no encoding of more bytes; to ask for it takes as long as to decode
        is_utf8 = body[:1] == b"{" and body[1:2] != b"\0"
        encoding = "utf-8" if is_utf8 else json.detect_encoding(body)
        document = _STRICT.decode(body.decode(encoding))
    except RecursionError as error:
        raise UnreadableBody("JSON nested too deep") from error
    except UnreadableBody:
        raise
    except ValueError as error:
        raise UnreadableBody("not JSON") from error
    if not isinstance(document, dict):
        raise UnreadableBody("JSON, but not an object")
    return document


def read_form(body: bytes, content_type: str | None, *, max_fields: int) -> Fields:
    """Read JSON, multipart or urlencoded fields, whatever the header says.

    Args:
        body: As received.
        content_type: Only consulted for the boundary of a multipart body with a preamble.
        max_fields: Values in the whole body, nested ones included.
    """
    start = body.lstrip(_BLANK)
    if start.startswith(b"{"):
        fields = _read_json(start)
        if _is_small(start, max_fields):
            return fields
    elif boundary := _boundary(start, content_type):
        fields = _nested(_multipart_pairs(start, boundary, max_fields))
    else:
        fields = _nested(_urlencoded_pairs(start, max_fields))
    check_bounds(fields, max_fields=max_fields)
    return fields


def check_bounds(document: Any, *, max_fields: int | None = None) -> None:
    """Refuse a document that nests too deep or holds too many values; walks it layer by layer."""
    layer, depth, count = [document], 0, 0
    while layer:
        members = [member for container in layer for member in _members(container)]
        layer = [member for member in members if isinstance(member, _CONTAINERS)]
        depth, count = depth + 1, count + len(members)
        if depth > MAX_DEPTH:
            raise UnreadableBody(f"nested deeper than {MAX_DEPTH}")
        if max_fields is not None and count > max_fields:
            raise UnreadableBody(f"more than {max_fields} fields")


def _is_small(body: bytes, max_fields: int) -> bool:
    """Tell at a glance that JSON keeps the bounds: it has no more values than commas and brackets."""
    opened = body.count(b"{") + body.count(b"[")
    return opened <= MAX_DEPTH and opened + body.count(b",") <= max_fields


_CONTAINERS = (dict, list)
_BLANK = b"\xef\xbb\xbf \t\r\n"  # a byte order mark, and white space
_BOUNDARY = re.compile(rb'boundary="?([^";\r\n]{1,70})', re.IGNORECASE)
_FIRST_LINE = re.compile(rb"--([^\r\n]{1,70})\r?\n")
_FLATTENED = re.compile(r"[^\[\]]+(?:\[[^\[\]]+\])+")  # Legs[0][Status]
_NAME_PART = re.compile(r"[^\[\]]+")


def _members(container: Any) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container


def _once(pairs: list[tuple[str, Any]]) -> Fields:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise UnreadableBody("a field given twice")
    return fields


def _no_number(word: str) -> None:
    raise UnreadableBody(f"{word} is not JSON")


# json.loads() would make one a body
_STRICT = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)


def _read_xml(body: bytes) -> Fields:
    try:
        root = fromstring(body, forbid_dtd=True)
    # an unknown encoding is a LookupError; what defusedxml forbids is a ValueError
    except (ParseError, ValueError, LookupError) as error:
        raise UnreadableBody("not XML we accept") from error
    content = _xml_value(root, depth=1)
    if not isinstance(content, dict):
        raise UnreadableBody("an XML document without elements")
    return content


def _xml_value(element: Element, *, depth: int) -> Any:
    """Read an element as its text or as fields; a repeated child becomes a list."""
    if depth > MAX_DEPTH:
        raise UnreadableBody(f"nested deeper than {MAX_DEPTH}")
    if len(element) == 0:
        return element.text
    values: dict[str, list[Any]] = {}
    for child in element:
        values.setdefault(child.tag, []).append(_xml_value(child, depth=depth + 1))
    return {tag: found[0] if len(found) == 1 else found for tag, found in values.items()}


def _boundary(body: bytes, content_type: str | None) -> bytes | None:
    if first_line := _FIRST_LINE.match(body):
        return first_line[1].rstrip()
    announced = _BOUNDARY.search((content_type or "").encode("latin-1", "replace"))
    return announced[1] if announced and b"--" + announced[1] in body else None


def _multipart_pairs(body: bytes, boundary: bytes, max_fields: int) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    ends: list[bool] = []

    def on_field(field: Field) -> None:
        if len(pairs) >= max_fields:
            raise UnreadableBody(f"more than {max_fields} fields")
        pairs.append((_utf8(field.field_name), _utf8(field.value)))

    def on_file(_: File) -> None:
        raise UnreadableBody("a file among the fields")

    parser = FormParser(
        "multipart/form-data",
        on_field,
        on_file,
        on_end=lambda: ends.append(True),
        boundary=boundary,
    )
    try:
        parser.write(body[body.index(b"--" + boundary) :])
        parser.finalize()
    except FormParserError as error:
        raise UnreadableBody("malformed multipart") from error
    if not ends:
        raise UnreadableBody("multipart cut short")
    return pairs


def _urlencoded_pairs(body: bytes, max_fields: int) -> list[tuple[str, str]]:
    try:
        return parse_qsl(_utf8(body), keep_blank_values=True, max_num_fields=max_fields)
    except UnreadableBody:
        raise
    except ValueError as error:
        raise UnreadableBody(f"more than {max_fields} fields") from error


def _utf8(value: bytes | None) -> str:
    try:
        return (value or b"").decode()
    except UnicodeDecodeError as error:
        raise UnreadableBody("not UTF-8") from error


def _nested(pairs: list[tuple[str, str]]) -> Fields:
    """Rebuild nested fields from flattened names: `Legs[0][Status]` → {"Legs": {"0": {…}}}."""
    fields: Fields = {}
    for name, value in pairs:
        *outer, last = _NAME_PART.findall(name) if _FLATTENED.fullmatch(name) else [name]
        inner = fields
        for part in outer:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                raise UnreadableBody("a field with both a value and parts")
        if last in inner:
            raise UnreadableBody("a field given twice")
        inner[last] = value
    return fields
