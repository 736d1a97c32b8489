"""How a download looks: what it will cost beforehand, a bar while it comes."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import TransferSpeedColumn as SpeedColumn

from domains.fetch import remote_size
from domains.public_data import PublicData
from transfer.cli.show import ERR


def total_size(data: PublicData) -> str:
    """The size of all files as the servers tell it; the catalogue's word where one of them does not.

    Raises:
        InputError: a server cannot be reached or has no such file.
    """
    sizes = [remote_size(url) for url in data.urls]
    known = [size for size in sizes if size is not None]
    return f"{sum(known) / 1e6:,.1f} MB" if len(known) == len(sizes) else f"about {data.size}"


class Downloads:
    """One bar a file; what `domains.fetch` calls while bytes come."""

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            SpeedColumn(),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal)
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def __call__(self, name: str, here: int, total: int | None) -> None:
        """Move the bar of a file."""
        if name not in self._bars:
            self._bars[name] = self._progress.add_task(name, total=total)
        self._progress.update(self._bars[name], completed=here)
