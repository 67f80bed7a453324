"""Builds the package by the hooks of PEP 517 with the standard library alone, so that it can be installed without a network.

Any other backend would have to be fetched first, or be there in a version that understands our pyproject.toml.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import tomllib
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

# From the folder of the project, in which hooks are called.
_sources = Path("src")
# The oldest that a zip can have: the same sources always give the same wheel.
_date = (1980, 1, 1, 0, 0, 0)
_wheel = "Wheel-Version: 1.0\nGenerator: sockref_build\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    files = {path.relative_to(_sources).as_posix(): path.read_bytes() for path in _files_below(_sources)}
    return _write_wheel(Path(wheel_directory), files)


def build_editable(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    return _write_wheel(Path(wheel_directory), {"sockref.pth": f"{_sources.resolve()}\n".encode()})


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    project = _project()
    base = f"{project['name']}-{project['version']}"
    names = ["pyproject.toml", "README.md", "LICENSE"]
    paths = [Path(name) for name in names] + [*_files_below(Path("backend")), *_files_below(_sources)]
    with tarfile.open(Path(sdist_directory) / f"{base}.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for path in paths:
            archive.add(path, f"{base}/{path.as_posix()}")
        content = _metadata(project).encode()
        member = tarfile.TarInfo(f"{base}/PKG-INFO")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return f"{base}.tar.gz"


def _write_wheel(directory: Path, files: dict[str, bytes]) -> str:
    project = _project()
    base = f"{project['name']}-{project['version']}"
    info = f"{base}.dist-info"
    files |= {
        f"{info}/METADATA": _metadata(project).encode(),
        f"{info}/WHEEL": _wheel.encode(),
        f"{info}/licenses/LICENSE": Path("LICENSE").read_bytes(),
    }
    record = "".join(f"{name},sha256={_digest(content)},{len(content)}\n" for name, content in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    name = f"{base}-py3-none-any.whl"
    with ZipFile(directory / name, "w", ZIP_DEFLATED) as archive:
        for each, content in files.items():
            entry = ZipInfo(each, _date)
            entry.external_attr = 0o644 << 16
            entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, content)
    return name


def _project() -> dict[str, Any]:
    return tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]


def _metadata(project: dict[str, Any]) -> str:
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"License: {project['license']}",
        f"Requires-Python: {project['requires-python']}",
        *(f"Classifier: {each}" for each in project["classifiers"]),
        *(f"Requires-Dist: {each}" for each in project["dependencies"]),
        "Description-Content-Type: text/markdown",
    ]
    return "\n".join(lines) + "\n\n" + Path(project["readme"]).read_text("utf-8")


def _files_below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.endswith(".pyc"):
            yield path


def _digest(content: bytes) -> str:
    return urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
