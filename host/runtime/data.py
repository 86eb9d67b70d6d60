"""The data directory: one place for everything that a host keeps."""

import os
import secrets
from pathlib import Path

from host.model.errors import UsageError
from stores.database import path_of


class DataDirectory:
    """`innkeeper.db`, `key`, `operator.token` and `components/` below `path`.

    With a `database`, a path or a URL, the database is that file, and is `shared`: another program's tables may be in it. `innkeeper.db`
    is a link to it then, so that every command finds it. Raises `UsageError` for one that can't be used.
    """

    def __init__(self, path: Path, database: str | Path | None = None) -> None:
        self.path = path
        self.shared = database is not None
        self.database = path / "innkeeper.db" if database is None else path_of(database)

    def make(self) -> "DataDirectory":
        """Makes the directory where there is none (mode 0700). Raises `UsageError` when it can't be used."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"can't use the data directory {self.path}: {error.strerror}: choose another with --data") from None
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise UsageError(f"can't write to the data directory {self.path}: choose another with --data, or change its mode")
        if self.shared:
            self._link()
        return self

    def _link(self) -> None:
        link, target = self.path / "innkeeper.db", self.database.absolute()
        if link.is_symlink() and link.readlink() != target:
            link.unlink()
        elif link.exists() and not link.is_symlink():
            raise UsageError(f"{self.path} has a database of its own: move {link} away, or use it in place of {self.database}")
        try:
            link.symlink_to(target)
        except FileExistsError:
            pass
        except OSError as error:
            raise UsageError(f"can't make the link {link} to the database: {error.strerror}") from None

    def __repr__(self) -> str:
        return f"<DataDirectory {self.path}>"

    @property
    def components(self) -> Path:
        return self.path / "components"

    @property
    def operator_token(self) -> Path:
        return self.path / "operator.token"

    def write_token(self, token: str) -> None:
        """Keeps the operator's token for who may read this directory, whole or not at all (mode 0600)."""
        temporary = self.operator_token.with_suffix(f".{secrets.token_hex(4)}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(token + "\n")
        temporary.rename(self.operator_token)
