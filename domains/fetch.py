"""Download files, resume broken downloads, and record checksums."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Any, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from domains.errors import DataError, InputError, SettingsError
from domains.public_data import PublicData

CHUNK = 1 << 20
TIMEOUT = 60
"""Seconds without data until a connection counts as broken."""
RECORD = "checksums.json"
LARGEST_RATIO = 200
"""Maximum ratio of unpacked to packed size; text packs to about a tenth."""

Progress = Callable[[str, int, int | None], None]
"""Called with the name of a file, the bytes received, and the total (None if unknown)."""


@dataclass(frozen=True)
class Fetched:
    """A complete file."""

    name: str
    url: str
    bytes: int
    sha256: str


def silent(_name: str, _here: int, _all: int | None) -> None:
    """Show no progress."""


def remote_size(url: str) -> int | None:
    """Ask the server for the size of a file in bytes; None if it does not say.

    Raises:
        InputError: the server cannot be reached or has no such file.
    """
    with _ask(url, method="HEAD") as answer:
        length = answer.headers.get("Content-Length")
        return int(length) if length is not None else None


def fetch_data(data: PublicData, folder: Path, *, progress: Progress = silent) -> list[Fetched]:
    """Download the files of a public data set and unpack archives. Show licence and size to the user before.

    Args:
        data: the data set.
        folder: target folder; files with the recorded checksum are not downloaded again.
        progress: called after every chunk.

    Raises:
        InputError: it must be downloaded by hand (the hint says how), or a download failed. The next call resumes it.
    """
    if not data.urls:
        raise DataError(
            "cannot be fetched by a program",
            location=data.name,
            hint=f"Go to {data.page}: {data.by_hand}; put the files into {folder}, then open {data.spec(folder)}",
            code="download-by-hand",
        )
    fetched = []
    for url in data.urls:
        file = fetch_file(url, folder, progress=progress)
        fetched.append(file)
        if file.name.endswith(".zip"):
            unpack(folder / file.name, folder)
    return fetched


def fetch_file(url: str, folder: Path, *, progress: Progress = silent) -> Fetched:
    """Download one file into a folder, under the last part of its address.

    A broken download leaves ``NAME.part``. The next call asks for the rest, or starts again if the file on the server
    has changed. Size and SHA-256 of each complete file are recorded in ``checksums.json``.

    Raises:
        InputError: the server has no such file, the connection broke, or the disk is full.
    """
    name = PurePosixPath(urlsplit(url).path).name
    known = _recorded(folder).get(name)
    target = folder / name
    if known is not None and known.url == url and target.is_file() and _checksum(target) == known.sha256:
        return known
    part, mark = folder / f"{name}.part", folder / f"{name}.part.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _receive(url, part, mark, name, progress)
        fetched = Fetched(name, url, part.stat().st_size, _checksum(part))
        part.replace(target)
        mark.unlink(missing_ok=True)
        _record(folder, fetched)
    except OSError as error:
        raise DataError(
            f"cannot be written: {error.strerror or error}",
            location=target,
            hint="Make room there, then run it again",
            code="not-writable",
        ) from error
    return fetched


def unpack(archive: Path, folder: Path) -> list[Path]:
    """Unpack a zip archive; each file is written atomically.

    Raises:
        InputError: it is damaged, would write outside the folder, or exceeds `LARGEST_RATIO`.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            _check_members(archive, members)
            return [_extract(opened, member, folder) for member in members]
    except (zipfile.BadZipFile, EOFError) as error:
        raise DataError(
            f"is damaged: {error}", location=archive, hint="Remove it, and fetch it again", code="damaged"
        ) from error


def _receive(url: str, part: Path, mark: Path, name: str, progress: Progress) -> None:
    """Download the missing bytes of a file and append them to `part`."""
    here = part.stat().st_size if part.exists() else 0
    version = _read_json(mark).get("version") if here else None
    # Without the version, bytes of two versions could be mixed.
    headers = {"Range": f"bytes={here}-", "If-Range": version} if version else {}
    with _ask(url, headers=headers) as answer:
        going_on = answer.status == 206
        if not going_on:
            here = 0
        length = answer.headers.get("Content-Length")
        total = None if length is None else here + int(length)
        version = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        _write_json(mark, {"version": version})
        with part.open("ab" if going_on else "wb") as sink:
            try:
                while chunk := answer.read(CHUNK):
                    sink.write(chunk)
                    here += len(chunk)
                    progress(name, here, total)
            except (HTTPException, ConnectionError, TimeoutError) as error:
                raise _broken(url, here, total) from error
    if total is not None and here != total:
        raise _broken(url, here, total)


def _ask(url: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> Any:
    """Open a web address; never a local file."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise SettingsError(
            "is not a web address", location=url, hint="Give one that starts with https://", code="address"
        )
    try:
        return urlopen(Request(url, method=method, headers=headers or {}), timeout=TIMEOUT)  # noqa: S310
    except HTTPError as error:
        raise DataError(
            f"the server answers {error.code} {error.reason}",
            location=url,
            hint="The file may have moved; see the data set's page",
            code="download",
        ) from error
    except (URLError, HTTPException, ConnectionError, TimeoutError) as error:
        raise DataError(
            f"the server cannot be reached: {error}", location=url, hint="Check the network", code="download"
        ) from error


def _broken(url: str, here: int, total: int | None) -> InputError:
    of = "" if total is None else f" of {total:,}"
    return DataError(
        f"the download broke off after {here:,}{of} bytes",
        location=url,
        hint="Run it again: it resumes there",
        code="download",
    )


def _check_members(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise DataError(
                f"would write to {member.filename!r}",
                location=archive,
                hint="Do not trust this archive",
                code="archive",
            )
    if sum(member.file_size for member in members) > LARGEST_RATIO * archive.stat().st_size:
        raise DataError(
            f"unpacks to more than {LARGEST_RATIO} times its size",
            location=archive,
            hint="Do not trust this archive",
            code="archive",
        )


def _extract(opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> Path:
    target = folder / PurePosixPath(member.filename)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.part")
    with opened.open(member) as source, fresh.open("wb") as sink:
        while chunk := source.read(CHUNK):
            sink.write(chunk)
    return fresh.replace(target)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _recorded(folder: Path) -> dict[str, Fetched]:
    return {name: Fetched(**entry) for name, entry in _read_json(folder / RECORD).items()}


def _record(folder: Path, fetched: Fetched) -> None:
    entries = {**_read_json(folder / RECORD), fetched.name: asdict(fetched)}
    _write_json(folder / RECORD, dict(sorted(entries.items())))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return cast(dict[str, Any], json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise DataError(
            f"is damaged: {error}", location=path, hint="Remove it, and fetch again", code="damaged"
        ) from error


def _write_json(path: Path, data: dict[str, Any]) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    fresh.replace(path)
