"""What every story of the demo does: acts on the services of a home, and one line told of each.

Every act calls the same use case as the other commands and the service; nothing here decides a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from io import BytesIO
from typing import Any, Protocol

from deedbook.audit.batches import check_batch
from deedbook.audit.verify import judge
from deedbook.bootstrap.services import Services
from deedbook.chain.transactions import Receipt, Signer
from deedbook.cli.demo import cast
from deedbook.cli.demo.cast import Part
from deedbook.cli.demo.teller import Teller
from deedbook.domain.batches import Batch
from deedbook.domain.codes import JURISDICTION_CN, AttestationKind, Licence
from deedbook.domain.consents import Consent, SignedConsent, Withdrawal, consent_id, record_commit, withdrawal_digest
from deedbook.domain.events import Event
from deedbook.domain.hashing import canonical_json, sha256, to_hex
from deedbook.domain.keytree import decode_cover, delivered_indices
from deedbook.domain.members import identity_commitment
from deedbook.domain.notices import Notice, load_notice, with_statement
from deedbook.domain.payees import Payee, PayeeKind, SignedPayee, payee_digest
from deedbook.domain.sales import Offer, Ordered, offer_id
from deedbook.errors import DeedbookError, IntegrityError, RejectedByContract
from deedbook.ledger import attestations, deliveries, members, revenue, sales
from deedbook.ledger.acting import Acting
from deedbook.queries.exports import write_csv
from deedbook.queries.sales import sale as sale_view
from deedbook.records.payees import BankBatch
from deedbook.vault.deliveries import DeliveredRecord, Sold, open_delivered
from deedbook.vault.envelopes import Context, EncryptionKeyPair
from deedbook.wallet.derivation import signer_for

DAY = 86_400
YEAR = 365 * DAY
CHUNK = 2000
"""Consents that are taken in one transaction."""


class Owner(Protocol):
    """Whose record it is: a person, a firm."""

    def record(self) -> dict[str, Any]:
        """The record as it is sealed."""


@dataclass(frozen=True, slots=True)
class Wallet:
    """One owner with a wallet: the seed stays there, a fresh key is used for this asset."""

    owner: Any
    signer: Signer
    salt: bytes


@dataclass(frozen=True, slots=True)
class Sale:
    """One sale as a story goes on."""

    ordered: Ordered
    buyer: Part
    delivered: deliveries.Delivered
    per_head: int


class Stage:
    """The home behind `services`, with everybody who acts in a story; `teller` says what happens."""

    def __init__(self, services: Services, teller: Teller) -> None:
        self.services = services
        self.teller = teller
        self.acting = services.acting
        self.start = services.chain_time()
        self.leaves_of = cache(services.records.consents.leaves_of)
        """The signed consents of a batch, in leaf order: opened once."""

    def signer(self, key: str) -> Signer:
        """The account of a part."""
        return self.services.signer(key)

    # -- documents -------------------------------------------------------------------------------------------------

    def publish(self, kind: str, content: bytes) -> bytes:
        """Makes a document public; its SHA-256."""
        return self.services.records.documents.put(kind, content, at=self.services.clock())

    def document(self, kind: str, of: str, /, **facts: Any) -> bytes:
        """A public document of the demo's own (`deedbook.<of>`); its SHA-256."""
        return self.publish(kind, canonical_json({"format": f"deedbook.{of}", "version": 1, **facts}))

    def usage_policy(self) -> bytes:
        """The ODRL policy of what is sold, public; its SHA-256."""
        policy = {
            "@context": "http://www.w3.org/ns/odrl.jsonld",
            "@type": "Offer",
            "permission": [{"action": "use"}],
            "prohibition": [{"action": "distribute"}],
        }
        return self.publish("policy", canonical_json(policy))

    def notice(self, about: str, *, controller: str, contact: str, asset_title: str, by: Part) -> Notice:
        """The notice with the template of the sentence that is signed, published."""
        t = self.teller
        notice = load_notice(
            t.words("en", "zh-CN"), controller=controller, contact=contact, asset_title=asset_title, about=about
        )
        self.publish("notice", notice.encode())
        t.say(f"{by.english}: {to_hex(notice.hash)}", f"{by.chinese}:{to_hex(notice.hash)}")
        return notice

    # -- members ---------------------------------------------------------------------------------------------------

    def admit(self, parts: Sequence[Part]) -> None:
        """Members under salted commitments to made-up identities."""
        for part in parts:
            account, salt = self.signer(part.key).address, self.services.entropy(32)
            self.services.records.identities.put(account, salt, part.identity())
            receipt = members.admit(
                self.acting,
                self.signer(cast.GOVERNANCE),
                account,
                identity=identity_commitment(salt, part.identity()),
                jurisdiction=JURISDICTION_CN,
                roles=part.roles,
                valid_until=self.start + YEAR,
                licences=part.licences,
            )
            self.teller.transaction(part.english, part.chinese, receipt)

    def register_key(self, part: Part) -> None:
        """An encryption key that deliveries are sealed to."""
        key = EncryptionKeyPair.generate(self.services.entropy)
        self.services.keep_encryption_key(part.key, key)
        signer = self.signer(part.key)
        receipt = members.register_encryption_key(self.acting, signer, int(key.suite), key.public.commitment)
        self.teller.transaction(f"{part.english} registers an encryption key", f"{part.chinese}登记加密公钥", receipt)

    def attest(self, attester: str, target: bytes, kind: AttestationKind, **report: Any) -> Receipt:
        """One statement, with its report public."""
        document = self.document("report", "report", kind=kind.name, **report)
        receipt = attestations.attest(
            self.acting, self.signer(attester), target, kind, document, self.start + YEAR // 2
        )
        self.teller.transaction(kind.name.replace("_", " ").lower(), _KIND_ZH[kind], receipt)
        return receipt

    def refused(self, error: str, act: Callable[[], object]) -> None:
        """Does what the contract has to refuse by this error, and tells it in the contract's own words."""
        t = self.teller
        try:
            act()
        except RejectedByContract as refusal:
            if refusal.error != error:
                raise
            t.say(f"refused by the contract itself: {refusal.error}", f"合约拒绝:{refusal.error}")
            for name, value in refusal.arguments.items():
                t.say(f"  {name} = {_argument(name, value)}", f"  {name} = {_argument(name, value)}")
            return
        raise IntegrityError(f"nothing was refused by {error}")

    # -- consents --------------------------------------------------------------------------------------------------

    def wallets(self, owners: Sequence[Owner], asset_id: int, label: str) -> list[Wallet]:
        """A wallet for each, its seed under `label` and a number."""
        draw = self.services.entropy
        seeds = [draw(32) for _ in owners]
        self.services.seeds.add({f"{label}-{number:06}": seed for number, seed in enumerate(seeds, start=1)})
        chain = self.services.chain_id
        signers = [signer_for(seed, chain_id=chain, asset_id=asset_id) for seed in seeds]
        return [Wallet(owner, signer, draw(32)) for owner, signer in zip(owners, signers, strict=True)]

    def sign_consents(
        self, notice: Notice, wallets: Sequence[Wallet], collector: Signer, consent: Callable[[Wallet], Consent]
    ) -> None:
        """Every wallet signs the sentence that it shows, and keeps the collector's receipt."""
        t, domain, signed = self.teller, self.services.consents.domain, []
        for wallet in t.progress(wallets, len(wallets), "signing", "签名"):
            shown = with_statement(notice, consent(wallet))
            signed.append(SignedConsent(domain, shown, wallet.signer.sign_digest(consent_id(domain, shown))))
        receipts = []
        chunks = range(0, len(signed), CHUNK)
        for at in t.progress(chunks, len(chunks), "answering with receipts", "出具回执"):
            receipts += self.services.consents.collect_all(signed[at : at + CHUNK], collector)
        first, given = receipts[0], len(receipts)
        t.say(f"“{first.signed.consent.statement}”", f"“{first.signed.consent.statement}”")
        t.say(
            f"{given} signatures checked, {given} receipts given; the first: {to_hex(first.signed.consent_id)}",
            f"验证签名{given}份,出具回执{given}份;首份:{to_hex(first.signed.consent_id)}",
        )

    def commitment(self, wallet: Wallet) -> bytes:
        """The salted commitment to a wallet's record, as its consent carries it."""
        return record_commit(wallet.salt, wallet.owner.record())

    def anchor(self, asset_id: int, salt: bytes, collector: Signer) -> tuple[Batch, Receipt]:
        """All pending consents in one transaction, whatever their number."""
        batch, receipt = self.services.consents.anchor(asset_id, collector, salt=salt)
        self.teller.transaction(
            f"batch of {batch.count}: root {to_hex(batch.root)[:18]}…",
            f"批次{batch.count}份:根 {to_hex(batch.root)[:18]}…",
            receipt,
        )
        return batch, receipt

    def audit(self, batch: Batch) -> None:
        """The auditor checks every signature, sentence and leaf before the batch counts."""
        t = self.teller
        documents = self.services.records.consents.documents_of(batch.batch_id)
        notices = [self.services.notice(batch.terms.notice_hash)]
        checked = check_batch(batch, documents, notices, self.services.consents.domain)
        t.say(
            f"{checked.signatures} signatures, {checked.statements} sentences rendered again, "
            f"{checked.subjects} different subjects, root and count agree",
            f"签名{checked.signatures}份、原文重现{checked.statements}份、主体{checked.subjects}个各不相同,根与数量一致",
        )
        facts = {"batch": to_hex(batch.batch_id), "signatures": checked.signatures, "subjects": checked.subjects}
        self.attest(cast.AUDITOR, batch.batch_id, AttestationKind.CONSENT_AUDIT, **facts)

    def bind(self, asset_id: int, batch: Batch, holder: Signer) -> None:
        """The version's legal basis: one record per consent, in the same order."""
        auditor = self.signer(cast.AUDITOR).address
        receipt = self.services.consents.bind(holder, asset_id, 1, [(batch, auditor)])
        self.teller.transaction(
            f"bound to {batch.count} consents: one record per consent",
            f"绑定{batch.count}份授权:一条记录对应一份授权",
            receipt,
        )

    def withdraw(self, batch: Batch, leaver: Wallet, payload_id: bytes) -> None:
        """One changes their mind: a signature, a bit on chain, a destroyed key."""
        t = self.teller
        leaves = self.leaves_of(batch.batch_id)
        index = next(i for i, signed in enumerate(leaves) if signed.consent.subject == leaver.signer.address)
        identifier, domain = leaves[index].consent_id, self.services.consents.domain
        signature = leaver.signer.sign_digest(withdrawal_digest(domain, identifier))
        withdrawal = Withdrawal(domain, identifier, leaver.signer.address, signature)
        receipt = self.services.consents.withdraw_for(withdrawal, self.signer(cast.EXCHANGE))
        if receipt is None:
            raise IntegrityError("the consent is in no batch")
        live = receipt.event("LeafEnded").args["live"]
        t.transaction(
            f"withdrawn by signature, relayed for free; {live} consents stay live",
            f"凭签名撤回,免费代为提交;剩余有效授权{live}份",
            receipt,
        )
        self._erase(payload_id, index)

    def _erase(self, payload_id: bytes, index: int) -> None:
        t = self.teller
        erased = self.services.erasure.erase({payload_id: [index]})
        if erased is None:
            raise IntegrityError("nothing was erased")
        t.say(
            f"the record's key is destroyed: key generation {erased.from_generation} is gone, "
            f"{erased.to_generation} leads to every record but this",
            f"该记录密钥已销毁:第{erased.from_generation}代密钥不复存在,第{erased.to_generation}代可开启除此之外的全部记录",
        )
        try:
            self.services.vault.serve_unit(payload_id, index)
        except DeedbookError as refusal:
            t.say(f"the vault no longer serves it: {refusal}", "密库不再提供该记录")
            return
        raise IntegrityError("an erased record is still served")

    # -- records ---------------------------------------------------------------------------------------------------

    def seal(self, asset_id: int, batch: Batch, wallets: Sequence[Wallet]) -> tuple[bytes, bytes, int]:
        """Every record under its own key: the payload, its content root, the bytes of ciphertext."""
        by_subject = {wallet.signer.address: wallet for wallet in wallets}
        leaves = self.leaves_of(batch.batch_id)
        plain = [_sealed_record(by_subject[signed.consent.subject]) for signed in leaves]
        sealed = self.services.vault.seal(asset_id, 1, [signed.consent_id for signed in leaves], plain)
        root = to_hex(sealed.content_root)[:18]
        self.teller.say(
            f"{sealed.count} records, {sealed.size:,} bytes of ciphertext, content root {root}…",
            f"{sealed.count}条记录,密文{sealed.size:,}字节,内容根 {root}…",
        )
        return sealed.payload_id, sealed.content_root, sealed.size

    # -- a sale ----------------------------------------------------------------------------------------------------

    def order(
        self, offer: Offer, buyer: Part, attesters: Sequence[str], reference: bytes, *, acting: Acting | None = None
    ) -> Receipt:
        """The order alone, untold."""
        identifier = offer_id(self.services.chain_id, self.services.addresses["Market"], offer)
        relied = tuple(self.signer(each).address for each in attesters)
        return sales.order(acting or self.acting, self.signer(buyer.key), identifier, offer, relied, reference)

    def ordered(self, offer: Offer, buyer: Part, attesters: Sequence[str], reference: bytes) -> Ordered:
        """The order, told."""
        receipt = self.order(offer, buyer, attesters, reference)
        self.teller.transaction("ordered", "下单", receipt)
        return Ordered(receipt.event("SaleOrdered").args["saleId"], offer, reference)

    def ordered_by_relay(self, offer: Offer, buyer: Part, attesters: Sequence[str], reference: bytes) -> Ordered:
        """The order, told, as a buyer makes it who has neither gas nor a node: signed, and sent by the exchange."""
        relayed = self.services.relayed_by(self.signer(cast.EXCHANGE))
        receipt = self.order(offer, buyer, attesters, reference, acting=relayed)
        event = receipt.event("SaleOrdered").args
        if event["buyer"] != self.signer(buyer.key).address:
            raise IntegrityError("the relayed order is not its signer's")
        self.teller.transaction(
            f"ordered: signed by {buyer.english}, which needs neither gas nor a node; sent by the exchange",
            f"下单:由{buyer.chinese}签名,无需燃料、无需节点;由交易所代为提交",
            receipt,
        )
        return Ordered(event["saleId"], offer, reference)

    def pay(self, ordered: Ordered) -> None:
        """The bank's receipt, confirmed by the settler."""
        price, currency = ordered.offer.price.total, ordered.offer.price.currency
        reference = to_hex(ordered.reference)
        facts = {"amount": str(price), "currency": currency.decode(), "reference": reference}
        document = self.document("bank-receipt", "bank-receipt", **facts)
        paid = sales.confirm_payment(
            self.acting, self.signer(cast.BANK), ordered, amount=price, currency=currency, receipt=document
        )
        self.teller.transaction(f"the bank confirms {yuan(price)}", f"银行确认收款{yuan(price)}", paid)

    def prepare(self, provider: Signer, ordered: Ordered) -> None:
        """Who is live, fixed in one block."""
        prepared = sales.prepare(self.acting, provider, ordered)
        live = prepared.event("SalePrepared").args["live"]
        self.teller.transaction(
            f"prepared: {live} consents live in this block", f"备货:本区块内有效授权{live}份", prepared
        )

    def deliver(self, provider: Signer, ordered: Ordered, payload_id: bytes, to: Part) -> deliveries.Delivered:
        """One envelope for all live records."""
        self.services.follow()
        offer = ordered.offer
        delivered = deliveries.deliver(
            self.acting,
            self.services.vault,
            self.services.records.deliveries,
            provider,
            ordered,
            payload_id=payload_id,
            excluded=self.services.ended_records(offer.asset_id, offer.version),
            recipient=self.services.encryption_key(to.key).public,
            holder=self.signer(to.key).address,
            at=self.services.clock(),
        )
        self.teller.transaction(
            f"delivered: one envelope for {delivered.count} records",
            f"交付:一个信封开启{delivered.count}条记录",
            delivered.receipt,
        )
        return delivered

    def open(
        self, ordered: Ordered, batch: Batch, payload_id: bytes, delivered: deliveries.Delivered, by: Part
    ) -> Sequence[DeliveredRecord]:
        """The envelope and every record, each as its owner committed to it."""
        offer, vault = ordered.offer, self.services.vault
        envelope = deliveries.hand_out(self.acting, self.services.records.deliveries, delivered.receipt)
        leaves = self.leaves_of(batch.batch_id)
        market = self.services.addresses["Market"]
        cover = decode_cover(delivered.cover)
        sold = Sold(
            asset_id=offer.asset_id,
            version=offer.version,
            consent_ids=[signed.consent_id for signed in leaves],
            content_root=vault.payload(payload_id).content_root,
            commitments=[signed.consent.record_commit for signed in leaves],
            delivered_count=delivered.count,
            cover=cover,
        )
        records = open_delivered(
            envelope,
            self.services.encryption_key(by.key),
            Context(self.services.chain_id, market, ordered.sale_id, offer.version_key),
            sold,
            units=vault.serve_units(payload_id, list(delivered_indices(cover))),
            unit_hashes=vault.unit_hashes(payload_id),
        )
        self.teller.say(
            f"{by.english} opens the envelope: {len(records)} records, each as its owner committed to it",
            f"{by.chinese}打开信封:{len(records)}条记录,逐条与本人承诺一致",
        )
        return records

    def accept(self, ordered: Ordered, buyer: Part) -> None:
        """The buyer's acceptance."""
        receipt = sales.accept(self.acting, self.signer(buyer.key), ordered.sale_id)
        self.teller.transaction("accepted", "验收", receipt)

    def settle(self, ordered: Ordered) -> Event:
        """The entry and its certificate number; the shares must add up."""
        settled = revenue.settle(self.acting, self.signer(cast.EXCHANGE), ordered)
        event = settled.event("SaleSettled")
        args = event.args
        number = args["certificate"]
        self.teller.transaction(f"settled: certificate no. {number}", f"结算:凭证第{number}号", settled)
        shares = [args["exchangeShare"], args["providerShare"], *args["intermediaryShares"]]
        heads = args["perHead"] * args["deliveredCount"]
        if args["price"] + args["carryIn"] != sum(shares) + heads + args["carryOut"]:
            raise IntegrityError("the shares do not add up")
        return event

    # -- payment -------------------------------------------------------------------------------------------------------

    def name_payee(self, consent: bytes, wallet: Wallet, kind: PayeeKind) -> Payee:
        """One says by a signed message where the money goes: to a made-up account."""
        t, payees = self.teller, self.services.payees
        institution = {
            PayeeKind.BANK_ACCOUNT: t.words("a bank in Guiyang (synthetic)", "贵阳某银行(合成)"),
            PayeeKind.E_CNY_WALLET: t.words("e-CNY (synthetic)", "数字人民币(合成)"),
        }
        account = f"62{int.from_bytes(sha256(b'account' + wallet.salt), 'big') % 10**15:015}"
        payee = Payee(consent, kind, institution[kind], account, wallet.owner.name, self.services.clock())
        signature = wallet.signer.sign_digest(payee_digest(payees.domain, payee))
        payees.name(SignedPayee(payees.domain, payee, wallet.signer.address, signature))
        return payee

    def pay_batch(self, ordered: Ordered, *, of: int = 0, most: int | None = None) -> tuple[BankBatch, Receipt]:
        """The bank's file of the next places of a list, told, and its payout."""
        self.services.follow()
        sale, payments, file = sale_view(self.services.mirror, ordered.sale_id), self.services.payments, BytesIO()
        batch = payments.batch(sale, of=of, most=most)
        write_csv(payments.relation(sale, batch), self.services.mirror, file)
        size, waiting = file.tell(), batch.deferred_count
        self.teller.say(
            f"bank batch {batch.number}: a file of {size} bytes; to be paid: {batch.payments}, put off: {waiting}",
            f"银行批次{batch.number}:文件{size}字节;付款{batch.payments}笔,暂缓{waiting}人",
        )
        facts = {"sale": to_hex(ordered.sale_id), "batch": batch.number, "total": str(batch.total)}
        paid = batch.payout(self.document("report", "bank-batch", **facts))
        return batch, revenue.confirm_payout(self.acting, self.signer(cast.BANK), ordered, paid)

    # -- what everybody can know -----------------------------------------------------------------------------------

    def export_and_verify(self, ordered: Ordered) -> None:
        """One file that convinces a stranger, and the same file with one byte changed."""
        t = self.teller
        bundle, trust = self.services.export_sale(ordered.sale_id)
        (self.services.home.path / "sale-1.deed").write_bytes(bundle)
        (self.services.home.path / "trust.json").write_bytes(trust)
        report = judge(bundle, trust)
        if report.exit_code != 0:
            raise IntegrityError(f"the bundle does not verify: {report.summary}")
        t.say(
            f"sale-1.deed: {len(bundle):,} bytes, {len(report.findings)} facts established, verified",
            f"sale-1.deed:{len(bundle):,}字节,确认事实{len(report.findings)}项,验证通过",
        )
        denied = judge(_lie(bundle, ordered.offer.price.total), trust)
        if denied.exit_code != 1:
            raise IntegrityError("a changed bundle was not refused")
        t.say(f"one byte changed: refused - {denied.summary}", f"改动一个字节:拒绝——{denied.rule}: {denied.reason}")
        t.say(
            "try it: deedbook audit verify sale-1.deed --trust trust.json",
            "自行验证:deedbook audit verify sale-1.deed --trust trust.json",
        )

    def rebuild_mirror(self) -> None:
        """The SQL copy is disposable."""
        head = self.services.follow().head
        before = self.services.mirror_digests()
        self.services.delete_mirror()
        self.services.rebuild_mirror(head)  # a chain of others goes on meanwhile
        after = self.services.mirror_digests()
        if before != after:
            raise IntegrityError("the rebuilt mirror differs")
        rows = sum(table.rows for table in after)
        self.teller.say(
            f"{rows:,} rows in {len(after)} tables, equal byte for byte",
            f"{len(after)}张表{rows:,}行,逐字节一致",
        )


