"""What the pages say in other languages: a text for each English sentence.

They stand in `<language>/*.po`, a file for each part of the pages. What has none yet is shown in English.
"""

import ast
import gettext
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import cast

from campaigns.sentence import Sentence

ENGLISH = "en"


class Texts:
    """The texts of one language.

    Args:
        entries: By English text; one that counts has several forms.
        form: Which form a count takes.
    """

    def __init__(
        self, entries: Mapping[str, tuple[str, ...]], form: Callable[[int], int] = lambda _: 0
    ) -> None:
        self._entries = entries
        self._form = form

    def text(self, english: str) -> str:
        """Give the text of an English one."""
        return self._entries.get(english, (english,))[0]

    def plural(self, one: str, many: str, count: int) -> str:
        """Give the text for so many of something."""
        if forms := self._entries.get(one):
            return forms[min(self._form(count), len(forms) - 1)]
        return one if count == 1 else many

    def say(self, value: object) -> object:
        """Put a sentence into this language; whatever else it is stays."""
        if isinstance(value, BaseException):
            value = str(value)
        if not isinstance(value, Sentence):
            return value
        values = {name: self.say(one) for name, one in value.values.items()}
        if value.many:
            count = cast("int", value.values["count"])
            return self.plural(value.source, value.many, count).format(**values)
        found = self.text(value.source)
        if found == value.source:
            found = value if not values else found  # the English may have been reworded
        return found.format(**values) if values else found[:]


@cache
def texts_of(code: str) -> Texts:
    """Read the texts of a language."""
    if code == ENGLISH:
        return Texts({}, lambda count: int(count != 1))
    entries: dict[str, tuple[str, ...]] = {}
    for file in resources.files(__name__).joinpath(code).iterdir():
        if file.name.endswith(".po"):
            entries |= read_po(file.read_text(encoding="utf-8"))
    header = entries.pop("")[0]
    rule = re.search(r"plural=([^;]+);", header)
    return Texts(entries, gettext.c2py(rule[1]) if rule else lambda _: 0)


def read_po(content: str) -> dict[str, tuple[str, ...]]:
    """Read a file of texts: by English text its text, or its forms; '' has the file's header.

    Texts that are still missing are left out.
    """
    found: dict[str, tuple[str, ...]] = {}
    for entry in re.split(r"\n\s*\n", content):
        fields: dict[str, str] = {}
        name = ""
        for line in entry.splitlines():
            if line.startswith("#"):
                continue
            word, _, quoted = line.partition(' "') if line.startswith("msg") else ("", "", line)
            name = word or name
            literal = f'"{quoted}' if word else quoted
            fields[name] = fields.get(name, "") + ast.literal_eval(literal)
        forms = tuple(text for word, text in fields.items() if word.startswith("msgstr"))
        if all(forms) and forms:
            found[fields["msgid"]] = forms
    return found
