"""Writes `src/deedbook/client/routes.py` (`--write`) or checks it: every route of the service's own description
(`tools.openapi`) as a method of both clients, and the shapes of its answers.

A route is a method of the noun that is its tag, by the name of its function; its parameters are the method's. What a
route cannot say of itself is said here: which of those that are posted without a key may be sent again.
"""

from __future__ import annotations

import keyword
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from tools import openapi

PAGE: Final = Path(__file__).resolve().parent.parent / "src" / "deedbook" / "client" / "routes.py"
REPEATABLE: Final = ("/payees/kept", "/anchors/{exchange}/entries", "/commitments/", "/drafts/", "/verifications")
"""How paths begin to which the same may be posted again without a key: they read, or it is the same by itself."""
DRAFTS: Final = "/drafts/"
"""Where what a member has to sign is drafted, by the paths and names of the acts themselves."""
KEY: Final = "Idempotency-Key"
TYPES: Final = {"string": "str", "integer": "int", "boolean": "bool", "number": "float", "object": "Json"}

_HEAD: Final = '''"""The routes of the service as methods. Written by `python -m tools.client --write`; do not edit.

    client.sales.sale("0x...")                                      one record, its JSON
    for sale in client.sales.sales(buyer="0x..."): ...              all records, page by page
    client.consents.withdraw(signed, wait="final")                  a write, under a key of its own
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from deedbook.client.groups import AsyncAsking, AsyncGroup, Asking, Group, call, part, rest
from deedbook.client.paging import AsyncItems, Items

Json = dict[str, Any]
'''


@dataclass(frozen=True)
class Parameter:
    """One of a route."""

    name: str
    place: str
    required: bool
    schema: Mapping[str, Any]

    @property
    def word(self) -> str:
        """Its name in Python."""
        return _word(self.name)

    @property
    def type(self) -> str:
        """Its type in Python."""
        return _type(self.schema)

    @property
    def default(self) -> str:
        """What stands for not saying it: nothing is sent, and the service has its own default."""
        return f"{self.type.removesuffix(' | None')} | None = None"


