"""How the upload forms look in the OpenAPI document; the forms are read as they stream in, so the
framework cannot tell by itself.
"""

from typing import Any

from campaigns.campaign import LONGEST_NAME
from campaigns.declared_rules import RULES, default_text, is_yes_or_no, written_name
from campaigns.rules.declaring import Rule
from workers.web.lists import READING_FORM

_FILE = {"type": "string", "format": "binary", "description": "CSV or a workbook, any size."}
_AGAIN = {
    "again": {
        "type": "boolean",
        "default": False,
        "description": "Load the file although its very bytes are another campaign.",
    }
}


def _rule(name: str, rule: Rule) -> dict[str, Any]:
    default = default_text(name)
    schema: dict[str, Any] = {
        "type": "boolean" if is_yes_or_no(name) else "string",
        "description": f"{rule.help}. {f'{default} when empty.' if default else ''}".strip(),
    }
    if rule.words:
        schema["enum"] = list(rule.words)
    elif schema["type"] == "string":
        schema["examples"] = [rule.example]
    return {"type": "array", "items": schema} if rule.several else schema


_RULES = {written_name(name): _rule(name, rule) for name, rule in RULES.items()}


def _form(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    }


LOAD_FORM = _form(
    {
        "file": _FILE,
        "name": {"type": "string", "maxLength": LONGEST_NAME},
        "dry_run": {"type": "boolean", "default": False},
        "start": {"type": "boolean", "default": False},
        "tag": {"type": "array", "items": {"type": "string"}, "description": "Of the campaign."},
        "template": {"type": "string", "description": "Whose rules it begins with."},
        "like": {"type": "string", "description": "A campaign whose rules it begins with."},
        **READING_FORM,
        **_AGAIN,
        **_RULES,
    },
    ["file", "name"],
)
APPEND_FORM = _form({"file": _FILE, **READING_FORM, **_AGAIN}, ["file"])
REHEARSE_FORM = _form(
    {
        "file": {**_FILE, "description": "CSV or a workbook, at most 10,000 rows."},
        "speed": {
            "type": "number",
            "minimum": 1,
            "maximum": 200,
            "default": 30,
            "description": "Seconds that pass in one.",
        },
        **READING_FORM,
        **_RULES,
    },
    ["file"],
)
AGENTS_FORM = _form(
    {
        "file": {
            **_FILE,
            "description": "A table of agents: number, and as you like name, groups, shift, "
            "timezone, languages, skills, most_calls_a_day.",
        },
        "sheet": READING_FORM["sheet"],
        "hidden_rows": READING_FORM["hidden_rows"],
    },
    ["file"],
)
SUPPRESS_FORM = _form(
    {
        "file": {**_FILE, "description": "One number a line, or a table with a column of them."},
        "why": {"type": "string"},
        "column": {"type": "string"},
        "sheet": READING_FORM["sheet"],
        "hidden_rows": READING_FORM["hidden_rows"],
    },
    ["file"],
)
