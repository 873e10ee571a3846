"""A chain in this process as a provider for web3.py, for those who want web3's objects.

Knows nothing of methods. CCIP-Read is off: a contract cannot make this process open a URL.
"""

from __future__ import annotations

from typing import Any

from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from deedbook.chain.embedded.rpc import Methods


class EmbeddedProvider(JSONBaseProvider):
    """`Web3(EmbeddedProvider(Methods(chain)))`."""

    global_ccip_read_enabled = False

    def __init__(self, methods: Methods) -> None:
        super().__init__()
        self._methods = methods

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One request, encoded and decoded as over HTTP."""
        return self.decode_rpc_response(self._methods.handle(self.encode_rpc_request(method, params)))

    def make_batch_request(self, batch_requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse] | RPCResponse:
        """Several requests in one exchange, answered in their order."""
        answer: Any = self.decode_rpc_response(self._methods.handle(self.encode_batch_rpc_request(batch_requests)))
        return answer  # type: ignore[no-any-return]

    def is_connected(self, show_traceback: bool = False) -> bool:  # noqa: ARG002 - web3 names it
        """Always: the chain is here."""
        return True
