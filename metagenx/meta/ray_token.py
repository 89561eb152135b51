"""The token that Ray asks for: there before Ray needs it, readable by its owner only.

Ray makes one itself when it is missing, but with the permissions of any other file (2.60.0), so we are first.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from metagenx.errors import InputError


def token_file() -> Path:
    """Where the token lies: RAY_AUTH_TOKEN_PATH, or ``~/.ray/auth_token``."""
    return Path(os.environ.get("RAY_AUTH_TOKEN_PATH", "~/.ray/auth_token")).expanduser()


def ensure_token() -> Path:
    """Make the token if there is none, and take the rights of others away if they have any; returns its file.

    Nothing is made where the user has given the token by RAY_AUTH_TOKEN.

    Raises
    ------
    InputError : the file cannot be written.
    """
    file = token_file()
    if os.environ.get("RAY_AUTH_TOKEN"):
        return file
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                stream.write(secrets.token_hex(32))
        if os.name == "posix" and file.stat().st_mode & 0o077:
            file.chmod(0o600)
    except OSError as error:
        raise InputError(
            f"the token for Ray cannot be kept safe: {error.strerror}",
            where=str(file),
            hint="It must be a file of yours that nobody else can read (chmod 600). RAY_AUTH_TOKEN_PATH names another.",
        ) from error
    return file
