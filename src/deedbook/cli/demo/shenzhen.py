"""The story of a credit product from Shenzhen: firms' electricity use, asked by licensed banks, never handed out.

The firms and their use are synthetic. The point is what the exchange's rules are made of: six registration acts, an
enterprise's own consent, a licence, a quota that the ledger meters, an objection and a hold.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deedbook.bootstrap.home import write_bytes
from deedbook.bootstrap.services import Services
from deedbook.cli.demo import cast
from deedbook.cli.demo.cast import Part
from deedbook.cli.demo.firms import FIELDS, YEAR, firms, reading_of
from deedbook.cli.demo.stage import DAY, Sale, Stage, Wallet, yuan
from deedbook.cli.demo.stage import YEAR as A_YEAR
from deedbook.cli.demo.teller import Teller
from deedbook.domain.assets import Descriptor, Field, Scope, Version, asset_id, version_key
from deedbook.domain.batches import Batch
from deedbook.domain.codes import (
    JURISDICTION_CN,
    AssetKind,
    AttestationKind,
    CaseKind,
    Grade,
    Licence,
    Mode,
    Outcome,
    Purpose,
    Right,
    bits_of,
)
from deedbook.domain.consents import Consent
from deedbook.domain.hashing import canonical_json, sha256, to_hex
from deedbook.domain.notices import Notice
from deedbook.domain.sales import Conditions, Intermediary, Offer, Ordered, Price, Sandbox, Split
from deedbook.domain.usage import UsageReceipt, UsageReport, report_of
from deedbook.errors import IntegrityError
from deedbook.ledger import assets, cases, offers, usage
from deedbook.vault.deliveries import DeliveredRecord

PRICE = Price(data=4_000_000, algorithm=1_000_000, compute=500_000, service=500_001, currency=b"CNY")
"""Fen: the data, the model behind the answers, the machines, the service."""
QUOTA = 100
PERIODS = (60, 40)
"""Queries in each period that is reported; together the quota."""
TO_LIST = bits_of(AttestationKind.SOURCE_LEGALITY, AttestationKind.CONSENT_AUDIT)
TO_ORDER = TO_LIST | bits_of(AttestationKind.LEGAL_OPINION)
RELIED = (cast.LAW_FIRM,) * 2
"""Whose attestations an order names, one for each kind: the consents' audit stands with their basis."""


def wait(clock: Callable[[], int], moment: int) -> None:
    """Waits for a second to be over; a period is reported after its end."""
    while clock() < moment:
        time.sleep(0.05)


