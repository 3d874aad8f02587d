"""A client of the provider, as an integration might have it: it retries where no answer came."""

from dataclasses import dataclass

import requests

PATH = "/debit/v1/activateCardForCustomer"
ALREADY_ACTIVATED = 4433


class ProviderError(Exception):
    """The provider refused; `code` and `hints` are its own."""

    def __init__(self, error: dict) -> None:
        super().__init__(f"{error['code']}: {'; '.join(error.get('hints', [])) or error.get('text', '')}")
        self.code = error["code"]
        self.hints = error.get("hints", [])


@dataclass
class Client:
    """Activates cards at `base_url`."""

    base_url: str
    timeout: float = 2.0
    attempts: int = 3

    def activate(self, card: str, customer_id: str, batch: str) -> str | None:
        """Activate a card and give the provider's id of it; None where only a lost answer had it.

        An answer that is lost leaves open whether the card was activated. The provider tells the retry that it
        already is, which then is no error.
        """
        body = {"customer_id": customer_id, "card_identifier": card, "reference_batch": batch}
        unsure = False
        for attempt in range(1, self.attempts + 1):
            try:
                response = requests.post(self.base_url + PATH, json=body, timeout=self.timeout)
                answer = response.json()
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.JSONDecodeError):
                if attempt == self.attempts:
                    raise
                unsure = True
                continue
            error = answer.get("error")
            if error:
                if unsure and error["code"] == ALREADY_ACTIVATED:
                    return None
                raise ProviderError(error)
            return answer["payload"]["card_id"]
        raise AssertionError("attempts is at least 1")
