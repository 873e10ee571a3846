"""The one tree of errors, drawn by who must act.

    DeedbookError
    |-- InvalidInput            the caller: a field is missing, malformed or out of range
    |   |-- InvalidSignature    the signer: the signature is not the named account's
    |   |-- InvalidFormat       a file, message or document is not in the named format
    |   |-- WrongVersion        a home, file or message of another version
    |   `-- KeyReused           an idempotency key that stands for another request
    |-- Unauthenticated         the caller: it has to be known who asks, and it is not
    |-- Forbidden               the caller: known, and may not do this
    |-- TooManyRequests         retry: one caller asked too often
    |-- RejectedByContract      the caller: the contract's own custom error, with its arguments
    |-- NotFound                the caller: nothing has this identifier
    |-- Conflict                the caller: it exists already, or another holds it
    |   |-- Locked              a second writer: the home or chain is in use
    |   |-- UnderWay            retry: a request of the same idempotency key is being answered
    |   `-- LeaseLost           a sender: another one sends for the account by now
    |-- ChainUnavailable        retry: no node answers, or it lags
    |-- StoreUnavailable        retry: a database or an object store does not answer
    |-- ServiceUnavailable      retry: a service of ours cannot be reached, or asks for patience
    |-- ServiceRefused          the caller: a service of ours refused for a reason that is none of these
    |-- WorkersUnavailable      retry: a process or cluster that checks for this one is gone, or does not answer
    |-- WrongChain              the operator: chain id or genesis differs
    |-- TransactionFailed       the operator: mined without effect, and no custom error explains it
    |-- NoFunds                 the operator: an account cannot pay for its transaction
    |-- IntegrityError          the operator: stored data contradicts its hash, proof or journal
    |   |-- NodesDisagree       two nodes have different final blocks of one number; both are quoted
    |   |-- CorruptStore        a database or object store cannot be read
    |   `-- SealBroken          a sealed payload does not open, or not to what was committed
    |-- EvidenceMissing         the auditor: what a check needs is not in the bundle or the store
    `-- MissingKey              the operator: a key, keystore or passphrase is absent or wrong

An error carries its fields; the message is built from them. `code` is stable and safe to show; it never holds
personal data. Foreign exceptions stop at their room's door (`raise ... from`). Only `api.problems` and `cli.main`
turn an error into words for people.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class DeedbookError(Exception):
    """Base of every error that Deedbook raises on purpose.

    `fields` are keyword facts (never personal data); `hint` says what the reader can do.
    """

    code = "error"
    retryable = False

    def __init__(self, message: str, *, hint: str | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.fields: Mapping[str, Any] = fields


class InvalidInput(DeedbookError):
    """A field is missing, malformed or out of range; `field` names it."""

    code = "invalid-input"

    def __init__(self, field: str, reason: str, *, hint: str | None = None, **fields: Any) -> None:
        super().__init__(f"{field}: {reason}", hint=hint, field=field, reason=reason, **fields)
        self.field = field
        self.reason = reason


class InvalidSignature(InvalidInput):
    """The signature is malformed, malleable, or not by the named account."""

    code = "invalid-signature"


class InvalidFormat(InvalidInput):
    """Bytes that are not what their format says."""

    code = "invalid-format"


class WrongVersion(InvalidInput):
    """A home, file or message of a version that this release does not read."""

    code = "wrong-version"


class KeyReused(InvalidInput):
    """The idempotency key came with another request before; nothing was done."""

    code = "key-reused"

    def __init__(self) -> None:
        hint = "take a new key for each request, and the same one only to repeat it"
        super().__init__("Idempotency-Key", "stands for another request", hint=hint)


class Unauthenticated(DeedbookError):
    """It has to be known who asks, and it is not. `given` says whether something was shown that is not good, such as a
    key that has ended: which of the two it is, and no more, is told."""

    code = "unauthenticated"

    def __init__(self, *, given: bool = False) -> None:
        said = "what was shown to say who asks is not good" if given else "it has to be known who asks"
        super().__init__(said, hint="sign in, or send a key: Authorization: Bearer KEY")
        self.given = given


class Forbidden(DeedbookError):
    """Who asks is known and may not do this; `scope` names what the key lacks, where it is that."""

    code = "forbidden"

    def __init__(self, reason: str, *, scope: str | None = None) -> None:
        super().__init__(reason, **({} if scope is None else {"scope": scope}))
        self.scope = scope


class TooManyRequests(DeedbookError):
    """One caller asked too often; `retry_after` is in seconds."""

    code = "too-many-requests"
    retryable = True

    def __init__(self, retry_after: int) -> None:
        super().__init__("too many requests", hint=f"ask again in {retry_after} seconds", retryAfter=retry_after)
        self.retry_after = retry_after


class RejectedByContract(DeedbookError):
    """A contract refused: `contract` and `error` name its custom error, `arguments` are its own, by name."""

    code = "rejected-by-contract"

    def __init__(self, contract: str, error: str, arguments: Mapping[str, Any], *, hint: str | None = None) -> None:
        words = ", ".join(f"{name}={value}" for name, value in arguments.items())
        super().__init__(f"{contract} refused: {error}({words})", hint=hint, contract=contract, error=error)
        self.contract = contract
        self.error = error
        self.arguments: Mapping[str, Any] = dict(arguments)


class NotFound(DeedbookError):
    """Nothing of this `kind` has this identifier."""

    code = "not-found"

    def __init__(self, kind: str, identifier: str, *, hint: str | None = None) -> None:
        super().__init__(f"no {kind} {identifier}", hint=hint, kind=kind, identifier=identifier)
        self.kind = kind
        self.identifier = identifier


class Conflict(DeedbookError):
    """It exists already with other contents, or another act holds it."""

    code = "conflict"


class Locked(Conflict):
    """Another process writes here."""

    code = "locked"


class UnderWay(Conflict):
    """A request of the same idempotency key is being answered."""

    code = "under-way"
    retryable = True

    def __init__(self) -> None:
        super().__init__("a request of this key is under way", hint="ask again with the same key")


class LeaseLost(Conflict):
    """Another sender holds the account's lease by now: nothing was written, and it goes on from here."""

    code = "lease-lost"
    retryable = True


