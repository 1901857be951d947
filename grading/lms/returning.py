"""The archives in which Moodle and Canvas take pages of feedback back.

Moodle (*Upload multiple feedback files in a zip*) finds the student by the folder's name, which is that of the download;
Canvas (*Upload Submissions*) by the two numbers in a file's name, which are those of the download as well.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EPOCH = (1980, 1, 1, 0, 0, 0)


def write_zip(pages: Mapping[str, Path], records: Mapping[str, dict[str, Any]], system: str, place: Path) -> tuple[list[str], list[str]]:
    """Pack the HTML pages of each student's folder (`pages`) for a system; (students packed, those it did not hand out).

    `records` are those of `records.read_records`. Where nobody's can be packed nothing is written.
    """
    packed, left = [], []
    entries = []
    for student, folder in sorted(pages.items()):
        record = records.get(student, {})
        files = sorted(Path(folder).glob("*.html"))
        if record.get("system") != system or not record.get("prefix") or not files:
            left.append(student)
            continue
        packed.append(student)
        entries += [(name_in(system, record["prefix"], path.name), path) for path in files]
    if entries:
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_name(f".{place.name}.partial")
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, path in entries:
                info = zipfile.ZipInfo(name, EPOCH)
                info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(info, path.read_bytes())
        partial.replace(place)
    return packed, left


def name_in(system: str, prefix: str, file: str) -> str:
    return f"{prefix}/{file}" if system == "moodle" else f"{prefix}{file}"
