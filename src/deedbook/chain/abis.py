"""The contracts' ABIs as look-up tables: functions by name, events by topic, errors by selector.

Knows the committed artifacts and nothing of nodes, keys or tables. Cheap to import and to use: an auditor's
`verify` decodes with it and must not load web3. Values follow `deedbook.domain.events`: integers, `bytes` for
addresses and fixed bytes, `str`, tuples for arrays and mappings by component name for structs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from deedbook.chain import artifacts
from deedbook.domain import abi
from deedbook.domain.hashing import keccak256
from deedbook.errors import InvalidInput

Parameters = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Member:
    """One function, event or error of a contract: its name, its inputs and outputs as the ABI states them; of a
    function whether it may change the state (`nonpayable`, `payable`) or only reads (`view`, `pure`)."""

    contract: str
    name: str
    inputs: Parameters
    outputs: Parameters
    mutability: str = ""

    @property
    def signature(self) -> str:
        """The canonical signature, such as `grant((address,uint256),bytes)`."""
        return f"{self.name}({','.join(type_of(item) for item in self.inputs)})"

    @property
    def selector(self) -> bytes:
        """The first four bytes of the signature's keccak256."""
        return keccak256(self.signature.encode())[:4]


def type_of(parameter: Mapping[str, Any]) -> str:
    """The canonical type of an ABI parameter, with tuples written out."""
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(type_of(component) for component in parameter["components"])
    return f"({inner}){kind[len('tuple') :]}"


@cache
def functions(contract: str) -> Mapping[str, Member]:
    """The functions of a contract by name (by signature where a name is overloaded)."""
    members = list(_members(contract, "function"))
    names = [member.name for member in members]
    return {m.name if names.count(m.name) == 1 else m.signature: m for m in members}


@cache
def events(contract: str) -> Mapping[bytes, Member]:
    """The events of a contract by their first topic."""
    return {keccak256(member.signature.encode()): member for member in _members(contract, "event")}


@cache
def errors(contract: str) -> Mapping[bytes, Member]:
    """The custom errors of a contract by selector."""
    return {member.selector: member for member in _members(contract, "error")}


@cache
def constructor(contract: str) -> Member:
    """The constructor of a contract; one without inputs where the ABI has none."""
    for member in _members(contract, "constructor"):
        return member
    return Member(contract, "constructor", (), ())


def _members(contract: str, kind: str) -> list[Member]:
    return [
        Member(
            contract,
            item.get("name", kind),
            tuple(item.get("inputs", ())),
            tuple(item.get("outputs", ())),
            item.get("stateMutability", ""),
        )
        for item in artifacts.load(contract)["abi"]
        if item["type"] == kind
    ]


def encode_call(contract: str, function: str, arguments: Sequence[Any]) -> bytes:
    """Calldata of one call. Structs may be mappings by component name or tuples in order.

    Raises InvalidInput when the function is unknown or the arguments do not fit its inputs.
    """
    member = functions(contract).get(function)
    if member is None:
        raise InvalidInput("function", f"{contract} has no function {function}")
    return member.selector + encode_arguments(member, arguments)


def encode_arguments(member: Member, arguments: Sequence[Any]) -> bytes:
    """The ABI encoding of a member's inputs, without a selector."""
    if len(arguments) != len(member.inputs):
        raise InvalidInput("arguments", f"{member.signature} takes {len(member.inputs)}, not {len(arguments)}")
    types = [type_of(item) for item in member.inputs]
    return abi.encode(types, [_plain(item, value) for item, value in zip(member.inputs, arguments, strict=True)])


def act_in(contract: str, data: bytes) -> str:
    """The function of the act that calldata calls, by its name in `functions`. Raises InvalidInput (`data`) where it
    calls none, or one that only reads."""
    for name, member in functions(contract).items():
        if member.selector == data[:4] and member.mutability not in ("view", "pure"):
            return name
    raise InvalidInput("data", f"calls no act of {contract}")


def decode_call(contract: str, data: bytes) -> tuple[str, dict[str, Any]]:
    """The act that calldata calls, and its arguments by name. Raises InvalidInput, InvalidFormat."""
    name = act_in(contract, data)
    return name, decode_parameters(functions(contract)[name].inputs, data[4:])


def decode_result(contract: str, function: str, data: bytes) -> Any:
    """What a call returned: one value, or a tuple where the function has several outputs."""
    member = functions(contract)[function]
    values = decode_parameters(member.outputs, data)
    return next(iter(values.values())) if len(values) == 1 else tuple(values.values())


def decode_parameters(parameters: Parameters, data: bytes) -> dict[str, Any]:
    """ABI data as a mapping by parameter name; raises InvalidFormat where it is not canonical."""
    values = abi.decode([type_of(item) for item in parameters], data)
    return {
        item["name"] or str(position): _named(item, value)
        for position, (item, value) in enumerate(zip(parameters, values, strict=True))
    }


def _plain(parameter: Mapping[str, Any], value: Any) -> Any:
    kind = str(parameter["type"])
    if kind.endswith("]"):
        element = {**parameter, "type": kind[: kind.rindex("[")]}
        return tuple(_plain(element, item) for item in value)
    if kind != "tuple":
        return value
    components = parameter["components"]
    if isinstance(value, Mapping):
        missing = [item["name"] for item in components if item["name"] not in value]
        if missing or len(value) != len(components):
            raise InvalidInput(parameter["name"] or "tuple", f"missing or unknown components {missing}")
        value = [value[item["name"]] for item in components]
    return tuple(_plain(item, part) for item, part in zip(components, value, strict=True))


def _named(parameter: Mapping[str, Any], value: Any) -> Any:
    kind = str(parameter["type"])
    if kind.endswith("]"):
        element = {**parameter, "type": kind[: kind.rindex("[")]}
        return tuple(_named(element, item) for item in value)
    if kind != "tuple":
        return value
    return {item["name"]: _named(item, part) for item, part in zip(parameter["components"], value, strict=True)}
