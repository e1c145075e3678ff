"""How the upload forms look in the OpenAPI document; the forms are read as they stream in, so the
framework cannot tell by itself.
"""

from typing import Any

from campaigns.list_sieve import Dedupe

_FILE = {"type": "string", "format": "binary", "description": "CSV or XLSX, any size."}
_READING: dict[str, Any] = {
    "agent_column": {"type": "string", "description": "By synonym when empty."},
    "customer_column": {"type": "string", "description": "By synonym when empty."},
    "dedupe": {"type": "string", "enum": list(Dedupe), "default": "file"},
}
_RULES: dict[str, Any] = {
    "caller_id": {"type": "string", "description": "EXOTEL_CALLER_ID when empty."},
    "time_limit": {"type": "integer", "description": "Longest call, s."},
    "time_out": {"type": "integer", "description": "Ring time per leg, s."},
    "hours": {"type": "string", "examples": ["09:00-21:00", "mon-fri 10:00-18:00"]},
    "timezone": {"type": "string", "examples": ["Asia/Kolkata"]},
    "max_attempts": {"type": "integer"},
    "retry": {
        "type": "array",
        "items": {"type": "string"},
        "description": "OUTCOME=DELAY[xN], such as customer_busy=5mx3.",
    },
    "wrap_up": {"type": "integer", "description": "An agent's rest after a call, s."},
    "priority": {"type": "integer"},
    "weight": {"type": "number"},
}


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
        "name": {"type": "string", "maxLength": 100},
        "dry_run": {"type": "boolean", "default": False},
        "start": {"type": "boolean", "default": False},
        **_READING,
        **_RULES,
    },
    ["file", "name"],
)
APPEND_FORM = _form({"file": _FILE, **_READING}, ["file"])
REHEARSE_FORM = _form(
    {
        "file": {**_FILE, "description": "CSV or XLSX, at most 10,000 rows."},
        "speed": {
            "type": "number",
            "minimum": 1,
            "maximum": 200,
            "default": 30,
            "description": "Seconds that pass in one.",
        },
        **_READING,
        **_RULES,
    },
    ["file"],
)
SUPPRESS_FORM = _form(
    {
        "file": {**_FILE, "description": "One number a line, or a table with a column of them."},
        "why": {"type": "string"},
        "column": {"type": "string"},
    },
    ["file"],
)
