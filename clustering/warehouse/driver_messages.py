"""What drivers say of an error, without the values and the secrets that they put into it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from sqlalchemy import ExceptionContext

LONGEST_BY_CHANCE = 3  # characters of a secret that may stand in a message as a part of other words
SECRETS = ("password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret")
# The place in a statement, into which values have been put, and rows of tables.
_VALUES = re.compile(
    r"^(LINE \d+: .*|\s+\^|DETAIL: +(Key \(|Failing row).*|CONTEXT: +COPY .*|Query was: (?s:.*))$", re.MULTILINE
)


def without_values(text: str) -> str:
    """Return a message of the server without the lines that hold values of rows.

    >>> without_values('duplicate key\\nDETAIL:  Key (customer_id)=(4711) already exists.\\n')
    'duplicate key'
    """
    return "\n".join(line for line in _VALUES.sub("", text).splitlines() if line)


def without_secrets(text: str, settings: Mapping[str, str]) -> str:
    """Return a text without the secrets of a connection, in any of their spellings."""
    for name in SECRETS:
        secret = settings.get(name, "")
        for spelling in (secret, quote(secret), quote(secret, safe="")):
            if len(spelling) > LONGEST_BY_CHANCE:
                text = text.replace(spelling, "***")
    return text


def hide_values(context: ExceptionContext) -> None:
    """Take values of rows out of an error, before whoever catches it, or nobody, prints it."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args:
            error.args = (without_values(str(error.args[0])), *error.args[1:])
