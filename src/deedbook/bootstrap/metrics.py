"""What a service counts and times, in Prometheus' text format: the one place that knows its library.

Every process has its own registry and answers for itself: what happened in it (histograms, counters), and what stands
in the databases that it shares with others, read when it is asked (gauges, the same whichever process says them). A
label is the name of a state, a method, a route's template or a table: never an account, an id or anything of a person.

Senders and vaults are watched from outside, by what passes into their books and out of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric

from deedbook import __version__
from deedbook.bootstrap.outboxes import Passage
from deedbook.errors import DeedbookError
from deedbook.vault.envelopes import Context as EnvelopeContext
from deedbook.vault.envelopes import PublicKey
from deedbook.vault.payloads import Delivery, PayloadReceipt, Vault

LATENCIES: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)
"""Bounds in seconds: from an answer out of memory to a network that stands still."""
BLOCKS: Final = (1, 2, 5, 10, 50, 100, 1_000, 10_000, 100_000)
ROWS: Final = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNKNOWN: Final = "unknown"
"""What a method or a route is called that is none of the service's: a caller can make up any number of them."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """What stands somewhere now: a number, or numbers by the value of a label."""

    name: str
    words: str
    values: float | Mapping[str, float]
    label: str = ""


class Metrics:
    """The metrics of one process. `gauges` reads what stands in the databases."""

    def __init__(self, gauges: Callable[[], Iterable[Gauge]] = tuple) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._gauges = gauges
        self._reading = threading.Lock()
        self._registry.register(self)
        histogram, counter = self._histogram, self._counter
        self._requests = histogram(
            "http_request_seconds",
            "from a request's head to the end of its answer",
            LATENCIES,
            "method",
            "route",
            "status",
        )
        self._counted: dict[tuple[str, str | None, int], Histogram] = {}
        self._passages = {
            Passage.MINED: histogram("sender_queued_to_mined_seconds", "from an intent kept to its block", LATENCIES),
            Passage.FINAL: histogram("sender_mined_to_final_seconds", "from its block to its end", LATENCIES),
        }
        self._forked = counter("sender_forked", "intents whose block a fork took back")
        self._lag_blocks = histogram("mirror_behind_blocks", "how many blocks a look at the node found new", BLOCKS)
        self._lag_seconds = histogram("mirror_behind_seconds", "from a block's time to its copy", LATENCIES)
        self._rows = histogram("mirror_copied_logs", "logs copied at a time", ROWS)
        self._undone = counter("mirror_undone_blocks", "blocks that a fork took back")
        self._vault = histogram("vault_seconds", "sealing, delivering, serving, erasing", LATENCIES, "work")
        self._vault_bytes = counter("vault_bytes", "bytes of sealed units written and read", "work")

    def _histogram(self, name: str, words: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(f"deedbook_{name}", words, labels, buckets=buckets, registry=self._registry)

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(f"deedbook_{name}", words, labels, registry=self._registry)

    # -- what is watched -------------------------------------------------------------------------------------------

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """A request was answered; `route` is the template of its route, None where it has none."""
        counted = self._counted.get((method, route, status))
        if counted is None:
            known = method if method in METHODS else UNKNOWN
            counted = self._requests.labels(known, route or UNKNOWN, str(status))
            if known is method:  # others can be made up
                self._counted[method, route, status] = counted
        counted.observe(seconds)

    def passed(self, passage: Passage, seconds: float) -> None:
        """An intent came on."""
        self._passages[passage].observe(max(0.0, seconds))

    def forked(self, count: int) -> None:
        """Intents were thrown out of their block."""
        self._forked.inc(count)

    def followed(self, *, added: int, undone: int, logs: int, ages: Iterable[float]) -> None:
        """The mirror went on: blocks added and undone, logs copied, and how old (seconds) each new block was then."""
        if added:
            self._lag_blocks.observe(added)
            self._rows.observe(logs)
        self._undone.inc(undone)
        for age in ages:
            self._lag_seconds.observe(max(0.0, age))

    @contextmanager
    def working(self, work: str) -> Iterator[None]:
        """Times work of the vault."""
        began = time.monotonic()
        yield
        self._vault.labels(work).observe(time.monotonic() - began)

    def moved(self, work: str, size: int) -> None:
        """Sealed bytes were written or read."""
        self._vault_bytes.labels(work).inc(size)

    # -- what is told ----------------------------------------------------------------------------------------------

    def collect(self) -> Iterator[Metric]:
        """The gauges, as they are now."""
        build = GaugeMetricFamily("deedbook_build", "the release that answers", labels=("version",))
        build.add_metric((__version__,), 1)
        yield build
        with self._reading:
            found = self._found()
        for each in found:
            labels = (each.label,) if each.label else ()
            gauge = GaugeMetricFamily(f"deedbook_{each.name}", each.words, labels=labels)
            by_label = each.values if isinstance(each.values, Mapping) else {None: each.values}
            for value, number in by_label.items():
                gauge.add_metric(() if value is None else (value,), number)
            yield gauge

    def _found(self) -> list[Gauge]:
        """What stands in the databases, and whether they answered: a scrape is never refused because of them."""
        answers = Gauge("databases_answer", "whether the databases were read for this answer", 1)
        try:
            return [answers, *self._gauges()]
        except DeedbookError:
            return [replace(answers, values=0)]

    def text(self) -> bytes:
        """Everything, in the text format (version 0.0.4)."""
        return generate_latest(self._registry)

    @contextmanager
    def on_port(self, host: str, port: int) -> Iterator[int]:
        """Answers on a port of its own; its number, which the system chooses where `port` is 0."""
        server, thread = start_http_server(port, addr=host, registry=self._registry)
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class WatchedVault(Vault):
    """A vault whose work is timed."""

    def __init__(self, metrics: Metrics, *parts: Any, **named: Any) -> None:
        super().__init__(*parts, **named)
        self._metrics = metrics

    def seal_all(
        self,
        asset_id: int,
        version: int,
        records: Iterable[tuple[bytes, bytes | None]],
        count: int,
        executor: Executor | None = None,
        *,
        report: Callable[[int], None] = lambda _: None,
    ) -> PayloadReceipt:
        """As `Vault.seal_all`."""
        with self._metrics.working("seal"):
            sealed = super().seal_all(asset_id, version, records, count, executor, report=report)
        self._metrics.moved("seal", sealed.size)
        return sealed

    def deliver(
        self, payload_id: bytes, excluded: Iterable[int], recipient: PublicKey, context: EnvelopeContext
    ) -> Delivery:
        """As `Vault.deliver`."""
        with self._metrics.working("deliver"):
            return super().deliver(payload_id, excluded, recipient, context)

    def serve_unit(self, payload_id: bytes, index: int) -> bytes:
        """As `Vault.serve_unit`."""
        with self._metrics.working("open"):
            unit = super().serve_unit(payload_id, index)
        self._metrics.moved("open", len(unit))
        return unit

    def serve_units(self, payload_id: bytes, indices: Collection[int]) -> dict[int, bytes]:
        """As `Vault.serve_units`."""
        with self._metrics.working("open"):
            units = super().serve_units(payload_id, indices)
        self._metrics.moved("open", sum(map(len, units.values())))
        return units
