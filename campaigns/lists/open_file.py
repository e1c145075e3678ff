"""An uploaded file opened as what it is: text, workbook, or nothing a list could be."""

import codecs
import io
from collections.abc import Callable
from typing import BinaryIO

from campaigns.lists.source import (
    AS_FOUND,
    CampaignFileError,
    ListLimits,
    ListSource,
    ReadingChoice,
)
from campaigns.lists.text_format import recognise
from campaigns.lists.text_list import TextList
from campaigns.lists.workbook import OLD_MAGIC, ZIP_MAGIC, open_workbook

OpenWorkbook = Callable[[BinaryIO, ListLimits, ReadingChoice], ListSource]


def open_source(
    file: BinaryIO,
    limits: ListLimits,
    *,
    reading: ReadingChoice = AS_FOUND,
    workbooks: OpenWorkbook = open_workbook,
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
            f"The file has {size_bytes // 1_000_000} MB; at most {limits.max_bytes // 1_000_000} MB "
            "are allowed. Split the list."
        )
    if not head.removeprefix(codecs.BOM_UTF8).strip(b"\0 \t\r\n\xff\xfe"):
        raise CampaignFileError(
            "The file is empty. It needs a line of column names, such as agent,customer, and rows."
        )
    if head.startswith((ZIP_MAGIC, OLD_MAGIC)):
        return workbooks(file, limits, reading)
    for magic, kind in _OTHER_KINDS:
        if head.removeprefix(codecs.BOM_UTF8).lstrip().lower().startswith(magic):
            raise CampaignFileError(f"This is {kind}. Save the list as .xlsx or CSV UTF-8.")
    return TextList(file, size_bytes, recognise(file))


_OTHER_KINDS = (  # first bytes in lower case
    (b"%pdf-", "a PDF document"),
    (b"\x89png", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"gif8", "a picture"),
    (b"\x1f\x8b", "a compressed file"),
    (b"7z\xbc\xaf", "a compressed file"),
    (b"rar!", "a compressed file"),
    (b"{\\rtf", "a Word document"),
    (b"<!doctype html", "a web page, whatever its name says"),
    (b"<html", "a web page, whatever its name says"),
    (b"<table", "a web page, whatever its name says"),
    (b"begin:vcard", "a file of contact cards"),
    (b'{"', "a JSON file"),
    (b"[{", "a JSON file"),
    (b"par1", "a Parquet file"),
    (b"<?xml", "an XML file"),
)
