"""The story of Guiyang's first sale of personal data, told by doing it.

What the exchange's report of 2023 left open is the point: who consented to what, what each person earned, and how an
outsider would know.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from deedbook.bootstrap.services import Services
from deedbook.cli.demo import cast
from deedbook.cli.demo.cast import Part
from deedbook.cli.demo.people import people
from deedbook.cli.demo.stage import DAY, YEAR, Sale, Stage, Wallet, yuan
from deedbook.cli.demo.teller import Teller
from deedbook.domain.assets import Descriptor, Field, Version, asset_id, version_key
from deedbook.domain.batches import Batch
from deedbook.domain.codes import JURISDICTION_CN, AssetKind, AttestationKind, Grade, Licence, Mode, Purpose
from deedbook.domain.consents import Consent
from deedbook.domain.hashing import to_hex
from deedbook.domain.notices import Notice
from deedbook.domain.payees import PayeeKind
from deedbook.domain.revenue import payout
from deedbook.domain.sales import Conditions, Offer, Price, Sandbox, Split
from deedbook.errors import IntegrityError
from deedbook.ledger import assets, offers, revenue
from deedbook.vault.deliveries import DeliveredRecord

PRICE = 49_999_999
"""Fen; deliberately not divisible, so that rounding shows."""
TO_LIST = 1 << AttestationKind.SOURCE_LEGALITY | 1 << AttestationKind.IMPACT_ASSESSMENT
TO_ORDER = TO_LIST | 1 << AttestationKind.LEGAL_OPINION
RELIED = (cast.LAW_FIRM,) * 3
"""Whose attestations an order names, one for each kind."""
FIRST_PAID = 3
"""So many people are in the first bank batch; the last of them has not named a payee by then."""
KINDS = (PayeeKind.BANK_ACCOUNT, PayeeKind.E_CNY_WALLET)
MERCHANT, EMPLOYER, SECOND_EMPLOYER = (
    next(part for part in cast.MEMBERS if part.key == key)
    for key in (cast.PROVIDER, cast.EMPLOYER, cast.SECOND_EMPLOYER)
)


class Guiyang:
    """Tells the sale of `count` people's records in the home behind `services`; `wallets` are the people's."""

    MEMBERS = cast.MEMBERS

    def __init__(self, services: Services, teller: Teller, count: int) -> None:
        self._s = services
        self._t = teller
        self._on = Stage(services, teller)
        self._count = count
        self.wallets: list[Wallet] = []
        self._asset_salt = services.entropy(32)
        self._provider = services.signer(cast.PROVIDER)
        self._asset_id = asset_id(
            services.chain_id, services.addresses["DataAssets"], self._provider.address, self._asset_salt
        )

    def tell(self) -> None:
        """The whole story, in order."""
        self._t.opening(
            "A sale of personal data, from consent to payout",
            "一次个人数据交易:从授权到分润",
            self._s.chain_id,
            str(self._s.home.path),
        )
        self.admit_members()
        notice = self.publish_notice()
        wallets = self.wallets = self.give_wallets()
        self.sign_consents(notice, wallets)
        batch = self.anchor()
        self.audit_batch(batch)
        payload_id, version, descriptor = self.seal_records(batch, wallets)
        self.register(version)
        self._on.bind(self._asset_id, batch, self._provider)
        offer = self.list_offer(version, descriptor)
        order = self.order_too_early(offer)
        self.give_opinion(offer)
        first = self.sell(offer, EMPLOYER, payload_id, batch, order)
        self.pay_subjects(first, batch, wallets)
        leaver = self.withdraw(batch, wallets, payload_id)
        second = self.sell(offer, SECOND_EMPLOYER, payload_id, batch, self._s.entropy(32), absent=leaver)
        self.show_statements(batch, leaver, (first, second))
        self._t.step(
            "The first sale in one file, verified without the exchange", "首笔交易导出为一个文件,脱离交易所独立验证"
        )
        self._on.export_and_verify(first.ordered)
        self._t.step("The database is deleted and rebuilt from the chain", "删除数据库并由链上重建")
        self._on.rebuild_mirror()

    # -- members ---------------------------------------------------------------------------------------------------

    def admit_members(self) -> None:
        """Members under salted commitments, the buyers' encryption keys, the listing policy."""
        self._t.step("Members are admitted; nobody is named on chain", "接纳会员;链上不出现任何人名")
        self._on.admit(cast.MEMBERS)
        for part in (EMPLOYER, SECOND_EMPLOYER):
            self._on.register_key(part)
        receipt = offers.set_policy(
            self._on.acting,
            self._s.signer(cast.GOVERNANCE),
            AssetKind.PERSONAL,
            Grade.GENERAL,
            to_list=TO_LIST,
            to_order=TO_ORDER,
            modes=Mode.RAW,
        )
        self._t.transaction(
            "policy: no order of personal data without a legal opinion", "规则:无法律意见书不得交易个人数据", receipt
        )

    # -- consent ---------------------------------------------------------------------------------------------------

    def publish_notice(self) -> Notice:
        """The privacy notice."""
        t = self._t
        t.step("The privacy notice is published", "发布个人信息处理告知书")
        return self._on.notice(
            "recruitment",
            controller=t.words("Guizhou data merchant (synthetic)", "贵州数据商(合成)"),
            contact="privacy@merchant.example",
            asset_title=t.words("resumes for recruitment", "求职者个人简历数据"),
            by=MERCHANT,
        )

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
        return self._on.wallets(people(self._count, self._s.entropy(32)), self._asset_id, "person")

    def sign_consents(self, notice: Notice, wallets: Sequence[Wallet]) -> None:
        """Every wallet signs the sentence that it shows, and keeps the merchant's receipt."""
        self._t.step("Every wallet shows the sentence and signs it", "每个钱包显示原文并签名")
        self._on.sign_consents(notice, wallets, self._provider, lambda wallet: self._consent(notice, wallet))

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
            record_commit=self._on.commitment(wallet),
            valid_from=self._on.start,
            valid_until=self._on.start + YEAR,
            statement="-",
            salt=self._s.entropy(32),
        )

    def anchor(self) -> Batch:
        """One transaction, whatever the number of people."""
        t = self._t
        t.step("All consents are anchored in one transaction", "全部授权以一笔交易上链")
        batch, receipt = self._on.anchor(self._asset_id, self._asset_salt, self._provider)
        t.say(
            f"{receipt.gas_used / batch.count:,.1f} gas a person; the same transaction for ten million people",
            f"人均燃料 {receipt.gas_used / batch.count:,.1f};一千万人也是同一笔交易",
        )
        return batch

    def audit_batch(self, batch: Batch) -> None:
        """The auditor checks every signature, sentence and leaf before the batch counts."""
        self._t.step("An auditor checks every consent of the batch and attests", "审计机构逐份核验并出具证明")
        self._on.audit(batch)

    # -- the asset -------------------------------------------------------------------------------------------------

    def seal_records(self, batch: Batch, wallets: Sequence[Wallet]) -> tuple[bytes, Version, Descriptor]:
        """Every record under its own key; the chain will see one root."""
        self._t.step("Every record is sealed under a key of its own", "每条记录以各自的密钥加密封存")
        payload_id, content_root, size = self._on.seal(self._asset_id, batch, wallets)
        descriptor = _descriptor(self._t, batch.count, size)
        self._on.publish("descriptor", descriptor.encode())
        return payload_id, Version(content_root, batch.count, descriptor.hash), descriptor

    def register(self, version: Version) -> None:
        """The asset and its first version."""
        t = self._t
        t.step("The asset is registered and its version published", "数据资产登记并发布版本")
        receipt = assets.register(
            self._on.acting,
            self._provider,
            salt=self._asset_salt,
            kind=AssetKind.PERSONAL,
            grade=Grade.GENERAL,
            level=3,
            source=self._on.document("source", "source", statement="collected from the people themselves"),
        )
        name = to_hex(self._asset_id.to_bytes(32, "big"))[:18]
        t.transaction(f"asset {name}…", f"资产 {name}…", receipt)
        t.transaction("version 1", "版本1", assets.publish(self._on.acting, self._provider, self._asset_id, version))

    # -- the offer -------------------------------------------------------------------------------------------------

    def list_offer(self, version: Version, descriptor: Descriptor) -> Offer:
        """Source and impact attested, the offer listed with its public descriptor."""
        t, on = self._t, self._on
        t.step("Source and impact are attested; the product is listed", "来源与影响评估出具证明;产品挂牌")
        key = version_key(self._asset_id, version)
        on.attest(cast.LAW_FIRM, key, AttestationKind.SOURCE_LEGALITY, opinion="the source is lawful")
        on.attest(cast.LAW_FIRM, key, AttestationKind.IMPACT_ASSESSMENT, opinion="the risk is acceptable")
        terms = on.document("terms", "terms", text="recruitment only; no onward transfer; delete after the term")
        offer = Offer(
            provider=self._provider.address,
            asset_id=self._asset_id,
            version=1,
            version_key=key,
            mode=int(Mode.RAW),
            purpose=int(Purpose.RECRUITMENT),
            price=Price(PRICE, 0, 0, 0, b"CNY"),
            split=Split(self._s.signer(cast.EXCHANGE).address, 500, 5500, 4000),
            terms_hash=terms,
            policy_hash=on.usage_policy(),
            quota=0,
            term=180 * DAY,
            valid_until=on.start + 90 * DAY,
            conditions=Conditions(int(Licence.EMPLOYER), (JURISDICTION_CN,)),
            sandbox=Sandbox(),
            salt=self._s.entropy(32),
        )
        firm = self._s.signer(cast.LAW_FIRM).address
        t.transaction("listed", "挂牌", offers.list_offer(on.acting, self._provider, offer, (firm, firm)))
        t.say(
            f"“{descriptor.title}”: {descriptor.record_count} records, {len(descriptor.fields)} fields, "
            f"{yuan(PRICE)}; 5 % exchange, 55 % merchant, 40 % the people",
            f"《{descriptor.title}》:{descriptor.record_count}条记录,{len(descriptor.fields)}个字段,"
            f"{yuan(PRICE)};交易所5%,数据商55%,个人40%",
        )
        return offer

    def order_too_early(self, offer: Offer) -> bytes:
        """An order before the legal opinion: the contract itself refuses."""
        self._t.step("The employer reads the descriptor and orders - too early", "用人单位阅读产品说明后下单——为时过早")
        reference = self._s.entropy(32)
        self._on.refused("AttestationMissing", lambda: self._on.order(offer, EMPLOYER, RELIED, reference))
        return reference

    def give_opinion(self, offer: Offer) -> None:
        """The legal opinion on exactly this version."""
        self._t.step("The law firm gives its opinion on this very version", "律师事务所就该版本出具法律意见书")
        key = offer.version_key
        self._on.attest(cast.LAW_FIRM, key, AttestationKind.LEGAL_OPINION, opinion="the sale is lawful")

    # -- a sale ----------------------------------------------------------------------------------------------------

    def sell(
        self,
        offer: Offer,
        buyer: Part,
        payload_id: bytes,
        batch: Batch,
        reference: bytes,
        *,
        absent: Wallet | None = None,
    ) -> Sale:
        """Order, payment, delivery, opening, acceptance, settlement."""
        on = self._on
        self._t.step(f"Sale to {buyer.english}", f"成交:{buyer.chinese}")
        ordered = on.ordered(offer, buyer, RELIED, reference)
        on.pay(ordered)
        on.prepare(self._provider, ordered)
        delivered = on.deliver(self._provider, ordered, payload_id, buyer)
        records = on.open(ordered, batch, payload_id, delivered, buyer)
        if absent is None:
            self._wages(records)
        else:
            self._require_absent(absent, records)
        on.accept(ordered, buyer)
        args = on.settle(ordered).args
        self._tell_shares(args)
        return Sale(ordered, buyer, delivered, args["perHead"])

    def _require_absent(self, absent: Wallet, records: Sequence[DeliveredRecord]) -> None:
        if any(record.record["identityNumber"] == absent.owner.identity_number for record in records):
            raise IntegrityError("a withdrawn record was delivered")
        self._t.say("the person who withdrew is not among them", "撤回授权者不在其中")

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

    def _tell_shares(self, args: Mapping[str, Any]) -> None:
        price, before, after = yuan(args["price"]), yuan(args["carryIn"]), yuan(args["carryOut"])
        exchange, merchant, each = yuan(args["exchangeShare"]), yuan(args["providerShare"]), yuan(args["perHead"])
        self._t.say(
            f"{price} + carried in {before} = exchange {exchange} + merchant {merchant} "
            f"+ {args['deliveredCount']} people x {each} + carried on {after}",
            f"{price} + 上期结转{before} = 交易所{exchange} + 数据商{merchant} "
            f"+ {args['deliveredCount']}人 x {each} + 结转{after}",
        )

    def pay_subjects(self, sale: Sale, batch: Batch, wallets: Sequence[Wallet]) -> None:
        """By bank batches: whoever has named a payee by then, whoever names one later, and everybody else."""
        t, on = self._t, self._on
        t.step("Everybody is paid: by bank batches, where a person has said to", "向每个人付款:银行批次,按本人指定账户")
        by_subject = {wallet.signer.address: wallet for wallet in wallets}
        leaves = on.leaves_of(batch.batch_id)[: min(FIRST_PAID, sale.delivered.count)]
        *early, late = [(signed.consent_id, by_subject[signed.consent.subject]) for signed in leaves]
        named = ", ".join(on.name_payee(*each, kind).masked for each, kind in zip(early, KINDS, strict=False))
        t.say(
            f"{len(early)} of the first {len(leaves)} people name a payee by signed message, kept sealed: {named}",
            f"前{len(leaves)}人中{len(early)}人签名指定收款账户,加密保存:{named}",
        )
        first, receipt = on.pay_batch(sale.ordered, most=len(leaves))
        t.transaction(*_paid(first.payments, sale.per_head), receipt)
        named = on.name_payee(*late, PayeeKind.BANK_ACCOUNT).masked
        t.say(f"the one put off names a payee now: {named}", f"暂缓者现指定收款账户:{named}")
        second, receipt = on.pay_batch(sale.ordered, of=1)
        t.transaction(*_paid(second.payments, sale.per_head), receipt)
        self._pay_others(sale, len(leaves))

    def _pay_others(self, sale: Sale, first: int) -> None:
        people_ = sale.delivered.count - first
        if not people_:
            return
        document = self._on.document(
            "report", "bank-batch", sale=to_hex(sale.ordered.sale_id), total=str(people_ * sale.per_head)
        )
        others = payout(first=first, end=sale.delivered.count, per_head=sale.per_head, receipt=document)
        receipt = revenue.confirm_payout(self._on.acting, self._s.signer(cast.BANK), sale.ordered, others)
        english, chinese = _paid(people_, sale.per_head)
        self._t.transaction(
            f"the others, by accounts that the merchant knows: {english}", f"其余按数据商已有账户:{chinese}", receipt
        )

    # -- withdrawal ------------------------------------------------------------------------------------------------

    def withdraw(self, batch: Batch, wallets: Sequence[Wallet], payload_id: bytes) -> Wallet:
        """One person changes their mind: a signature, a bit on chain, a destroyed key."""
        leaver = wallets[len(wallets) // 2]
        self._t.step("One person withdraws: no reason asked, nobody can refuse", "一人撤回授权:无需理由,无人可拒")
        self._on.withdraw(batch, leaver, payload_id)
        return leaver

    # -- what everybody can know ------------------------------------------------------------------------------------

    def show_statements(self, batch: Batch, leaver: Wallet, sales: Sequence[Sale]) -> None:
        """What a person can see: who bought, for what, what is owed and what was paid."""
        t = self._t
        t.step("The person's own statement", "本人的账单")
        self._s.follow()
        leaves = self._on.leaves_of(batch.batch_id)
        left = next(signed for signed in leaves if signed.consent.subject == leaver.signer.address)
        stayed = next(signed for signed in leaves if signed.consent.subject != leaver.signer.address)
        names = {self._s.signer(sale.buyer.key).address: sale.buyer for sale in sales}
        for signed, who in ((left, ("who withdrew", "撤回者")), (stayed, ("who stayed", "未撤回者"))):
            t.say(
                f"the person {who[0]} ({to_hex(signed.consent_id)[:14]}…):",
                f"{who[1]}({to_hex(signed.consent_id)[:14]}…):",
            )
            for line in self._s.statement(signed.consent_id).lines:
                buyer, due = names[line.buyer], line.due or 0
                paid = t.words("paid" if line.paid else "owed", "已付" if line.paid else "应付")
                t.say(
                    f"  {buyer.english}, for recruitment: {yuan(due)} {paid}",
                    f"  {buyer.chinese},用于招聘:{yuan(due)} {paid}",
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


def _paid(heads: int, per_head: int) -> tuple[str, str]:
    """So many people at so much, in both languages."""
    each, total = yuan(per_head), yuan(heads * per_head)
    return f"{heads} {'person' if heads == 1 else 'people'} x {each} = {total}", f"{heads}人 x {each} = {total}"


def _schooling(years: int) -> str:
    for least, most in ((0, 8), (9, 11), (12, 12), (13, 15), (16, 16)):
        if least <= years <= most:
            return f"{least:02}-{most:02}" if least != most else f"{least:02}"
    return "17+"
