"""The data directory: one place for everything that a host keeps."""

import os
import secrets
from pathlib import Path

from host.model.errors import UsageError


class DataDirectory:
    """`innkeeper.db`, `key`, `operator.token` and `components/` below `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self) -> "DataDirectory":
        """Makes the directory where there is none (mode 0700). Raises `UsageError` when it can't be used."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"can't use the data directory {self.path}: {error.strerror}") from None
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise UsageError(f"can't write to the data directory {self.path}: choose another with --data, or change its mode")
        return self

    def __repr__(self) -> str:
        return f"<DataDirectory {self.path}>"

    @property
    def database(self) -> Path:
        return self.path / "innkeeper.db"

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
