"""The members of the stories: the parties of a sale in Guiyang and of one in Shenzhen, with made-up identities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deedbook.domain.codes import Licence, Role

GOVERNANCE = "governance"
EXCHANGE = "exchange"
PROVIDER = "provider"
LAW_FIRM = "law-firm"
AUDITOR = "auditor"
BANK = "bank"
EMPLOYER = "employer"
SECOND_EMPLOYER = "second-employer"


@dataclass(frozen=True, slots=True)
class Part:
    """One party: the name of its key, its names for people, its roles and licences."""

    key: str
    english: str
    chinese: str
    roles: int
    licences: tuple[int, ...] = ()

    def identity(self) -> dict[str, Any]:
        """The legal identity behind the salted commitment; made up."""
        return {"name": self.chinese, "registration": f"synthetic-{self.key}"}


_EXCHANGE = Part(EXCHANGE, "the exchange", "数据交易所", int(Role.OPERATOR | Role.RELAYER))
_LAW_FIRM = Part(LAW_FIRM, "the law firm", "律师事务所", int(Role.REVIEWER), (int(Licence.LAW_FIRM),))
_AUDITOR = Part(AUDITOR, "the auditor", "审计机构", int(Role.AUDITOR))
_BANK = Part(BANK, "the settlement bank", "结算银行", int(Role.SETTLER))

MEMBERS = (
    _EXCHANGE,
    Part(PROVIDER, "the data merchant", "数据商", int(Role.PROVIDER)),
    _LAW_FIRM,
    _AUDITOR,
    _BANK,
    Part(EMPLOYER, "the employer", "用人单位甲", int(Role.BUYER), (int(Licence.EMPLOYER),)),
    Part(SECOND_EMPLOYER, "the second employer", "用人单位乙", int(Role.BUYER), (int(Licence.EMPLOYER),)),
)
"""Of Guiyang."""

UTILITY = Part("utility", "the power utility", "供电企业", int(Role.PROVIDER))
OPERATOR = Part("operator", "the data operator", "数据运营商", int(Role.PROVIDER))
GATEWAY = Part("gateway", "the gateway", "可信网关", int(Role.GATEWAY))
ARBITER = Part("arbiter", "the arbiter", "仲裁机构", int(Role.ARBITER))
CREDITOR = Part("credit-bank", "the licensed bank", "持牌银行甲", int(Role.BUYER), (int(Licence.BANK),))
SECOND_CREDITOR = Part("second-bank", "the second bank", "持牌银行乙", int(Role.BUYER), (int(Licence.BANK),))
LENDER = Part("lender", "the lender without a bank licence", "无银行资质的放贷平台", int(Role.BUYER))

SHENZHEN = (
    _EXCHANGE,
    UTILITY,
    OPERATOR,
    _LAW_FIRM,
    _AUDITOR,
    _BANK,
    ARBITER,
    GATEWAY,
    CREDITOR,
    SECOND_CREDITOR,
    LENDER,
)
"""Of Shenzhen."""