@dataclass(frozen=True)
class Route:
    """One route."""

    path: str
    method: str
    said: Mapping[str, Any]

    @property
    def noun(self) -> str:
        """Its group."""
        return _word((self.said.get("tags") or ["service"])[0])

    @cached_property
    def name(self) -> str:
        """The name of its function: what is before path and method in FastAPI's operationId."""
        whole = str(self.said["operationId"])
        tail = re.sub(r"\W", "_", f"{self.path}_{self.method}")
        name = _word(whole.removesuffix(tail).rstrip("_") or whole)
        return f"draft_{name}" if self.path.startswith(DRAFTS) and self.noun != "drafts" else name

    @cached_property
    def last(self) -> str:
        """The last word of its path, which tells it from another of the same function."""
        return _word(next(each for each in reversed(self.path.split("/")) if each and "{" not in each))

    @cached_property
    def parameters(self) -> list[Parameter]:
        """What it takes, but for the key."""
        found = self.said.get("parameters", ())
        made = [Parameter(each["name"], each["in"], each.get("required", False), each["schema"]) for each in found]
        return [each for each in made if each.name != KEY]

    def of(self, *places: str) -> list[Parameter]:
        """Those parameters."""
        return [each for each in self.parameters if each.place in places]

    @property
    def has_key(self) -> bool:
        """Whether it takes an idempotency key."""
        return any(each["name"] == KEY for each in self.said.get("parameters", ()))

    @property
    def body(self) -> tuple[str, str] | None:
        """Name and media type of what is posted."""
        content = self.said.get("requestBody", {}).get("content")
        if not content:
            return None
        if list(content) == ["application/json"]:
            return "body", "application/json"
        return "content", next(iter(content))

    @property
    def media_types(self) -> list[str]:
        """Those among which who posts has to choose; none where there is but one."""
        content = self.said.get("requestBody", {}).get("content", {})
        return list(content) if len(content) > 1 else []

    @property
    def is_repeatable(self) -> bool:
        """Whether it may be sent again without doing more."""
        return self.method in ("get", "head") or self.has_key or self.path.startswith(REPEATABLE)

    @property
    def answers(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Good answers: media type and schema."""
        good = [answer for status, answer in self.said["responses"].items() if status.startswith("2")]
        contents = [answer.get("content") or {"": {}} for answer in good]
        return [(kind, content.get("schema", {})) for each in contents for kind, content in each.items()]

    @property
    def is_raw(self) -> bool:
        """Whether its answer is no JSON."""
        return all(kind != "application/json" for kind, _ in self.answers)

    @property
    def is_paged(self) -> bool:
        """Whether it answers with a page of more."""
        names = {each.name for each in self.of("query")}
        return self.method == "get" and {"after", "limit"} <= names and not self.is_raw

    @property
    def returns(self) -> str:
        """The type of what it answers."""
        if {status for status in self.said["responses"] if status.startswith("2")} == {"204"}:
            return "None"
        if self.is_raw:
            return "bytes"
        types = {_type(schema) for kind, schema in self.answers if kind == "application/json"}
        whole = {each for kind in types for each in kind.split(" | ")}
        return " | ".join(sorted(whole, reverse=True))


def routes() -> list[Route]:
    """All of them, by noun."""
    found = [
        Route(path, method, said)
        for path, methods in openapi.described()["paths"].items()
        for method, said in methods.items()
    ]
    for name, several in _by_name(found).items():
        for route in several if len(several) > 1 else ():
            if route.last != name[1]:
                route.__dict__["name"] = route.last
    assert all(len(several) == 1 for several in _by_name(found).values()), "two routes of one name: rename one"
    return sorted(found, key=lambda route: (route.noun, route.name))


def _by_name(found: Sequence[Route]) -> dict[tuple[str, str], list[Route]]:
    named: dict[tuple[str, str], list[Route]] = {}
    for route in found:
        named.setdefault((route.noun, route.name), []).append(route)
    return named


def _word(name: str) -> str:
    word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    word = re.sub(r"\W+", "_", word).strip("_").lower()
    return f"{word}_" if keyword.iskeyword(word) else word


def _type(schema: Mapping[str, Any]) -> str:
    """The Python type of a schema."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " | ".join(dict.fromkeys(_type(each) for each in schema[several]))
    if isinstance(schema.get("type"), list):
        return " | ".join(_type({**schema, "type": each}) for each in schema["type"])
    if "const" in schema or "enum" in schema:
        values = [schema["const"]] if "const" in schema else schema["enum"]
        return f"Literal[{', '.join(map(repr, values))}]"
    if schema.get("type") == "null":
        return "None"
    if schema.get("type") == "array":
        return f"Sequence[{_type(schema.get('items', {}))}]"
    return TYPES.get(schema.get("type", ""), "Any")


def _schemas() -> Iterator[str]:
    """The named shapes of good answers and what these name; plain types before those who use them."""
    schemas = openapi.described()["components"]["schemas"]
    named: set[str] = set()
    waiting = [schema for route in routes() for kind, schema in route.answers if kind == "application/json"]
    while waiting:
        for name in set(_references(waiting.pop())) - named:
            named.add(name)
            waiting.append(schemas[name])
    for name in sorted(named, key=lambda name: ("properties" in schemas[name], name)):
        schema = schemas[name]
        if "properties" not in schema:
            yield f"{name} = {_type(schema)}"
        elif all(field.isidentifier() and not keyword.iskeyword(field) for field in schema["properties"]):
            words = _docstring(schema.get("description", name))
            lines = [f"class {name}(TypedDict, total=False):", textwrap.indent(words, "    "), ""]
            yield "\n".join([*lines, *(f"    {each}: {_type(shape)}" for each, shape in schema["properties"].items())])
        else:
            fields = ", ".join(f"{each!r}: {_type(shape)!r}" for each, shape in schema["properties"].items())
            yield f"{name} = TypedDict({name!r}, {{{fields}}}, total=False)"


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def _docstring(words: str, more: str = "") -> str:
    text = " ".join(words.split()).replace("\\", "\\\\").replace('"""', "'''")
    return textwrap.fill(f'"""{text}{more}"""', 108, break_long_words=False, break_on_hyphens=False)


def _method(route: Route, *, awaited: bool) -> str:
    path, other = route.of("path"), route.of("query", "header")
    named = [f"{each.word}: {each.type}" if each.required else f"{each.word}: {each.default}" for each in other]
    if route.media_types:
        named.append(f"media_type: Literal[{', '.join(map(repr, route.media_types))}]")
    if route.has_key:
        named.append("key: str | None = None")
    words = ["self", *(f"{each.word}: {each.type}" for each in path)]
    if route.body:
        words.append(f"{route.body[0]}: {'Mapping[str, Any]' if route.body[0] == 'body' else 'bytes'}")
    words += ["*", *named] if named else []
    returns = ("AsyncItems" if awaited else "Items") if route.is_paged else route.returns
    start = "async def" if awaited and not route.is_paged else "def"
    lines = [f"{start} {route.name}({', '.join(words)}) -> {returns}:"]
    lines += textwrap.indent(_docstring(route.said["description"]), "    ").splitlines()
    lines += [f"    {line}" for line in _call(route)]
    if route.is_paged:
        lines.append("    return self._items(said)")
    else:
        wait, raw = "await " if awaited else "", ", raw=True" if returns == "bytes" else ""
        asked = f"{wait}self._client.ask(said{raw})"
        lines += [f"    {asked}"] if returns == "None" else [f"    found: {returns} = {asked}", "    return found"]
    return "\n".join(lines)


def _call(route: Route) -> list[str]:
    path = route.path
    for each in route.of("path"):
        path = path.replace(f"{{{each.name}}}", f"{{{'rest' if _is_rest(route, each) else 'part'}({each.word})}}")
    words = [repr(route.method.upper()), f"f{path!r}" if route.of("path") else repr(path)]
    query = route.of("query")
    if query:
        words.append("{" + ", ".join(f"{each.name!r}: {each.word}" for each in query) + "}")
    headers = [f"{each.name!r}: {each.word}" for each in route.of("header")]
    if route.has_key:
        headers.append(f"{KEY!r}: self._client.key() if key is None else key")
    if headers:
        words.append("headers={" + ", ".join(headers) + "}")
    if route.body:
        words.append(f"body={route.body[0]}")
        words.append("media_type=media_type" if route.media_types else f"media_type={route.body[1]!r}")
    if not route.is_repeatable:
        words.append("repeatable=False")
    return [f"said = call({', '.join(words)})"]


def _is_rest(route: Route, parameter: Parameter) -> bool:
    """Whether a parameter is the rest of the path, as FastAPI's `{path:path}` is."""
    return parameter.name == "path" and route.path.endswith("{path}")


def _classes() -> Iterator[str]:
    found = routes()
    nouns = sorted({route.noun for route in found})
    for prefix in ("", "Async"):
        for noun in nouns:
            mine = [_method(route, awaited=bool(prefix)) for route in found if route.noun == noun]
            head = f'class {prefix}{_title(noun)}({prefix}Group):\n    """Routes of {noun}."""\n'
            yield "\n\n".join([head, *(textwrap.indent(method, "    ") for method in mine)])
        lines = [f'class {prefix}Routes:\n    """All nouns."""\n']
        lines.append(f"    def __init__(self, client: {prefix}Asking) -> None:")
        lines += [f"        self.{noun} = {prefix}{_title(noun)}(client)" for noun in nouns]
        yield "\n".join(lines)


def _title(noun: str) -> str:
    return "".join(each.capitalize() for each in noun.split("_"))


def render() -> str:
    """The module as it is committed."""
    text = "\n\n\n".join([_HEAD, *_schemas(), *_classes()]) + "\n"
    for words in (("check", "--fix-only", "--quiet", "--select", "F401,I"), ("format", "--quiet")):
        done = subprocess.run(
            [Path(sys.executable).parent / "ruff", *words, "--stdin-filename", str(PAGE), "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            cwd=PAGE.parents[3],
        )
        text = done.stdout
    return text


def main(words: Sequence[str]) -> int:
    """Writes the module, or says that it is stale."""
    page = render()
    if "--write" in words:
        PAGE.write_text(page, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        print("src/deedbook/client/routes.py is stale: run `python -m tools.client --write`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
