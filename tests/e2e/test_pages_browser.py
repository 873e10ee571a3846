"""The pages in a real Chromium: accessible in both languages, on phone and desktop, light and dark; nothing refused,
nothing asked of anybody else; with keys alone, and without scripts."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import ledger_story as story
from tests import pages_stage as stage

PICTURES: tuple[dict[str, str | int], ...] = (
    {"name": "sale-zh-phone", "path": "sale", "language": "zh-CN", "scheme": "dark", "width": 390, "height": 844},
    {"name": "sale", "path": "sale", "language": "en", "scheme": "light", "width": 1280, "height": 900},
    {"name": "lineage", "path": "lineage of 300", "language": "en", "scheme": "light", "width": 1280, "height": 900},
    {
        "name": "certificate",
        "path": "certificate",
        "language": "zh-CN",
        "scheme": "light",
        "width": 900,
        "height": 1200,
    },
)

CROSSED = ("start", "asset", "sale", "lineage of 300")
"""Pages that are also looked at in English on a phone and in Chinese on a desktop; all are the other way round."""


@dataclass(frozen=True)
class Seen:
    """What the browser reported, and where its pictures are."""

    report: dict[str, Any]
    folder: Path


@pytest.fixture(scope="module")
def seen(node: Path, browser: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = root / "build" / "pages"
    folder.mkdir(parents=True, exist_ok=True)
    with stage.shown(tmp_path_factory.mktemp("pages")) as (_, client):
        paths = stage.paths()
        pictures = [{**each, "path": paths[str(each["path"])]} for each in PICTURES]
        asked = {"origin": client.url, "pages": paths, "crossed": {kind: paths[kind] for kind in CROSSED}}
        words = json.dumps({**asked, "more": "/explore/assets", "pictures": pictures, "folder": str(folder)})
        command = [node, browser / "crawl.mjs"]
        done = subprocess.run(command, input=words, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr
    return Seen(json.loads(done.stdout), folder)


@pytest.mark.slow
def test_a_browser_finds_nothing_to_complain_of_on_any_page(seen: Seen) -> None:
    report = seen.report
    assert report["checked"] == 2 * len(stage.paths()) + 2 * len(CROSSED)
    assert report["violations"] == []  # axe: zh and en, phone and desktop, light and dark
    assert report["refused"] == []  # by the Content Security Policy
    assert report["strangers"] == []  # asked of another origin
    assert report["errors"] == []
    assert report["wide"] == []  # pages that must be moved sideways
    assert report["policed"] == {"ran": False, "refused": ["script-src-elem"]}
    assert report["copied"] is True
    assert report["more"] == {"before": 50, "after": 150, "distinct": 150, "same": True}
    assert report["keyboard"] == {"first": "skip", "second": "q", "found": 1}
    assert report["without"] == {"heading": "Resumes of job seekers", "buttons": 0, "rows": 50}
    for picture in PICTURES:
        assert (seen.folder / f"{picture['name']}.png").stat().st_size > 10_000
    assert story.SALE  # what the pictures show is the scripted ledger, nobody's
