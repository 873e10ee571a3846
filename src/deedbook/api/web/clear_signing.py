"""What a wallet is told of what it signs here (ERC-7730, version 2): names for the fields of consents, withdrawals and
payees, and in which order they are shown. The file is committed; a service adds where its contract stands.

    /explore/erc7730/eip712-deedbook-consent.json
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from deedbook.api.serving import Serving

PATH: Final = "/erc7730/eip712-deedbook-consent.json"


def descriptor(request: Request) -> Response:
    """The descriptor for the `Consents` contract of this service's ledger."""
    serving: Serving = request.app.state.serving
    deployment = serving.deployment()
    here = {"chainId": int(deployment["chainId"]), "address": deployment["contracts"]["Consents"]}
    found = committed()
    found["context"]["eip712"]["deployments"] = [here]
    return JSONResponse(found, headers={"Cache-Control": "no-cache"})


def committed() -> dict[str, Any]:
    """The descriptor as it is committed, of no ledger."""
    found: dict[str, Any] = json.loads(_text())
    return found


@cache
def _text() -> bytes:
    return resources.files("deedbook.api.web").joinpath("descriptors/eip712-deedbook-consent.json").read_bytes()
