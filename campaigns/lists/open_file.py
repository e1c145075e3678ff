"""An uploaded file opened as what it is: text, workbook, or nothing a list could be."""

import codecs
import io
from collections.abc import Callable
from typing import BinaryIO

from campaigns.lists.source import (
    CampaignFileError,
    ListLimits,
    ListSource,
    ReadingChoice,
)
from campaigns.lists.text_format import recognise
from campaigns.lists.text_list import TextList
from campaigns.lists.workbook import OLD_MAGIC, ZIP_MAGIC
from campaigns.sentence import told

OpenWorkbook = Callable[[BinaryIO, ListLimits, ReadingChoice], ListSource]


def open_source(
    file: BinaryIO,
    limits: ListLimits,
    *,
    reading: ReadingChoice,
    workbooks: OpenWorkbook,
) -> ListSource:
    """Open a list by its content; its name tells nothing.

    Args:
        reading: Where the list stands in a workbook, as far as a person says.
        workbooks: Opens a workbook; a stranger's is not opened in a process that matters.

    Raises:
        CampaignFileError: It is empty, too large, or no list.
    """
    size_bytes = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(512)
    if size_bytes > limits.max_bytes:
        raise CampaignFileError(
            "The file has {size} MB; at most {most} MB are allowed. Split the list.",
            size=size_bytes // 1_000_000,
            most=limits.max_bytes // 1_000_000,
        )
    if not head.removeprefix(codecs.BOM_UTF8).strip(b"\0 \t\r\n\xff\xfe"):
        raise CampaignFileError(
            "The file is empty. It needs a line of column names, such as agent,customer, and rows."
        )
    if head.startswith((ZIP_MAGIC, OLD_MAGIC)):
        return workbooks(file, limits, reading)
    for magic, kind in _OTHER_KINDS:
        if head.removeprefix(codecs.BOM_UTF8).lstrip().lower().startswith(magic):
            raise CampaignFileError(
                "This is {kind}. Save the list as .xlsx or CSV UTF-8.", kind=kind
            )
    return TextList(file, size_bytes, recognise(file))


_OTHER_KINDS = (  # first bytes in lower case
    (b"%pdf-", told("a PDF document")),
    (b"\x89png", told("a picture")),
    (b"\xff\xd8\xff", told("a picture")),
    (b"gif8", told("a picture")),
    (b"\x1f\x8b", told("a compressed file")),
    (b"7z\xbc\xaf", told("a compressed file")),
    (b"rar!", told("a compressed file")),
    (b"{\\rtf", told("a Word document")),
    (b"<!doctype html", told("a web page, whatever its name says")),
    (b"<html", told("a web page, whatever its name says")),
    (b"<table", told("a web page, whatever its name says")),
    (b"begin:vcard", told("a file of contact cards")),
    (b'{"', told("a JSON file")),
    (b"[{", told("a JSON file")),
    (b"par1", told("a Parquet file")),
    (b"<?xml", told("an XML file")),
)
