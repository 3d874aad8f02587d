"""Two clients meet answers that vary: install the mock and `requests`, then run `pytest`."""

import brittle_client
import careful_client
import pytest

BATCH = "7e4b85e27c4610824900af48f340394d"
FAMILY = {"first_name": "Ana", "last_name": "Ruiz"}


def use(client, url: str, number: int) -> None:
    """What each client has to manage: an activation and an error."""
    card, _ = client.activate(url, {"customer": FAMILY, "card_identifier": f"CARD-{number}", "reference_batch": BATCH})
    assert card
    with pytest.raises(ValueError, match="4400"):
        client.activate(url, {"customer_id": "TEST-CUSTOMER", "card_identifier": "", "reference_batch": BATCH})


@pytest.mark.parametrize("client", [careful_client, brittle_client])
def test_both_clients_pass_with_documented_answers(mockserver, client):
    """That is all that a mock with fixed answers can say."""
    use(client, mockserver.url, 1)


def test_the_careful_client_passes_with_a_hundred_seeds(mockserver):
    """It reads the contract."""
    for seed in range(100):
        mockserver.settings.put(vary=str(seed))
        use(careful_client, mockserver.url, seed)


def test_the_brittle_client_is_caught(mockserver):
    """It reads the example: the kinds of variation with which it fails say what it takes for granted."""
    kinds = ["ids", "absent", "enum", "time", "extra", "order", "numbers", "escapes", "space"]
    kinds += ["charset", "headers", "chunks", "packets"]
    caught = set()
    for number, (kind, seed) in enumerate((kind, seed) for kind in kinds for seed in range(10)):
        mockserver.settings.put(vary=f"{seed}:{kind}")
        try:
            use(brittle_client, mockserver.url, number)
        except (AssertionError, KeyError, ValueError, pytest.fail.Exception):
            caught.add(kind)
    assert set(kinds) - caught == {"headers", "chunks", "packets"}  # its HTTP library manages these
