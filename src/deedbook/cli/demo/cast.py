"""The members of the demo: the parties of Guiyang's sale, with made-up legal identities."""

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


MEMBERS = (
    Part(EXCHANGE, "the exchange", "数据交易所", int(Role.OPERATOR | Role.RELAYER)),
    Part(PROVIDER, "the data merchant", "数据商", int(Role.PROVIDER)),
    Part(LAW_FIRM, "the law firm", "律师事务所", int(Role.REVIEWER), (int(Licence.LAW_FIRM),)),
    Part(AUDITOR, "the auditor", "审计机构", int(Role.AUDITOR)),
    Part(BANK, "the settlement bank", "结算银行", int(Role.SETTLER)),
    Part(EMPLOYER, "the employer", "用人单位甲", int(Role.BUYER), (int(Licence.EMPLOYER),)),
    Part(SECOND_EMPLOYER, "the second employer", "用人单位乙", int(Role.BUYER), (int(Licence.EMPLOYER),)),
)