_KIND_ZH = {
    AttestationKind.LEGAL_OPINION: "法律意见书",
    AttestationKind.SOURCE_LEGALITY: "来源合法性证明",
    AttestationKind.IMPACT_ASSESSMENT: "个人信息保护影响评估",
    AttestationKind.CONSENT_AUDIT: "授权审计证明",
}


def yuan(fen: int) -> str:
    """An amount for people."""
    return f"¥{fen // 100:,}.{fen % 100:02}"


def _sealed_record(wallet: Wallet) -> bytes:
    record, salt = wallet.owner.record(), to_hex(wallet.salt)
    return canonical_json({"format": "deedbook.record", "version": 1, "salt": salt, "record": record})


def _lie(bundle: bytes, price: int) -> bytes:
    """The bundle with the last digit of the price that the exchange claims changed."""
    claim = f'"price":"{price}"'.encode()
    place = bundle.index(claim) + len(claim) - 2
    return bundle[:place] + (b"8" if bundle[place : place + 1] != b"8" else b"7") + bundle[place + 1 :]


_NAMED: Mapping[str, type[IntEnum]] = {"kind": AttestationKind, "class": Licence}


def _argument(name: str, value: object) -> str:
    """An argument of a contract's error; its codes by name."""
    return _NAMED[name](value).name if name in _NAMED and isinstance(value, int) else str(value)