class ChainUnavailable(DeedbookError):
    """No node answers in time, or it lags.

    `failure` is a short stable word for how (`timeout`, `refused`, `wrong-id`, ...). `unsent` says that the request
    certainly never reached a node; otherwise it may have been carried out.
    """

    code = "chain-unavailable"
    retryable = True

    def __init__(
        self,
        message: str,
        *,
        failure: str = "unavailable",
        unsent: bool = False,
        hint: str | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(message, hint=hint, failure=failure, **fields)
        self.failure = failure
        self.unsent = unsent


class StoreUnavailable(DeedbookError):
    """A database or an object store on another machine cannot be reached; what was asked may have been done."""

    code = "store-unavailable"
    retryable = True


class ServiceUnavailable(DeedbookError):
    """A Deedbook service that is asked over HTTP cannot be reached, or says that it can answer later."""

    code = "service-unavailable"
    retryable = True


class ServiceRefused(DeedbookError):
    """A Deedbook service answered with a problem (RFC 9457) that this release has no error for: its `status` (HTTP) and
    stable code, `problem`."""

    code = "service-refused"

    def __init__(self, status: int, problem: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, status=status, problem=problem)
        self.status = status
        self.problem = problem


class WorkersUnavailable(DeedbookError):
    """Who checks for this process died, is gone, or does not answer in time. What was kept before stays."""

    code = "workers-unavailable"
    retryable = True


class WrongChain(DeedbookError):
    """The node is of another chain: chain id or genesis hash differs."""

    code = "wrong-chain"


class TransactionFailed(DeedbookError):
    """A transaction was mined without effect, and no custom error explains it."""

    code = "transaction-failed"


class NoFunds(DeedbookError):
    """An account cannot pay for its transaction; asked again when it is funded, the same bytes are sent.

    `account` is its address, `needed` and `balance` are in wei, as decimal text.
    """

    code = "no-funds"

    def __init__(self, account: str, needed: int, balance: int) -> None:
        super().__init__(
            f"the account {account} has {balance} wei and its transaction may cost {needed}",
            hint="fund the account, then run the same command again",
            account=account,
            needed=str(needed),
            balance=str(balance),
        )
        self.account = account


class IntegrityError(DeedbookError):
    """Stored data contradicts its hash, its proof or its journal."""

    code = "integrity"


class NodesDisagree(IntegrityError):
    """Nodes that should be of one chain state different things that cannot both hold: `stated` by host."""

    code = "nodes-disagree"

    def __init__(self, what: str, stated: Mapping[str, str], *, hint: str | None = None) -> None:
        words = ", ".join(f"{host} states {value}" for host, value in stated.items())
        super().__init__(f"the nodes disagree on {what}: {words}", hint=hint, what=what, stated=dict(stated))
        self.what = what
        self.stated: Mapping[str, str] = dict(stated)


class CorruptStore(IntegrityError):
    """A database or an object store cannot be read."""

    code = "corrupt-store"


class SealBroken(IntegrityError):
    """A sealed payload does not open, or opens to something else than was committed."""

    code = "seal-broken"


class EvidenceMissing(DeedbookError):
    """What a check needs is not there."""

    code = "evidence-missing"


class MissingKey(DeedbookError):
    """A key, keystore or passphrase is absent or wrong."""

    code = "missing-key"
