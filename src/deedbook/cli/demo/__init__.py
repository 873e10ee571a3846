"""`deedbook demo`: the Guiyang sale, end to end, on real records, in a home of its own.

A demo that was cut short starts clean, and says so; a finished one is set aside before the next is told.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import typer

from deedbook import config
from deedbook.bootstrap.home import Home, read_json, write_bytes, write_json
from deedbook.bootstrap.services import Services, require_unused
from deedbook.cli.demo import cast
from deedbook.cli.demo.story import Story
from deedbook.cli.demo.teller import Teller
from deedbook.errors import Conflict, InvalidInput

app = typer.Typer()

DEFAULT_HOME = "build/demo"
MARKER = "demo.json"


@app.command()
def demo(
    people: int = typer.Option(500, help="how many people of the survey take part"),
    home: str = typer.Option("", help="the folder for the demo's home (DEEDBOOK_HOME, else build/demo)"),
    lang: str = typer.Option("zh", help="zh or en"),
) -> None:
    """Tell the sale of Guiyang by doing it: real contracts, real records, an embedded chain."""
    if lang not in ("zh", "en"):
        raise InvalidInput("lang", "must be zh or en")
    if not 2 <= people <= 28_155:
        raise InvalidInput("people", "must be from 2 to 28155, the size of the survey")
    path = Path(home or os.environ.get("DEEDBOOK_HOME") or DEFAULT_HOME)
    teller = Teller(lang)
    _clear(path, teller)
    with Services.init(config.load(path)) as services:
        write_json(path / MARKER, _marker("running", people, lang))
        for part in cast.MEMBERS:
            services.create_account(part.key)
        teller.opening(services.chain_id, str(path))
        Story(services, teller, people).tell()
        write_bytes(path / "story.txt", "\n".join(teller.lines).encode())
        write_json(path / MARKER, _marker("told", people, lang))


def _clear(path: Path, teller: Teller) -> None:
    """Makes room for a new demo: never over a home that is in use, or that is not a demo's."""
    marker = path / MARKER
    if not path.exists() or not any(path.iterdir()):
        return
    if not marker.exists() and not _barely_begun(path):
        raise Conflict(f"{path} is in use for something else", hint="name another folder by --home")
    require_unused(path)
    if marker.exists() and read_json(marker, MARKER).get("state") == "told":
        aside = path.with_name(path.name + ".before")
        shutil.rmtree(aside, ignore_errors=True)
        path.rename(aside)
        teller.note(
            f"this home held a finished demo: it is set aside as {aside}, starting clean",
            f"此目录已有完成的演示:移至 {aside},重新开始",
        )
        return
    shutil.rmtree(path)
    teller.note("this home held a demo that was cut short: starting clean", "此目录的演示曾中断:重新开始")


def _barely_begun(path: Path) -> bool:
    """A home without a deployment: nothing of anybody's is in it yet."""
    home = Home(path)
    return home.marker.exists() and not home.deployment.exists()


def _marker(state: str, people: int, lang: str) -> dict[str, object]:
    return {"format": "deedbook.demo", "version": 1, "state": state, "people": people, "lang": lang}
