"""Verifies a bundle against a trust: no network, no database, no service.

Steps, in order; the first failure ends the verification and is named:

1. Form: canonical JSON of the known format and version, nothing in it that the format does not know.
2. Trust: chain id, genesis and contract addresses are the trust's; the headers run, each the parent of the next, into a
   block whose hash the trust pins, or which enough of the validators sealed whom the trust names: of a QBFT block
   ceil(2n/3) of them itself, of a Clique block floor(n/2)+1 its descendants. Votes are never counted.
3. Heads: each contract's account is in that block's state, and each journal's head in its storage, absent ones too.
4. Journals: each journal's logs fold into its head; each log is an event that concerns its entity. None is left out.
5. Rules: every rule of the sale is derived again, event by event: membership and roles at each act, registration and
   versions, rights, batches, audits and bindings, offer, order, attestations, holds, payment, prepare, deliver, accept,
   dispute, refund, settle, payouts, what came back, use. No journal is there that no rule asked for. A bundle of
   version 1 is judged by the rules of the deployments that it is of.
6. Consents: each signed consent's identifier, signer, sentence, leaf, manifest; nobody counted twice, none narrower
   than its batch. A public bundle shows none.
7. Cover: it names exactly those whose consents were live.
8. Money: what each person is owed, and what was paid.
9. Payload: units, envelope and documents are those that the chain's hashes name.
10. Claims: what the exchange says is what the evidence says; then what the caller's policy asks.

Exit codes: 0 valid; 1 a statement contradicts the evidence, or chain, genesis or addresses differ from the trust; 2 no
usable trust was given; 3 evidence is missing, or the block is neither pinned nor of the list of validators.
"""

from __future__ import annotations

from deedbook.audit.bundle import Bundle, journalled
from deedbook.audit.consents import check_consents, check_direct_consents
from deedbook.audit.derivation import Derivation, check_claims, claims_of, derive
from deedbook.audit.evidence import (
    Evidence,
    check_heads,
    check_journals,
    check_nothing_idle,
    check_subject,
)
from deedbook.audit.findings import Findings, Report, Verdict, contradiction
from deedbook.audit.headers import check_chain
from deedbook.audit.payloads import (
    check_cover,
    check_documents,
    check_payload,
    needed_documents,
    read_descriptor,
    read_notices,
)
from deedbook.audit.policies import Anything, Policy
from deedbook.audit.revenue import check_money
from deedbook.audit.trust import Trust
from deedbook.domain.consents import ConsentDomain
from deedbook.domain.hashing import to_hex
from deedbook.errors import DeedbookError, EvidenceMissing


def judge(data: bytes, trust: bytes | None, policy: Policy | None = None) -> Report:
    """The report on a bundle's bytes by a trust's bytes; USAGE where the trust is absent or cannot be read."""
    if trust is None:
        return Report(Verdict.USAGE, (), rule="usage.trust", reason="no trust was given: nothing can be decided")
    try:
        believed = Trust.from_json(trust)
    except DeedbookError as reason:
        return Report(Verdict.USAGE, (), rule="usage.trust", reason=f"the trust cannot be read: {reason}")
    return verify(data, believed, policy)


def verify(data: bytes, trust: Trust, policy: Policy | None = None) -> Report:
    """The report on a bundle's bytes. Raises nothing for whatever they hold."""
    findings = Findings()
    try:
        claims = _steps(data, trust, policy or Anything(), findings)
    except EvidenceMissing as reason:
        return _failed(Verdict.UNDECIDED, reason, findings)
    except DeedbookError as reason:
        return _failed(Verdict.CONTRADICTED, reason, findings)
    return Report(Verdict.VALID, tuple(findings.facts), claims=claims)


def _steps(data: bytes, trust: Trust, policy: Policy, findings: Findings) -> dict[str, object]:
    findings.begin(1)
    bundle = Bundle.from_bytes(data)
    findings.found("format", f"a bundle of sale {to_hex(bundle.sale)}, {len(data)} bytes in canonical form")
    derived, _ = derived_from(bundle, trust, findings)
    findings.begin(6)
    _check_people(bundle, derived, findings)
    findings.begin(7)
    cover = check_cover(derived.sale, derived.version, derived.register, bundle.cover, findings)
    findings.begin(8)
    check_money(derived.sale, derived.books, findings)
    findings.begin(9)
    check_payload(derived.sale, derived.version, derived.register, cover, bundle.units, bundle.envelope, findings)
    check_documents(needed_documents(derived.sale, derived.version, derived.register), bundle.documents, findings)
    descriptor = read_descriptor(derived.sale, derived.version, bundle.documents, findings)
    findings.begin(10)
    claims = claims_of(derived, descriptor)
    check_claims(bundle.claims, claims, findings)
    policy.check(bundle, derived, findings)
    return claims


def derived_from(bundle: Bundle, trust: Trust, findings: Findings) -> tuple[Derivation, Evidence]:
    """Steps 2 to 5: the sale, and the journals that it was derived from. Raises IntegrityError naming the rule that the
    evidence breaks, EvidenceMissing."""
    findings.begin(2)
    headers = check_chain(bundle, trust, findings)
    findings.begin(3)
    heads = check_heads(bundle, headers[-1], findings)
    findings.begin(4)
    evidence = check_journals(bundle, heads, headers, findings)
    findings.begin(5)
    return _derive(bundle, evidence, findings), evidence


def _derive(bundle: Bundle, evidence: Evidence, findings: Findings) -> Derivation:
    for name in journalled(bundle.version):
        if name not in bundle.contracts:
            raise contradiction("trust.contracts", f"the chain has no contract {name}")
    check_subject(bundle, evidence)
    try:
        derived = derive(bundle.sale, bundle.chain_id, bundle.contracts, evidence, findings)
    except DeedbookError as reason:
        raise evidence.missing() or reason from reason
    check_nothing_idle(bundle, evidence, findings)
    return derived


def _check_people(bundle: Bundle, derived: Derivation, findings: Findings) -> None:
    register = derived.register
    if register is None:
        findings.require(bundle.consents is None, "consents.shown", "consents to a sale that rests on none")
        return
    domain = ConsentDomain(bundle.chain_id, bundle.contracts["Consents"])
    notices = read_notices(derived.sale, register, bundle.documents)
    basis = derived.basis
    check_direct_consents(basis, notices, findings)
    if bundle.consents is None:
        findings.found("consents.public", "a public bundle: consents are counted and rooted, not shown")
        return
    check_consents(register, basis, bundle.consents, notices, domain, findings)


def _failed(verdict: Verdict, reason: DeedbookError, findings: Findings) -> Report:
    rule = reason.fields.get("rule") or f"format.{reason.code}"
    return Report(verdict, tuple(findings.facts), step=findings.step, rule=str(rule), reason=str(reason))