class Shenzhen:
    """Tells the sale of queries about `count` firms in the home behind `services`; `wallets` are the firms'."""

    MEMBERS = cast.SHENZHEN

    def __init__(
        self,
        services: Services,
        teller: Teller,
        count: int,
        *,
        wait: Callable[[Callable[[], int], int], None] = wait,
    ) -> None:
        self._s = services
        self._t = teller
        self._on = Stage(services, teller)
        self._count = count
        self._wait = wait
        self.wallets: list[Wallet] = []
        self._salt = services.entropy(32)
        self._utility = services.signer(cast.UTILITY.key)
        self._operator = services.signer(cast.OPERATOR.key)
        self._asset_id = self._id_of(self._utility.address, self._salt)

    def _id_of(self, registrant: bytes, salt: bytes) -> int:
        return asset_id(self._s.chain_id, self._s.addresses["DataAssets"], registrant, salt)

    def tell(self) -> None:
        """The whole story, in order."""
        t, on = self._t, self._on
        t.opening(
            "A credit product on synthetic electricity data: asked, metered, never handed out",
            "合成用电数据上的信贷产品:可查询、有计量、不出域",
            self._s.chain_id,
            str(self._s.home.path),
        )
        self.admit_members()
        notice = self.publish_notice()
        wallets = self.wallets = self.give_wallets()
        t.step("Every firm's wallet shows the sentence and signs it", "每家企业的钱包显示原文并签名")
        on.sign_consents(notice, wallets, self._utility, lambda wallet: self._consent(notice, wallet))
        batch = self.anchor()
        payload_id, version, descriptor = self.seal_records(batch, wallets)
        self.register(version, batch)
        self.change()
        self.license_operator()
        self.transfer_and_cancel()
        offer = self.list_offer(version, descriptor)
        self.refuse_without_licence(offer)
        sale, records = self.sell(offer, cast.CREDITOR, payload_id, batch)
        self.meter(sale.ordered, records)
        self.conclude(sale)
        self.withdraw(batch, wallets, payload_id, records)
        self.object_and_hold(offer, payload_id, batch)
        t.step("The first sale in one file, verified without the exchange", "首笔交易导出为一个文件,脱离交易所独立验证")
        on.export_and_verify(sale.ordered)
        t.step("The database is deleted and rebuilt from the chain", "删除数据库并由链上重建")
        on.rebuild_mirror()

    # -- members ---------------------------------------------------------------------------------------------------

    def admit_members(self) -> None:
        """Members, the gateway's encryption key, the listing policy."""
        t, on = self._t, self._on
        t.step("Members are admitted; nobody is named on chain", "接纳会员;链上不出现任何人名")
        on.admit(cast.SHENZHEN)
        on.register_key(cast.GATEWAY)
        receipt = offers.set_policy(
            on.acting,
            self._s.signer(cast.GOVERNANCE),
            AssetKind.ENTERPRISE,
            Grade.GENERAL,
            to_list=TO_LIST,
            to_order=TO_ORDER,
            modes=Mode.CALL,
        )
        t.transaction(
            "policy: enterprise data by query alone, on audited consents and a legal opinion",
            "规则:企业数据仅限接口调用,须有经审计的企业授权与法律意见书",
            receipt,
        )

    # -- consent ---------------------------------------------------------------------------------------------------

    def publish_notice(self) -> Notice:
        """What an enterprise is told before it signs."""
        t = self._t
        t.step("The notice to enterprises is published", "发布企业数据授权告知书")
        return self._on.notice(
            "credit",
            controller=t.words("Shenzhen power utility (synthetic)", "深圳供电企业(合成)"),
            contact="data@utility.example",
            asset_title=t.words("monthly electricity use (synthetic)", "企业月度用电数据(合成)"),
            by=cast.UTILITY,
        )

    def give_wallets(self) -> list[Wallet]:
        """Synthetic firms, one wallet each."""
        t = self._t
        t.step(
            f"{self._count} synthetic firms, each with a wallet of its own", f"{self._count}家合成企业,各有自己的钱包"
        )
        t.say(
            f"no such firm exists: names, codes and the electricity use of {YEAR} are made by a seeded generator",
            f"均非真实企业:名称、代码与{YEAR}年用电量由带种子的生成器合成",
        )
        return self._on.wallets(firms(self._count), self._asset_id, "firm")

    def _consent(self, notice: Notice, wallet: Wallet) -> Consent:
        return Consent(
            subject=wallet.signer.address,
            asset_id=self._asset_id,
            controller=self._utility.address,
            recipient=bytes(20),
            recipient_class=int(Licence.BANK),
            purpose=int(Purpose.CREDIT),
            modes=int(Mode.CALL),
            cross_border=False,
            notice_hash=notice.hash,
            record_commit=self._on.commitment(wallet),
            valid_from=self._on.start,
            valid_until=self._on.start + A_YEAR,
            statement="-",
            salt=self._s.entropy(32),
        )

    def anchor(self) -> Batch:
        """One transaction, and the auditor's statement about it."""
        t = self._t
        t.step("All consents are anchored in one transaction, and audited", "全部授权以一笔交易上链,并经审计")
        batch, receipt = self._on.anchor(self._asset_id, self._salt, self._utility)
        t.say(
            f"{receipt.gas_used / batch.count:,.1f} gas a firm", f"每家企业燃料 {receipt.gas_used / batch.count:,.1f}"
        )
        self._on.audit(batch)
        return batch

    # -- the six registration acts -----------------------------------------------------------------------------------

    def seal_records(self, batch: Batch, wallets: Sequence[Wallet]) -> tuple[bytes, Version, Descriptor]:
        """Every firm's record under a key of its own."""
        t = self._t
        t.step("Every record is sealed under a key of its own", "每条记录以各自的密钥加密封存")
        payload_id, content_root, size = self._on.seal(self._asset_id, batch, wallets)
        descriptor = _descriptor(t, batch.count, size)
        self._on.publish("descriptor", descriptor.encode())
        return payload_id, Version(content_root, batch.count, descriptor.hash), descriptor

    def register(self, version: Version, batch: Batch) -> None:
        """The first of the six acts."""
        t, on = self._t, self._on
        t.step("Registration, act 1 of 6: first registration", "登记(一)首次登记")
        source = on.document("source", "source", statement="metered by the utility; all figures synthetic")
        receipt = assets.register(
            on.acting,
            self._utility,
            salt=self._salt,
            kind=AssetKind.ENTERPRISE,
            grade=Grade.GENERAL,
            level=2,
            source=source,
            version=version,
        )
        name = _short(self._asset_id)
        t.transaction(f"asset {name}… with version 1", f"资产 {name}… 及版本1", receipt)
        on.bind(self._asset_id, batch, self._utility)

    def change(self) -> None:
        """Another level inside the grade, and another source statement."""
        t, on = self._t, self._on
        t.step("Registration, act 2 of 6: change", "登记(二)变更登记")
        source = on.document("source", "source", statement="as before, meters of 2025 added; all figures synthetic")
        reason = on.document("report", "change", text="graded again after the yearly review")
        receipt = assets.change(on.acting, self._utility, self._asset_id, level=3, source=source, document=reason)
        t.transaction(
            "from level 2 to level 3 of GENERAL, with a new source statement",
            "一般数据2级改为3级,更新来源声明",
            receipt,
        )

    def license_operator(self) -> None:
        """The holder keeps the asset; another member may operate it, in this mode for this purpose."""
        t, on = self._t, self._on
        t.step("Registration, act 3 of 6: licence", "登记(三)许可登记")
        text = on.document("report", "licence", text="the data operator may sell queries for credit assessment")
        scope = Scope(int(Mode.CALL), 1 << Purpose.CREDIT, on.start + A_YEAR)
        receipt = assets.grant_right(
            on.acting, self._utility, self._asset_id, self._operator.address, Right.OPERATE, scope, text
        )
        t.transaction(
            f"{cast.OPERATOR.english} may operate it: queries, for credit assessment, for a year",
            f"{cast.OPERATOR.chinese}取得数据产品经营权:接口调用、信贷评估、一年",
            receipt,
        )

    def transfer_and_cancel(self) -> None:
        """What the operator held of a pilot goes to the utility, which ends it."""
        t, on, salt = self._t, self._on, self._s.entropy(32)
        t.step("Registration, act 4 of 6: transfer", "登记(四)转移登记")
        pilot = self._id_of(self._operator.address, salt)
        source = on.document("source", "source", statement="the pilot of last year; synthetic")
        made = assets.register(
            on.acting,
            self._operator,
            salt=salt,
            kind=AssetKind.ENTERPRISE,
            grade=Grade.GENERAL,
            level=2,
            source=source,
        )
        t.transaction(f"the operator's pilot {_short(pilot)}…", f"运营商的试点资产 {_short(pilot)}…", made)
        moved = assets.transfer(on.acting, self._operator, pilot, self._utility.address)
        t.transaction("handed over to the power utility", "转移至供电企业", moved)
        t.step("Registration, act 5 of 6: cancellation", "登记(五)注销登记")
        reason = on.document("report", "cancellation", text="the pilot has ended; its data are in the new asset")
        ended = assets.cancel(on.acting, self._utility, pilot, reason)
        t.transaction("the pilot is cancelled for ever", "试点资产永久注销", ended)

    # -- the offer -------------------------------------------------------------------------------------------------

    def list_offer(self, version: Version, descriptor: Descriptor) -> Offer:
        """Listed by the operator, who holds nothing but the right to."""
        t, on = self._t, self._on
        t.step("The operator lists the product: queries up to a quota", "运营商挂牌产品:限额接口调用")
        key = version_key(self._asset_id, version)
        on.attest(cast.LAW_FIRM, key, AttestationKind.SOURCE_LEGALITY, opinion="the source is lawful")
        on.attest(cast.LAW_FIRM, key, AttestationKind.LEGAL_OPINION, opinion="the sale is lawful")
        terms = on.document("terms", "terms", text="queries for credit assessment; no copy of a record leaves")
        utility = Intermediary(self._utility.address, 6000)
        offer = Offer(
            provider=self._operator.address,
            asset_id=self._asset_id,
            version=1,
            version_key=key,
            mode=int(Mode.CALL),
            purpose=int(Purpose.CREDIT),
            price=PRICE,
            split=Split(self._s.signer(cast.EXCHANGE).address, 300, 3700, 0, (utility,)),
            terms_hash=terms,
            policy_hash=on.usage_policy(),
            quota=QUOTA,
            term=180 * DAY,
            valid_until=on.start + 90 * DAY,
            conditions=Conditions(int(Licence.BANK), (JURISDICTION_CN,)),
            sandbox=Sandbox(),
            salt=self._s.entropy(32),
        )
        firm = self._s.signer(cast.LAW_FIRM).address
        t.transaction("listed", "挂牌", offers.list_offer(on.acting, self._operator, offer, (firm,)))
        t.say(
            f"“{descriptor.title}”: {descriptor.record_count} firms, {QUOTA} queries, {yuan(PRICE.total)}; "
            "for licensed banks alone; 3 % exchange, 37 % operator, 60 % utility",
            f"《{descriptor.title}》:{descriptor.record_count}家企业,{QUOTA}次查询,{yuan(PRICE.total)};"
            "仅限持牌银行;交易所3%,运营商37%,供电企业60%",
        )
        return offer

    def refuse_without_licence(self, offer: Offer) -> None:
        """The contract looks at the buyer's class."""
        self._t.step("A lender without a bank licence orders", "无银行资质的放贷平台下单")
        reference = self._s.entropy(32)
        self._on.refused("ClassMissing", lambda: self._on.order(offer, cast.LENDER, RELIED, reference))

    # -- a sale ----------------------------------------------------------------------------------------------------

    def sell(
        self, offer: Offer, buyer: Part, payload_id: bytes, batch: Batch
    ) -> tuple[Sale, Sequence[DeliveredRecord]]:
        """Order, relayed; payment, delivery: the keys go to the gateway, the buyer will ask."""
        on = self._on
        self._t.step(f"Sale to {buyer.english}", f"成交:{buyer.chinese}")
        ordered = on.ordered_by_relay(offer, buyer, RELIED, self._s.entropy(32))
        on.pay(ordered)
        on.prepare(self._operator, ordered)
        delivered = on.deliver(self._operator, ordered, payload_id, cast.GATEWAY)
        records = on.open(ordered, batch, payload_id, delivered, cast.GATEWAY)
        return Sale(ordered, buyer, delivered, 0), records

    def meter(self, ordered: Ordered, records: Sequence[DeliveredRecord]) -> None:
        """Query by query up to the quota; what is beyond it cannot be reported."""
        t = self._t
        t.step("The bank asks, the gateway answers, the ledger meters", "银行查询,网关应答,账本计量")
        receipts: list[UsageReceipt] = []
        since = self._on.acting.read("Market", "sale", ordered.sale_id)["deliveredAt"]
        for count in PERIODS:
            period = self._ask(ordered, records, count, len(receipts))
            until = max(self._s.clock(), since) + 1
            since = self._report(ordered, report_of(ordered.sale_id, since, until, period, after=len(receipts)))
            receipts += period
        lines = b"".join(receipt.encode() + b"\n" for receipt in receipts)
        write_bytes(self._s.home.path / "usage-1.ndjson", lines)
        beyond = self._ask(ordered, records, 1, len(receipts))
        until = max(self._s.clock(), since) + 1
        more = report_of(ordered.sale_id, since, until, beyond, after=len(receipts))
        t.say("one query more than was sold:", "超出所购额度一次:")
        self._on.refused("QuotaExceeded", lambda: self._report(ordered, more))

    def _ask(self, ordered: Ordered, records: Sequence[DeliveredRecord], count: int, before: int) -> list[UsageReceipt]:
        """Queries of single firms, each with the gateway's receipt over question and answer."""
        gateway, found = self._s.signer(cast.GATEWAY.key).address, []
        for number in range(before + 1, before + count + 1):
            record = dict(records[number % len(records)].record)
            answer = _answer(record)
            if number == 1:
                self._tell(answer)
            question = canonical_json({"firm": record["code"], "nonce": to_hex(self._s.entropy(16))})
            hashes = (sha256(question), sha256(canonical_json(answer)))
            found.append(UsageReceipt(ordered.sale_id, gateway, number, self._s.clock(), 1, *hashes))
        return found

    def _tell(self, answer: Mapping[str, Any]) -> None:
        mean, change, idle = answer["meanKwh"], answer["changeBps"] / 100, answer["idleMonths"]
        self._t.say(
            f"the first answer: {mean:,} kWh a month, {change:+.2f} % in the second half-year, {idle} idle months",
            f"首次应答:月均{mean:,}千瓦时,下半年{change:+.2f}%,停产{idle}个月",
        )

    def _report(self, ordered: Ordered, report: UsageReport) -> int:
        """Stated by operator and gateway, sent by the exchange; the period's end."""
        on, gateway = self._on, self._s.signer(cast.GATEWAY.key)
        self._wait(self._s.clock, report.end)
        signed = [usage.sign(on.acting, signer, report) for signer in (self._operator, gateway)]
        receipt = usage.report(on.acting, self._s.signer(cast.EXCHANGE), ordered, gateway.address, signed)
        used = receipt.event("UsageReported").args["used"]
        self._t.transaction(
            f"{report.count} queries reported, signed by operator and gateway: {used} of {QUOTA} used",
            f"上报{report.count}次查询,运营商与网关共同签名:已用{used}/{QUOTA}",
            receipt,
        )
        return report.end

    def conclude(self, sale: Sale) -> None:
        """Acceptance, settlement, certificate; firms have no share in money, so nothing is left over."""
        t, on = self._t, self._on
        t.step("The bank accepts; the sale is settled", "银行验收;交易结算")
        on.accept(sale.ordered, sale.buyer)
        args = on.settle(sale.ordered).args
        shares = [yuan(each) for each in (args["exchangeShare"], args["providerShare"], *args["intermediaryShares"])]
        t.say(
            f"{yuan(args['price'])} = exchange {shares[0]} + operator {shares[1]} + utility {shares[2]}",
            f"{yuan(args['price'])} = 交易所{shares[0]} + 运营商{shares[1]} + 供电企业{shares[2]}",
        )

    # -- a firm leaves, another objects ------------------------------------------------------------------------------

    def withdraw(
        self, batch: Batch, wallets: Sequence[Wallet], payload_id: bytes, records: Sequence[DeliveredRecord]
    ) -> None:
        """A firm withdraws; what the gateway still holds of it is asked for no more."""
        leaver = wallets[len(wallets) // 2]
        self._t.step("A firm withdraws: no reason asked, nobody can refuse", "一家企业撤回授权:无需理由,无人可拒")
        self._on.withdraw(batch, leaver, payload_id)
        code = leaver.owner.record()["code"]
        if not any(record.record["code"] == code for record in records):
            raise IntegrityError("the firm was never delivered")
        self._t.say(
            "the next delivery is without it; whoever was delivered before has the duty to delete",
            "此后的交付不再包含该企业;此前的受领方有删除义务",
        )

    def object_and_hold(self, offer: Offer, payload_id: bytes, batch: Batch) -> None:
        """The sixth act, and the hold that stops the next order until it is decided."""
        t, on = self._t, self._on
        t.step("Registration, act 6 of 6: objection; the arbiter holds the asset", "登记(六)异议登记;仲裁机构冻结资产")
        target, arbiter = self._asset_id.to_bytes(32, "big"), self._s.signer(cast.ARBITER.key)
        grounds = on.document("report", "objection", text="a firm says that a meter was read for its neighbour")
        opened = cases.open_case(on.acting, self._s.signer(cast.LAW_FIRM), target, CaseKind.OBJECTION, grounds)
        t.transaction("objected, by the law firm for a firm", "律师事务所代一家企业提出异议", opened)
        t.transaction("held", "冻结", cases.hold(on.acting, arbiter, target, grounds))
        reference = self._s.entropy(32)
        t.say(f"{cast.SECOND_CREDITOR.english} orders:", f"{cast.SECOND_CREDITOR.chinese}下单:")
        on.refused("Held", lambda: on.order(offer, cast.SECOND_CREDITOR, RELIED, reference))
        reason = on.document("report", "decision", text="the meters were read again; the objection is not upheld")
        case_id = opened.event("CaseOpened").args["caseId"]
        decided = cases.decide(on.acting, arbiter, case_id, Outcome.NEGATIVE, reason)
        t.transaction("decided: not upheld", "裁定:异议不成立", decided)
        t.transaction("released", "解除冻结", cases.release(on.acting, arbiter, target, reason))
        sale, records = self.sell(offer, cast.SECOND_CREDITOR, payload_id, batch)
        if len(records) != self._count - 1:
            raise IntegrityError("a firm that withdrew was delivered")
        t.say("the firm that withdrew is not among them", "撤回授权的企业不在其中")
        self.conclude(sale)


def _answer(record: dict[str, Any]) -> dict[str, Any]:
    found = reading_of(record)
    return {"synthetic": True, "meanKwh": found.mean, "changeBps": found.change, "idleMonths": found.idle}


def _short(asset: int) -> str:
    return to_hex(asset.to_bytes(32, "big"))[:18]


def _descriptor(teller: Teller, count: int, size: int) -> Descriptor:
    return Descriptor(
        language=teller.words("en", "zh-CN"),
        title=teller.words("Credit readings of electricity use (synthetic)", "企业用电信贷指标(合成)"),
        description=teller.words("one record per consenting firm; synthetic", "一企一授权一记录;合成数据"),
        kind=int(AssetKind.ENTERPRISE),
        fields=tuple(Field(*each) for each in FIELDS),
        period_from=1_735_689_600,
        period_until=1_767_225_599,
        source=teller.words("made by Deedbook's seeded generator: synthetic", "由Deedbook带种子的生成器合成"),
        quality={"completeness": "1.00", "synthetic": "yes"},
        record_count=count,
        size=size,
    )
