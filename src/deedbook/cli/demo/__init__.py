"""`deedbook demo`: a sale from end to end, in a home of its own: Guiyang's of records, or Shenzhen's of queries.

A demo that was cut short starts clean, and says so; a finished one is set aside before the next is told. Nothing that
is not a demo's is ever touched.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from deedbook import config
from deedbook.bootstrap.home import Home, read_json, write_bytes, write_json
from deedbook.bootstrap.services import Services, require_unused
from deedbook.cli import acts, grammar, serve
from deedbook.cli.demo.firms import MOST as MOST_FIRMS
from deedbook.cli.demo.guiyang import Guiyang
from deedbook.cli.demo.shenzhen import Shenzhen
from deedbook.cli.demo.teller import Teller
from deedbook.cli.grammar import AsJson
from deedbook.domain.attestations import asset_key
from deedbook.domain.hashing import to_hex
from deedbook.errors import Conflict, InvalidInput
from deedbook.queries.sales import sales

app = grammar.single()

DEFAULT_HOME = "build/demo"
DEFAULT_COUNT = 500
MARKER = "demo.json"
STORIES: dict[str, type[Guiyang] | type[Shenzhen]] = {"guiyang": Guiyang, "shenzhen": Shenzhen}
FEWEST = 2
MOST = {"guiyang": 28_155, "shenzhen": MOST_FIRMS}
"""The size of the survey; as many as the generator makes."""


@app.command()
def demo(
    story: Annotated[str, typer.Option(help="guiyang: people's records; shenzhen: queries about firms")] = "guiyang",
    people: Annotated[int | None, typer.Option(help="guiyang: how many people of the survey, 2 to 28155 [500]")] = None,
    firms: Annotated[int | None, typer.Option(help="shenzhen: how many synthetic firms, 2 to 5000 [500]")] = None,
    home: Annotated[str, typer.Option(help="the folder of the demo's home (DEEDBOOK_HOME, else build/demo)")] = "",
    lang: Annotated[str, typer.Option(help="zh or en")] = "zh",
    stay: Annotated[
        bool, typer.Option("--serve", help="show the story on pages afterwards, until interrupted")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell a sale by doing it: real contracts and an embedded chain; in Guiyang real records, in Shenzhen synthetic."""
    if lang not in ("zh", "en"):
        raise InvalidInput("lang", "must be zh or en")
    count = _count(story, {"guiyang": ("people", people), "shenzhen": ("firms", firms)})
    path = Path(home or os.environ.get("DEEDBOOK_HOME") or DEFAULT_HOME)
    teller = Teller(lang, sys.stderr if as_json else sys.stdout)
    if stay:
        _require_free(path)
    _clear(path, teller)
    Home.create(path)
    write_json(path / MARKER, _marker("running", story, count, lang))
    with Services.init(config.load(path)) as services:
        for part in STORIES[story].MEMBERS:
            services.create_account(part.key)
        STORIES[story](services, teller, count).tell()
        write_bytes(path / "story.txt", "\n".join(teller.lines).encode())
        write_json(path / MARKER, _marker("told", story, count, lang))
        links = _links(services)
    if as_json:
        left = {"bundle": str(path / "sale-1.deed"), "trust": str(path / "trust.json")}
        said = {"home": str(path), "told": story, _COUNTED[story]: count}
        acts.say_json({**said, **left, "story": teller.lines})
    if stay:
        _show(path, teller, links, as_json)


def _require_free(path: Path) -> None:
    """Raises Conflict where the port is taken: told before the story, and not after it."""
    settings = config.load(path)
    serve.listening(settings.host, settings.port).close()


