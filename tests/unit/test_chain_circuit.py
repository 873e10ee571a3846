"""A circuit: when it opens, for how long, and what a trial makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.chain.circuit import Circuit, CircuitState

CLOSED, OPEN, HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN


def no_jitter() -> float:
    return 0.0


def test_failures_in_a_row_open_it_and_others_do_not() -> None:
    circuit = Circuit(no_jitter, trip=3)
    for _ in range(10):
        circuit.failed(0)
        circuit.failed(0)
        circuit.worked()
    assert circuit.state(0) is CLOSED
    for _ in range(3):
        circuit.failed(0)
    assert circuit.state(0) is OPEN


def test_a_grave_failure_opens_it_at_once() -> None:
    circuit = Circuit(no_jitter)
    circuit.failed(10, grave=True)
    assert (circuit.state(10.49), circuit.state(10.5)) == (OPEN, HALF_OPEN)


def test_the_back_off_doubles_with_each_failed_trial_up_to_its_most() -> None:
    circuit, now, waits = Circuit(no_jitter, trip=1, base=1, most=10), 0.0, []
    for _ in range(6):
        circuit.failed(now)
        waits.append(circuit.wait(now))
        now += waits[-1]
        assert circuit.state(now) is HALF_OPEN
    assert waits == [1, 2, 4, 8, 10, 10]


def test_only_a_request_that_worked_resets_the_back_off() -> None:
    circuit = Circuit(no_jitter, trip=3, base=1, most=100)
    circuit.failed(0, grave=True)
    circuit.tried()
    assert circuit.state(0) is CLOSED
    circuit.failed(0)  # on probation: one failure is enough
    assert circuit.wait(0) == 2
    circuit.tried()
    circuit.worked()
    circuit.failed(0)
    assert circuit.state(0) is CLOSED
    circuit.failed(0, grave=True)
    assert circuit.wait(0) == 1


def test_late_failures_of_an_open_circuit_add_nothing() -> None:
    circuit = Circuit(no_jitter, trip=1, base=1)
    for _ in range(50):
        circuit.failed(0)
    assert circuit.wait(0) == 1


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 200))
def test_jitter_takes_at_most_half_of_the_back_off(jitter: float, trips: int) -> None:
    circuit, now = Circuit(lambda: jitter, trip=1, base=1, most=30), 0.0
    for trip in range(trips):
        circuit.failed(now)
        whole = min(30.0, 2.0**trip)
        assert whole / 2 <= circuit.wait(now) == pytest.approx(whole * (1 - jitter / 2))
        now += circuit.wait(now)
