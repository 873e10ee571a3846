"""The story of Guiyang's first sale of personal data, told by doing it.

Every step calls the same use cases as the other commands and the service; nothing here decides a rule. What the
exchange's report of 2023 left open is the point: who consented to what, what each person earned, and how an outsider
would know.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deedbook.audit.batches import check_batch
from deedbook.audit.verify import judge
from deedbook.bootstrap.services import Services
from deedbook.chain.transactions import Receipt, Signer
from deedbook.cli.demo import cast
from deedbook.cli.demo.people import Person, people
from deedbook.cli.demo.teller import Teller
from deedbook.domain.assets import Descriptor, Field, Version, asset_id, version_key
from deedbook.domain.batches import Batch
from deedbook.domain.codes import (
    JURISDICTION_CN,
    AssetKind,
    AttestationKind,
    Grade,
    Licence,
    Mode,
    Purpose,
)
from deedbook.domain.consents import Consent, SignedConsent, Withdrawal, consent_id, record_commit, withdrawal_digest
from deedbook.domain.hashing import canonical_json, sha256, to_hex
from deedbook.domain.keytree import decode_cover, delivered_indices
from deedbook.domain.members import identity_commitment
from deedbook.domain.notices import Notice, load_notice, with_statement
from deedbook.domain.revenue import payout
from deedbook.domain.sales import Conditions, Offer, Ordered, Price, Sandbox, Split, offer_id
from deedbook.errors import DeedbookError, IntegrityError, RejectedByContract
from deedbook.ledger import assets, attestations, deliveries, members, offers, revenue, sales
from deedbook.vault.deliveries import DeliveredRecord, Sold, open_delivered
from deedbook.vault.envelopes import Context, EncryptionKeyPair
from deedbook.wallet.derivation import signer_for

DAY = 86_400
YEAR = 365 * DAY
PRICE = 49_999_999
"""Fen; deliberately not divisible, so that rounding shows."""
CURRENCY = b"CNY"
CHUNK = 2000
"""Consents that are taken in one transaction."""
TO_LIST = 1 << AttestationKind.SOURCE_LEGALITY | 1 << AttestationKind.IMPACT_ASSESSMENT
TO_ORDER = TO_LIST | 1 << AttestationKind.LEGAL_OPINION


@dataclass(frozen=True, slots=True)
class Wallet:
    """One person with a wallet: the seed stays there, a fresh key is used for this asset."""

    person: Person
    signer: Signer
    salt: bytes


@dataclass(frozen=True, slots=True)
class Sale:
    """One sale as the story goes on."""

    ordered: Ordered
    buyer: cast.Part
    delivered: deliveries.Delivered
    per_head: int


class Story:
    """Tells the sale of `count` people's records in the home behind `services`; `wallets` are the people's."""

    def __init__(self, services: Services, teller: Teller, count: int) -> None:
        self._s = services
        self._t = teller
        self._count = count
        self._acting = services.acting
        self.wallets: list[Wallet] = []
        self._start = services.chain_time()
        self._asset_salt = services.entropy(32)
        self._provider = services.signer(cast.PROVIDER)
        self._asset_id = asset_id(
            services.chain_id, services.addresses["DataAssets"], self._provider.address, self._asset_salt
        )

    def tell(self) -> None:
        """The whole story, in order."""
        self.admit_members()
        notice = self.publish_notice()
        wallets = self.wallets = self.give_wallets()
        self.sign_consents(notice, wallets)
        batch = self.anchor()
        self.audit_batch(batch)
        payload_id, version, descriptor = self.seal_records(batch, wallets)
        self.register(version)
        self.bind(batch)
        offer = self.list_offer(version, descriptor)
        order = self.order_too_early(offer)
        self.give_opinion(offer)
        first = self.sell(offer, cast.MEMBERS[5], payload_id, batch, order)
        self.pay_subjects(first)
        leaver = self.withdraw(batch, wallets, payload_id)
        second = self.sell(offer, cast.MEMBERS[6], payload_id, batch, self._s.entropy(32), absent=leaver)
        self.show_statements(batch, leaver, (first, second))
        self.export_and_verify(first)
        self.rebuild_mirror()

    # -- members ---------------------------------------------------------------------------------------------------

    def admit_members(self) -> None:
        """Members under salted commitments, the buyers' encryption keys, the listing policy."""
        t, governance = self._t, self._s.signer(cast.GOVERNANCE)
        t.step("Members are admitted; nobody is named on chain", "接纳会员;链上不出现任何人名")
        for part in cast.MEMBERS:
            identity = identity_commitment(self._s.entropy(32), part.identity())
            receipt = members.admit(
                self._acting,
                governance,
                self._s.signer(part.key).address,
                identity=identity,
                jurisdiction=JURISDICTION_CN,
                roles=part.roles,
                valid_until=self._start + YEAR,
                licences=part.licences,
            )
            t.transaction(part.english, part.chinese, receipt)
        for part in (cast.MEMBERS[5], cast.MEMBERS[6]):
            key = EncryptionKeyPair.generate(self._s.entropy)
            self._s.keep_encryption_key(part.key, key)
            signer = self._s.signer(part.key)
            receipt = members.register_encryption_key(self._acting, signer, int(key.suite), key.public.commitment)
            t.transaction(f"{part.english} registers an encryption key", f"{part.chinese}登记加密公钥", receipt)
        receipt = offers.set_policy(
            self._acting,
            governance,
            AssetKind.PERSONAL,
            Grade.GENERAL,
            to_list=TO_LIST,
            to_order=TO_ORDER,
            modes=Mode.RAW,
        )
        t.transaction(
            "policy: no order of personal data without a legal opinion", "规则:无法律意见书不得交易个人数据", receipt
        )

    # -- consent ---------------------------------------------------------------------------------------------------

    def publish_notice(self) -> Notice:
        """The privacy notice with the template of the sentence that is signed."""
        t = self._t
        t.step("The privacy notice is published", "发布个人信息处理告知书")
        provider = cast.MEMBERS[1]
        notice = load_notice(
            t.words("en", "zh-CN"),
            controller=t.words("Guizhou data merchant (synthetic)", "贵州数据商(合成)"),
            contact="privacy@merchant.example",
            asset_title=t.words("resumes for recruitment", "求职者个人简历数据"),
        )
        self._publish("notice", notice.encode())
        t.say(f"{provider.english}: {to_hex(notice.hash)}", f"{provider.chinese}:{to_hex(notice.hash)}")
        return notice

    def _publish(self, kind: str, content: bytes) -> bytes:
        return self._s.records.documents.put(kind, content, at=self._s.clock())

    def give_wallets(self) -> list[Wallet]:
        """Real answers of a public survey, synthetic identities, one wallet each."""
        t = self._t
        t.step(
            f"{self._count} people of the March 1988 wage survey, each with a wallet of their own",
            f"1988年3月工资调查中的{self._count}位真实受访者,各有自己的钱包",
        )
        t.say(
            "names, identity numbers and phones are synthetic; the answers are real",
            "姓名、证件号与电话为合成,问卷答案为真实",
        )
        crowd = people(self._count, self._s.entropy(32))
        seeds = [self._s.entropy(32) for _ in crowd]
        self._s.seeds.add({f"person-{i + 1:06}": seed for i, seed in enumerate(seeds)})
        return [
            Wallet(
                person,
                signer_for(seed, chain_id=self._s.chain_id, asset_id=self._asset_id),
                self._s.entropy(32),
            )
            for person, seed in zip(crowd, seeds, strict=True)
        ]

    def sign_consents(self, notice: Notice, wallets: Sequence[Wallet]) -> None:
        """Every wallet signs the sentence that it shows, and keeps the collector's receipt."""
        t = self._t
        t.step("Every wallet shows the sentence and signs it", "每个钱包显示原文并签名")
        domain, signed = self._s.consents.domain, []
        for wallet in t.progress(wallets, len(wallets), "signing", "签名"):
            consent = with_statement(notice, self._consent(notice, wallet))
            signature = wallet.signer.sign_digest(consent_id(domain, consent))
            signed.append(SignedConsent(domain, consent, signature))
        receipts = []
        chunks = range(0, len(signed), CHUNK)
        for at in t.progress(chunks, len(chunks), "answering with receipts", "出具回执"):
            receipts += self._s.consents.collect_all(signed[at : at + CHUNK], self._provider)
        first, given = receipts[0], len(receipts)
        t.say(f"“{first.signed.consent.statement}”", f"“{first.signed.consent.statement}”")
        t.say(
            f"{given} signatures checked, {given} receipts given; the first: {to_hex(first.signed.consent_id)}",
            f"验证签名{given}份,出具回执{given}份;首份:{to_hex(first.signed.consent_id)}",
        )

    def _consent(self, notice: Notice, wallet: Wallet) -> Consent:
        return Consent(
            subject=wallet.signer.address,
            asset_id=self._asset_id,
            controller=self._provider.address,
            recipient=bytes(20),
            recipient_class=int(Licence.EMPLOYER),
            purpose=int(Purpose.RECRUITMENT),
            modes=int(Mode.RAW),
            cross_border=False,
            notice_hash=notice.hash,
            record_commit=record_commit(wallet.salt, wallet.person.record()),
            valid_from=self._start,
            valid_until=self._start + YEAR,
            statement="-",
            salt=self._s.entropy(32),
        )

    def anchor(self) -> Batch:
        """One transaction, whatever the number of people."""
        t = self._t
        t.step("All consents are anchored in one transaction", "全部授权以一笔交易上链")
        batch, receipt = self._s.consents.anchor(self._asset_id, self._provider, salt=self._asset_salt)
        t.transaction(
            f"batch of {batch.count}: root {to_hex(batch.root)[:18]}…",
            f"批次{batch.count}份:根 {to_hex(batch.root)[:18]}…",
            receipt,
        )
        t.say(
            f"{receipt.gas_used / batch.count:,.1f} gas a person; the same transaction for ten million people",
            f"人均燃料 {receipt.gas_used / batch.count:,.1f};一千万人也是同一笔交易",
        )
        return batch

    def audit_batch(self, batch: Batch) -> None:
        """The auditor checks every signature, sentence and leaf before the batch counts."""
        t = self._t
        t.step("An auditor checks every consent of the batch and attests", "审计机构逐份核验并出具证明")
        domain = self._s.consents.domain
        documents = [signed.to_json() for signed in self._s.records.consents.leaves_of(batch.batch_id)]
        checked = check_batch(batch, documents, [self._s.notice(batch.terms.notice_hash)], domain)
        report = {"batch": to_hex(batch.batch_id), "signatures": checked.signatures, "subjects": checked.subjects}
        t.say(
            f"{checked.signatures} signatures, {checked.statements} sentences rendered again, "
            f"{checked.subjects} different subjects, root and count agree",
            f"签名{checked.signatures}份、原文重现{checked.statements}份、主体{checked.subjects}个各不相同,根与数量一致",
        )
        self._attest(cast.AUDITOR, batch.batch_id, AttestationKind.CONSENT_AUDIT, report)

    def _attest(self, attester: str, target: bytes, kind: AttestationKind, report: dict[str, Any]) -> Receipt:
        document = canonical_json({"format": "deedbook.report", "version": 1, "kind": kind.name, **report})
        self._publish("report", document)
        receipt = attestations.attest(
            self._acting, self._s.signer(attester), target, kind, sha256(document), self._start + YEAR // 2
        )
        self._t.transaction(kind.name.replace("_", " ").lower(), _KIND_ZH[kind], receipt)
        return receipt

    # -- the asset -------------------------------------------------------------------------------------------------

    def seal_records(self, batch: Batch, wallets: Sequence[Wallet]) -> tuple[bytes, Version, Descriptor]:
        """Every record under its own key; the chain will see one root."""
        t = self._t
        t.step("Every record is sealed under a key of its own", "每条记录以各自的密钥加密封存")
        by_subject = {wallet.signer.address: wallet for wallet in wallets}
        leaves = self._s.records.consents.leaves_of(batch.batch_id)
        plain = [_sealed_record(by_subject[signed.consent.subject]) for signed in leaves]
        sealed = self._s.vault.seal(self._asset_id, 1, [signed.consent_id for signed in leaves], plain)
        size = sum(map(len, self._s.vault.serve_units(sealed.payload_id, range(sealed.count)).values()))
        descriptor = _descriptor(t, batch.count, size)
        self._publish("descriptor", descriptor.encode())
        t.say(
            f"{sealed.count} records, {size:,} bytes of ciphertext, content root {to_hex(sealed.content_root)[:18]}…",
            f"{sealed.count}条记录,密文{size:,}字节,内容根 {to_hex(sealed.content_root)[:18]}…",
        )
        return sealed.payload_id, Version(sealed.content_root, sealed.count, descriptor.hash), descriptor

    def register(self, version: Version) -> None:
        """The asset and its first version."""
        t = self._t
        t.step("The asset is registered and its version published", "数据资产登记并发布版本")
        source = canonical_json(
            {"format": "deedbook.source", "version": 1, "statement": "collected from the people themselves"}
        )
        self._publish("source", source)
        receipt = assets.register(
            self._acting,
            self._provider,
            salt=self._asset_salt,
            kind=AssetKind.PERSONAL,
            grade=Grade.GENERAL,
            level=3,
            source=sha256(source),
        )
        t.transaction(
            f"asset {to_hex(self._asset_id.to_bytes(32, 'big'))[:18]}…",
            f"资产 {to_hex(self._asset_id.to_bytes(32, 'big'))[:18]}…",
            receipt,
        )
        t.transaction("version 1", "版本1", assets.publish(self._acting, self._provider, self._asset_id, version))

    def bind(self, batch: Batch) -> None:
        """The version's legal basis: one record per consent, in the same order."""
        auditor = self._s.signer(cast.AUDITOR).address
        receipt = self._s.consents.bind(self._provider, self._asset_id, 1, [(batch, auditor)])
        self._t.transaction(
            f"bound to {batch.count} consents: one record per consent",
            f"绑定{batch.count}份授权:一条记录对应一份授权",
            receipt,
        )

    # -- the offer -------------------------------------------------------------------------------------------------

    def list_offer(self, version: Version, descriptor: Descriptor) -> Offer:
        """Source and impact attested, the offer listed with its public descriptor."""
        t = self._t
        t.step("Source and impact are attested; the product is listed", "来源与影响评估出具证明;产品挂牌")
        key = version_key(self._asset_id, version)
        self._attest(cast.LAW_FIRM, key, AttestationKind.SOURCE_LEGALITY, {"opinion": "the source is lawful"})
        self._attest(cast.LAW_FIRM, key, AttestationKind.IMPACT_ASSESSMENT, {"opinion": "the risk is acceptable"})
        terms = canonical_json(
            {
                "format": "deedbook.terms",
                "version": 1,
                "text": "recruitment only; no onward transfer; delete after the term",
            }
        )
        policy = canonical_json(
            {
                "@context": "http://www.w3.org/ns/odrl.jsonld",
                "@type": "Offer",
                "permission": [{"action": "use"}],
                "prohibition": [{"action": "distribute"}],
            }
        )
        self._publish("terms", terms)
        self._publish("policy", policy)
        offer = Offer(
            provider=self._provider.address,
            asset_id=self._asset_id,
            version=1,
            version_key=key,
            mode=int(Mode.RAW),
            purpose=int(Purpose.RECRUITMENT),
            price=Price(PRICE, 0, 0, 0, CURRENCY),
            split=Split(self._s.signer(cast.EXCHANGE).address, 500, 5500, 4000),
            terms_hash=sha256(terms),
            policy_hash=sha256(policy),
            quota=0,
            term=180 * DAY,
            valid_until=self._start + 90 * DAY,
            conditions=Conditions(int(Licence.EMPLOYER), (JURISDICTION_CN,)),
            sandbox=Sandbox(),
            salt=self._s.entropy(32),
        )
        firm = self._s.signer(cast.LAW_FIRM).address
        t.transaction("listed", "挂牌", offers.list_offer(self._acting, self._provider, offer, (firm, firm)))
        t.say(
            f"“{descriptor.title}”: {descriptor.record_count} records, {len(descriptor.fields)} fields, "
            f"{_yuan(PRICE)}; 5 % exchange, 55 % merchant, 40 % the people",
            f"《{descriptor.title}》:{descriptor.record_count}条记录,{len(descriptor.fields)}个字段,"
            f"{_yuan(PRICE)};交易所5%,数据商55%,个人40%",
        )
        return offer

    def order_too_early(self, offer: Offer) -> bytes:
        """An order before the legal opinion: the contract itself refuses."""
        t = self._t
        t.step("The employer reads the descriptor and orders - too early", "用人单位阅读产品说明后下单——为时过早")
        reference = self._s.entropy(32)
        try:
            self._order(offer, cast.EMPLOYER, reference)
        except RejectedByContract as refusal:
            t.say(f"refused by the contract itself: {refusal.error}", f"合约拒绝:{refusal.error}")
            for name, value in refusal.arguments.items():
                t.say(f"  {name} = {_argument(name, value)}", f"  {name} = {_argument(name, value)}")
            t.facts["refusal"] = refusal.error
            return reference
        raise IntegrityError("an order before the legal opinion was not refused")

    def give_opinion(self, offer: Offer) -> None:
        """The legal opinion on exactly this version."""
        self._t.step("The law firm gives its opinion on this very version", "律师事务所就该版本出具法律意见书")
        self._attest(cast.LAW_FIRM, offer.version_key, AttestationKind.LEGAL_OPINION, {"opinion": "the sale is lawful"})

    # -- a sale ----------------------------------------------------------------------------------------------------

    def _order(self, offer: Offer, buyer: str, reference: bytes) -> Receipt:
        firm = self._s.signer(cast.LAW_FIRM).address
        identifier = offer_id(self._s.chain_id, self._s.addresses["Market"], offer)
        return sales.order(self._acting, self._s.signer(buyer), identifier, offer, (firm, firm, firm), reference)

    def sell(
        self,
        offer: Offer,
        buyer: cast.Part,
        payload_id: bytes,
        batch: Batch,
        reference: bytes,
        *,
        absent: Wallet | None = None,
    ) -> Sale:
        """Order, payment, delivery, opening, acceptance, settlement."""
        t = self._t
        t.step(f"Sale to {buyer.english}", f"成交:{buyer.chinese}")
        receipt_of_order = self._order(offer, buyer.key, reference)
        sale_id: bytes = receipt_of_order.event("SaleOrdered").args["saleId"]
        ordered = Ordered(sale_id, offer, reference)
        t.transaction("ordered", "下单", receipt_of_order)
        receipt = canonical_json(
            {
                "format": "deedbook.bank-receipt",
                "version": 1,
                "amount": str(PRICE),
                "currency": "CNY",
                "reference": to_hex(reference),
            }
        )
        self._publish("bank-receipt", receipt)
        t.transaction(
            f"the bank confirms {_yuan(PRICE)}",
            f"银行确认收款{_yuan(PRICE)}",
            sales.confirm_payment(
                self._acting,
                self._s.signer(cast.BANK),
                ordered,
                amount=PRICE,
                currency=CURRENCY,
                receipt=sha256(receipt),
            ),
        )
        prepared = sales.prepare(self._acting, self._provider, ordered)
        live = prepared.event("SalePrepared").args["live"]
        t.transaction(f"prepared: {live} consents live in this block", f"备货:本区块内有效授权{live}份", prepared)
        self._s.follow()
        key = self._s.encryption_key(buyer.key)
        delivered = deliveries.deliver(
            self._acting,
            self._s.vault,
            self._s.records.deliveries,
            self._provider,
            ordered,
            payload_id=payload_id,
            excluded=self._s.ended_records(self._asset_id, 1),
            recipient=key.public,
            at=self._s.clock(),
        )
        t.transaction(
            f"delivered: one envelope for {delivered.count} records",
            f"交付:一个信封开启{delivered.count}条记录",
            delivered.receipt,
        )
        records = self._open(sale_id, offer, batch, payload_id, delivered, key)
        t.say(
            f"{buyer.english} opens the envelope: {len(records)} records, each as its owner committed to it",
            f"{buyer.chinese}打开信封:{len(records)}条记录,逐条与本人承诺一致",
        )
        if absent is not None:
            gone = all(record.record["identityNumber"] != absent.person.identity_number for record in records)
            if not gone:
                raise IntegrityError("a withdrawn record was delivered")
            t.say("the person who withdrew is not among them", "撤回授权者不在其中")
        else:
            self._wages(records)
        t.transaction("accepted", "验收", sales.accept(self._acting, self._s.signer(buyer.key), sale_id))
        return self._settle(ordered, buyer, delivered)

    def _open(
        self,
        sale_id: bytes,
        offer: Offer,
        batch: Batch,
        payload_id: bytes,
        delivered: deliveries.Delivered,
        key: EncryptionKeyPair,
    ) -> Sequence[DeliveredRecord]:
        envelope = deliveries.hand_out(self._acting, self._s.records.deliveries, delivered.receipt)
        leaves = self._s.records.consents.leaves_of(batch.batch_id)
        context = Context(self._s.chain_id, self._s.addresses["Market"], sale_id, offer.version_key)
        cover = decode_cover(delivered.cover)
        sold = Sold(
            asset_id=self._asset_id,
            version=1,
            consent_ids=[signed.consent_id for signed in leaves],
            content_root=self._s.vault.payload(payload_id).content_root,
            commitments=[signed.consent.record_commit for signed in leaves],
            delivered_count=delivered.count,
            cover=cover,
        )
        return open_delivered(
            envelope,
            key,
            context,
            sold,
            units=self._s.vault.serve_units(payload_id, list(delivered_indices(cover))),
            unit_hashes=self._s.vault.unit_hashes(payload_id),
        )

    def _wages(self, records: Sequence[DeliveredRecord]) -> None:
        t = self._t
        t.say(
            "weekly wage by years of education, computed from what arrived:",
            "依据收到的数据计算:各受教育年限的周工资:",
        )
        groups: dict[str, list[int]] = defaultdict(list)
        for record in records:
            groups[_schooling(int(record.record["education"]))].append(int(record.record["wageCents"]))
        for name in sorted(groups):
            wages = sorted(groups[name])
            middle = wages[len(wages) // 2]
            t.say(
                f"  {name:>9} years: {len(wages):5} people, median {middle / 100:8.2f} dollars",
                f"  {name:>9} 年:{len(wages):5} 人,中位数 {middle / 100:8.2f} 美元",
            )

    def _settle(self, ordered: Ordered, buyer: cast.Part, delivered: deliveries.Delivered) -> Sale:
        t = self._t
        settled = revenue.settle(self._acting, self._s.signer(cast.EXCHANGE), ordered)
        args = settled.event("SaleSettled").args
        t.transaction(f"settled: certificate no. {args['certificate']}", f"结算:凭证第{args['certificate']}号", settled)
        shares = [args["exchangeShare"], args["providerShare"], *args["intermediaryShares"]]
        heads = args["perHead"] * args["deliveredCount"]
        if args["price"] + args["carryIn"] != sum(shares) + heads + args["carryOut"]:
            raise IntegrityError("the shares do not add up")
        price, before, after = _yuan(args["price"]), _yuan(args["carryIn"]), _yuan(args["carryOut"])
        exchange, merchant, each = _yuan(shares[0]), _yuan(shares[1]), _yuan(args["perHead"])
        t.say(
            f"{price} + carried in {before} = exchange {exchange} + merchant {merchant} "
            f"+ {args['deliveredCount']} people x {each} + carried on {after}",
            f"{price} + 上期结转{before} = 交易所{exchange} + 数据商{merchant} "
            f"+ {args['deliveredCount']}人 x {each} + 结转{after}",
        )
        return Sale(ordered, buyer, delivered, args["perHead"])

    def pay_subjects(self, sale: Sale) -> None:
        """One bank batch over all delivered people."""
        t = self._t
        t.step("Everybody is paid: one bank batch", "向每个人付款:一个银行批次")
        total = sale.delivered.count * sale.per_head
        document = canonical_json(
            {"format": "deedbook.bank-batch", "version": 1, "sale": to_hex(sale.ordered.sale_id), "total": str(total)}
        )
        self._publish("report", document)
        everybody = payout(first=0, end=sale.delivered.count, per_head=sale.per_head, receipt=sha256(document))
        receipt = revenue.confirm_payout(self._acting, self._s.signer(cast.BANK), sale.ordered, everybody)
        t.transaction(
            f"{sale.delivered.count} people x {_yuan(sale.per_head)} = {_yuan(total)}",
            f"{sale.delivered.count}人 x {_yuan(sale.per_head)} = {_yuan(total)}",
            receipt,
        )

    # -- withdrawal ------------------------------------------------------------------------------------------------

    def withdraw(self, batch: Batch, wallets: Sequence[Wallet], payload_id: bytes) -> Wallet:
        """One person changes their mind: a signature, a bit on chain, a destroyed key."""
        t = self._t
        leaver = wallets[len(wallets) // 2]
        t.step("One person withdraws: no reason asked, nobody can refuse", "一人撤回授权:无需理由,无人可拒")
        leaves = self._s.records.consents.leaves_of(batch.batch_id)
        index = next(i for i, signed in enumerate(leaves) if signed.consent.subject == leaver.signer.address)
        identifier = leaves[index].consent_id
        domain = self._s.consents.domain
        signature = leaver.signer.sign_digest(withdrawal_digest(domain, identifier))
        withdrawal = Withdrawal(domain, identifier, leaver.signer.address, signature)
        receipt = self._s.consents.withdraw_for(withdrawal, self._s.signer(cast.EXCHANGE))
        if receipt is None:
            raise IntegrityError("the consent is in no batch")
        live = receipt.event("LeafEnded").args["live"]
        t.transaction(
            f"withdrawn by signature, relayed for free; {live} consents stay live",
            f"凭签名撤回,免费代为提交;剩余有效授权{live}份",
            receipt,
        )
        erased = self._s.erasure.erase({payload_id: [index]})
        if erased is None:
            raise IntegrityError("nothing was erased")
        t.say(
            f"the record's key is destroyed: key generation {erased.from_generation} is gone, "
            f"{erased.to_generation} leads to every record but this",
            f"该记录密钥已销毁:第{erased.from_generation}代密钥不复存在,第{erased.to_generation}代可开启除此之外的全部记录",
        )
        try:
            self._s.vault.serve_unit(payload_id, index)
        except DeedbookError as refusal:
            t.say(f"the vault no longer serves it: {refusal}", "密库不再提供该记录")
            return leaver
        raise IntegrityError("an erased record is still served")

    # -- what everybody can know ------------------------------------------------------------------------------------

    def show_statements(self, batch: Batch, leaver: Wallet, sales_: Sequence[Sale]) -> None:
        """What a person can see: who bought, for what, what is owed and what was paid."""
        t = self._t
        t.step("The person's own statement", "本人的账单")
        self._s.follow()
        leaves = self._s.records.consents.leaves_of(batch.batch_id)
        left = next(signed for signed in leaves if signed.consent.subject == leaver.signer.address)
        stayed = next(signed for signed in leaves if signed.consent.subject != leaver.signer.address)
        names = {self._s.signer(sale.buyer.key).address: sale.buyer for sale in sales_}
        for signed, who in ((left, ("who withdrew", "撤回者")), (stayed, ("who stayed", "未撤回者"))):
            t.say(
                f"the person {who[0]} ({to_hex(signed.consent_id)[:14]}…):",
                f"{who[1]}({to_hex(signed.consent_id)[:14]}…):",
            )
            for line in self._s.statement(signed.consent_id).lines:
                buyer, due = names[line.buyer], line.due or 0
                paid = t.words("paid" if line.paid else "owed", "已付" if line.paid else "应付")
                t.say(
                    f"  {buyer.english}, for recruitment: {_yuan(due)} {paid}",
                    f"  {buyer.chinese},用于招聘:{_yuan(due)} {paid}",
                )

    def export_and_verify(self, sale: Sale) -> None:
        """One file that convinces a stranger, and the same file with one byte changed."""
        t = self._t
        t.step("The first sale in one file, verified without the exchange", "首笔交易导出为一个文件,脱离交易所独立验证")
        bundle, trust = self._s.export_sale(sale.ordered.sale_id)
        (self._s.home.path / "sale-1.deed").write_bytes(bundle)
        (self._s.home.path / "trust.json").write_bytes(trust)
        report = judge(bundle, trust)
        if report.exit_code != 0:
            raise IntegrityError(f"the bundle does not verify: {report.summary}")
        t.say(
            f"sale-1.deed: {len(bundle):,} bytes, {len(report.findings)} facts established, verified",
            f"sale-1.deed:{len(bundle):,}字节,确认事实{len(report.findings)}项,验证通过",
        )
        lie = self._lie(bundle)
        denied = judge(lie, trust)
        if denied.exit_code != 1:
            raise IntegrityError("a changed bundle was not refused")
        t.say(f"one byte changed: refused - {denied.summary}", f"改动一个字节:拒绝——{denied.rule}: {denied.reason}")
        t.say(
            "try it: deedbook audit verify sale-1.deed --trust trust.json",
            "自行验证:deedbook audit verify sale-1.deed --trust trust.json",
        )

    def _lie(self, bundle: bytes) -> bytes:
        """The bundle with one digit of the price that the exchange claims changed."""
        claim = f'"price":"{PRICE}"'.encode()
        place = bundle.index(claim) + len(claim) - 2
        return bundle[:place] + b"8" + bundle[place + 1 :]

    def rebuild_mirror(self) -> None:
        """The SQL copy is disposable."""
        t = self._t
        t.step("The database is deleted and rebuilt from the chain", "删除数据库并由链上重建")
        self._s.follow()
        before = self._s.mirror_digests()
        self._s.delete_mirror()
        self._s.rebuild_mirror()
        after = self._s.mirror_digests()
        if before != after:
            raise IntegrityError("the rebuilt mirror differs")
        rows = sum(table.rows for table in after)
        t.say(
            f"{rows:,} rows in {len(after)} tables, equal byte for byte",
            f"{len(after)}张表{rows:,}行,逐字节一致",
        )


_KIND_ZH = {
    AttestationKind.LEGAL_OPINION: "法律意见书",
    AttestationKind.SOURCE_LEGALITY: "来源合法性证明",
    AttestationKind.IMPACT_ASSESSMENT: "个人信息保护影响评估",
    AttestationKind.CONSENT_AUDIT: "授权审计证明",
}


def _sealed_record(wallet: Wallet) -> bytes:
    return canonical_json(
        {
            "format": "deedbook.record",
            "version": 1,
            "salt": to_hex(wallet.salt),
            "record": wallet.person.record(),
        }
    )


def _descriptor(teller: Teller, count: int, size: int) -> Descriptor:
    names = (
        ("name", "text", "", "synthetic name"),
        ("identityNumber", "text", "", "synthetic identity number"),
        ("phone", "text", "", "synthetic telephone"),
        ("wageCents", "integer", "USD/100", "wage a week, in cents of 1992 dollars"),
        ("education", "integer", "a", "years of education"),
        ("experience", "integer", "a", "years of potential work experience"),
        ("ethnicity", "text", "", "cauc or afam, as the survey codes it"),
        ("smsa", "boolean", "", "lives in a metropolitan statistical area"),
        ("region", "text", "", "northeast, midwest, south or west"),
        ("parttime", "boolean", "", "works part-time"),
    )
    return Descriptor(
        language=teller.words("en", "zh-CN"),
        title=teller.words("Resumes of job seekers", "求职者个人简历"),
        description=teller.words("one record per consenting person", "一人一授权一记录"),
        kind=int(AssetKind.PERSONAL),
        fields=tuple(Field(*each) for each in names),
        period_from=573_177_600,
        period_until=575_855_999,
        source="Current Population Survey, March 1988, US Census Bureau (public domain)",
        quality={"completeness": "1.00"},
        record_count=count,
        size=size,
    )


def _schooling(years: int) -> str:
    for least, most in ((0, 8), (9, 11), (12, 12), (13, 15), (16, 16)):
        if least <= years <= most:
            return f"{least:02}-{most:02}" if least != most else f"{least:02}"
    return "17+"


def _argument(name: str, value: object) -> str:
    return AttestationKind(value).name if name == "kind" and isinstance(value, int) else str(value)


def _yuan(fen: int) -> str:
    return f"¥{fen // 100:,}.{fen % 100:02}"
