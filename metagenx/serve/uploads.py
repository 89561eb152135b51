"""Files that users have brought: kept under names of our own, counted, and never opened in this process."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from metagenx.errors import InputError
from metagenx.genx.disk import replace_atomically
from metagenx.serve.desk_process import safe_name
from metagenx.serve.limits import Limits


@dataclass(frozen=True)
class Upload:
    """A file as it was brought; ``name`` is harmless, ``said`` what the user called it."""

    id: str
    name: str
    said: str
    n_bytes: int
    sha256: str
    user: str
    time: float
    trust: bool = False


class Uploads:
    """The files of a server, in one folder."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder, self._limits = folder, limits
        self._arriving = 0
        self._known: dict[str, Upload] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("*/upload.json"):
            try:
                upload = Upload(**json.loads(path.read_text(encoding="utf-8")))
            except (ValueError, TypeError, OSError):
                continue
            self._known[upload.id] = upload

    def get(self, identity: str) -> Upload:
        """A file by its number; raises InputError if there is none."""
        try:
            return self._known[identity]
        except KeyError:
            raise InputError("this file is not here (any more)", hint="Drop it again.") from None

    def of(self, user: str) -> list[Upload]:
        """The files of a user, the newest first."""
        mine = [upload for upload in self._known.values() if upload.user in (user, "")]
        return sorted(mine, key=lambda upload: upload.time, reverse=True)

    def content(self, identity: str) -> bytes:
        """The bytes of a file."""
        upload = self.get(identity)
        return (self.folder / upload.id / "content").read_bytes()

    def arriving(self, name: str, n_bytes: int | None, user: str, *, trust: bool = False) -> Arrival:
        """A file that is about to arrive.

        Raises
        ------
        InputError : too large, or too many at once.
        """
        self.check_size(n_bytes or 0)
        if self._arriving >= self._limits.uploads_at_once:
            raise InputError("too many files arrive at once", hint="Try again in a minute.")
        return Arrival(self, name, user, trust)

    def check_size(self, n_bytes: int) -> None:
        """Raises InputError above the limit."""
        most = self._limits.upload_bytes
        if n_bytes > most:
            raise InputError(
                f"the file is larger than {most // 2**20} MiB", hint="Leave out data that it does not need."
            )

    def keep(self, upload: Upload) -> None:
        """A file has arrived; whoever has the most files loses his oldest where there is no room for it."""
        self._known[upload.id] = upload
        while len(self._known) > 1 and (
            len(self._known) > self._limits.uploads_kept
            or sum(known.n_bytes for known in self._known.values()) > self._limits.stored_bytes
        ):
            users = Counter(known.user for known in self._known.values())
            others = [known for known in self._known.values() if known is not upload]
            oldest = min(others, key=lambda known: (-users[known.user], known.time))
            del self._known[oldest.id]
            shutil.rmtree(self.folder / oldest.id, ignore_errors=True)


class Arrival:
    """A file while it arrives; a context manager that leaves nothing behind unless `done`."""

    def __init__(self, uploads: Uploads, name: str, user: str, trust: bool) -> None:
        self._uploads, self._said, self._user, self._trust = uploads, name, user, trust
        self._id = secrets.token_hex(8)
        self._place = uploads.folder / self._id
        self._hash = hashlib.sha256()
        self._file: BinaryIO | None = None
        self.n_bytes = 0

    def __enter__(self) -> Arrival:
        self._uploads._arriving += 1
        self._place.mkdir()
        self._file = (self._place / "content").open("wb")
        return self

    def write(self, chunk: bytes) -> None:
        """The next bytes; raises InputError above the limit."""
        assert self._file is not None
        self.n_bytes += len(chunk)
        self._uploads.check_size(self.n_bytes)
        self._hash.update(chunk)
        self._file.write(chunk)

    def done(self) -> Upload:
        """All is there; raises InputError if that is nothing."""
        assert self._file is not None
        if not self.n_bytes:
            raise InputError("the file is empty", where=self._said[:200])
        self._file.close()
        upload = Upload(
            self._id, safe_name(self._said), self._said[:200], self.n_bytes, self._hash.hexdigest(), self._user,
            time.time(), self._trust,
        )  # fmt: skip
        replace_atomically(self._place / "upload.json", json.dumps(asdict(upload)).encode("utf-8"))
        self._uploads.keep(upload)
        return upload

    def __exit__(self, *failure: object) -> None:
        self._uploads._arriving -= 1
        if self._file is not None:
            self._file.close()
        if self._id not in self._uploads._known:
            shutil.rmtree(self._place, ignore_errors=True)
