"""Guiyang's sale by HTTP alone: everybody's work, from admission to payout, and what each of them can check."""

from __future__ import annotations

from tests.e2e.http_story import Story


def test_the_story_was_told_by_http_alone(guiyang_by_http: Story) -> None:
    story = guiyang_by_http
    sale = story.get(f"/sales/{story.sale}")
    assert (sale["state"], sale["deliveredCount"]) == ("accepted", len(story.people))
    assert sale["settlement"]["certificate"]


def test_an_order_before_the_legal_opinion_is_refused_by_the_contracts_own_error(guiyang_by_http: Story) -> None:
    refused = guiyang_by_http.refused
    assert (refused.status, refused.json()["error"]) == (409, "AttestationMissing")
    assert refused.json()["arguments"]


def test_everybody_did_the_own_work(guiyang_by_http: Story) -> None:
    guiyang_by_http.go_on()