def _links(services: Services) -> tuple[tuple[str, str, str], ...]:
    """What to look at, in English and Chinese, and the path of its page."""
    services.follow()
    first = sales(services.mirror, limit=1).items[0]
    sale = f"/explore/sales/{to_hex(first.sale_id)}"
    return (
        ("everything", "全部", "/explore/"),
        ("the asset", "资产", f"/explore/assets/{to_hex(asset_key(first.asset_id))}"),
        ("the first sale, and what each person earned", "首笔交易及每人所得", sale),
        ("its certificate, to be printed", "可打印的交易凭证", f"{sale}/certificate"),
    )


def _show(path: Path, teller: Teller, links: Sequence[tuple[str, str, str]], as_json: bool) -> None:
    """Serves the told home until interrupted."""
    settings = config.load(path)
    with serve.listening(settings.host, settings.port) as listener:
        url = serve.address(settings, listener)
        teller.note("", "")
        for english, chinese, page in links:
            teller.note(f"{english}: {url}{page}", f"{chinese}:{url}{page}")
        serve.answer(settings, listener, pages=True, as_json=as_json)


_COUNTED = {"guiyang": "people", "shenzhen": "firms"}


def _count(story: str, given: Mapping[str, tuple[str, int | None]]) -> int:
    """How many take part in the story; the other story's number says nothing here."""
    if story not in STORIES:
        raise InvalidInput("story", f"must be {' or '.join(STORIES)}")
    for other, (option, number) in given.items():
        if other != story and number is not None:
            raise InvalidInput(option, f"belongs to the story of {other}")
    option, number = given[story]
    count = DEFAULT_COUNT if number is None else number
    if not FEWEST <= count <= MOST[story]:
        raise InvalidInput(option, f"must be from {FEWEST} to {MOST[story]}")
    return count


def _clear(path: Path, teller: Teller) -> None:
    """Makes room for a new demo: never over a home that is in use, of another version, or not a demo's.

    A home is renamed before anything in it is deleted, so that a kill here leaves a whole one or none.
    """
    discarded = path.with_name(f".{path.name}.discarded")
    shutil.rmtree(discarded, ignore_errors=True)
    if not path.exists() or _is_empty(path):
        return
    if Home(path).marker.exists():
        Home.open(path)
    if not (path / MARKER).exists() and not _barely_begun(path):
        raise Conflict(f"{path} is in use for something else", hint="name another folder by --home")
    require_unused(path)
    if (path / MARKER).exists() and read_json(path / MARKER, MARKER).get("state") == "told":
        aside = next(name for name in _free_names(path) if not name.exists())
        path.rename(aside)
        teller.note(
            f"this home held a finished demo: it is set aside as {aside}, starting clean",
            f"此目录已有完成的演示:移至 {aside},重新开始",
        )
        return
    path.rename(discarded)
    shutil.rmtree(discarded)
    teller.note("this home held a demo that was cut short: starting clean", "此目录的演示曾中断:重新开始")


def _is_empty(path: Path) -> bool:
    if not path.is_dir():
        raise Conflict(f"{path} is not a folder", hint="name another folder by --home")
    return not any(path.iterdir())


def _barely_begun(path: Path) -> bool:
    """Whether it is a home in which nothing was kept yet: empty folders, at most the draft of its `home.json`."""
    home = Home(path)
    folders = {home.keys, home.keks, home.chain, home.objects}
    drafts = (home.marker.name, f".{home.marker.name}.", f".{MARKER}.")
    return all(
        not any(each.iterdir()) if each in folders and each.is_dir() else each.name.startswith(drafts)
        for each in path.iterdir()
    )


def _free_names(path: Path) -> Iterator[Path]:
    yield path.with_name(path.name + ".before")
    for number in range(2, 10_000):
        yield path.with_name(f"{path.name}.before-{number}")
    raise Conflict(f"too many demos are set aside beside {path}", hint="remove some")


def _marker(state: str, story: str, count: int, lang: str) -> dict[str, object]:
    said = {"story": story, _COUNTED[story]: count, "lang": lang}
    return {"format": "deedbook.demo", "version": 1, "state": state, **said}
