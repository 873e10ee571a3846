"""`deedbook audit`: export a sale as one file, and verify such a file without the exchange."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from deedbook.audit.findings import Report
from deedbook.audit.verify import judge
from deedbook.domain.hashing import from_hex
from deedbook.errors import InvalidInput

app = typer.Typer(no_args_is_help=True, help="Export and verify.")


@app.command()
def verify(
    file: str = typer.Argument(help="the bundle, such as sale-1.deed; - reads standard input"),
    trust: str = typer.Option("", help="the trust: chain, genesis, contracts, pinned blocks (trust.json)"),
    as_json: bool = typer.Option(False, "--json", help="print the report as JSON"),
    quiet: bool = typer.Option(False, "--quiet", help="print the verdict only"),
) -> None:
    """Verify a bundle: no network, no database. Exit 0 valid, 1 contradicted, 2 no usable trust, 3 evidence missing."""
    report = judge(_read(file), _read(trust) if trust else None)
    if as_json:
        print(json.dumps(report.to_json(), indent=1, ensure_ascii=False))
    else:
        _tell(report, quiet)
    raise typer.Exit(report.exit_code)


@app.command()
def export(
    sale: str = typer.Argument(help="the sale's id, 32 bytes in hex"),
    out: str = typer.Option("-", help="where the bundle goes"),
    trust_out: str = typer.Option("", help="where a trust for it goes: pin it by other means before you rely on it"),
    public: bool = typer.Option(False, "--public", help="leave out the signed consents"),
) -> None:
    """Write one self-contained file that proves a sale."""
    from deedbook import config
    from deedbook.bootstrap.services import Services

    sale_id = from_hex(sale, "sale", 32)
    with Services.open(config.load()) as services:
        bundle, trust = services.export_sale(sale_id, full=not public)
    _write(out, bundle)
    if trust_out:
        _write(trust_out, trust)


def _tell(report: Report, quiet: bool) -> None:
    for fact in () if quiet else report.findings:
        print(f"{fact.step:2}  {fact.rule:24} {fact.words}")
    print(report.summary)


def _read(name: str) -> bytes:
    if name == "-":
        import sys

        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise InvalidInput("file", f"cannot read {name}: {error.strerror}") from error


def _write(name: str, content: bytes) -> None:
    if name == "-":
        import sys

        sys.stdout.buffer.write(content)
        return
    try:
        Path(name).write_bytes(content)
    except OSError as error:
        raise InvalidInput("out", f"cannot write {name}: {error.strerror}") from error
