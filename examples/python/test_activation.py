"""Tests of a client against the mock: `pip install PACKAGE requests`, then `pytest`.

The fixture `mockserver` comes with the package: a server for the run, a sandbox for each test.
"""

import pytest
import requests
from client import Client, ProviderError

BATCH = "7e4b85e27c4610824900af48f340394d"


@pytest.fixture
def client(mockserver):
    return Client(mockserver.url)


def test_a_card_is_activated(client):
    assert client.activate("CARD-001", "12345678", BATCH).startswith("card_")


def test_a_card_that_is_activated_already_is_an_error(client):
    """By value: a reserved card."""
    with pytest.raises(ProviderError, match="Card has already been activated"):
        client.activate("TEST-ACTIVATED", "TEST-CUSTOMER", BATCH)


def test_the_provider_cannot_be_reached(client, mockserver):
    """Armed: the next request gets it, whatever it is."""
    mockserver.arm("provider-communication")
    with pytest.raises(ProviderError) as error:
        client.activate("CARD-001", "12345678", BATCH)
    assert error.value.code == 5001


def test_a_lost_answer_is_no_lost_card(client, mockserver):
    """The card is activated, but its answer never arrives; the retry has to make sense of 4433."""
    mockserver.fault("reset", commit=True)
    assert client.activate("CARD-001", "12345678", BATCH) is None
    mockserver.verify(when={"body.card_identifier": "CARD-001"}, exactly=2)
    assert mockserver.state.get("cards", "CARD-001")["status"] == "activated"


def test_it_gives_up_after_three_attempts(client, mockserver):
    """Nothing was committed, and nothing more is sent."""
    mockserver.fault("empty", times=3)
    with pytest.raises(requests.ConnectionError):
        client.activate("CARD-001", "12345678", BATCH)
    mockserver.verify(exactly=3)
