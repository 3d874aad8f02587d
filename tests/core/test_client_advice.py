"""Advice for clients, in the language of the reader where there is one."""

from mockserver.core.client_advice import NO_ADVICE, ClientAdvice


def test_advice_is_in_the_language_of_the_reader() -> None:
    """Or in the one that there is; nothing is said where there is none."""
    both = ClientAdvice("It is down.", {"en": "Wait.", "es": "Espere."}, "safe")
    assert (both.text("en"), both.text("es")) == ("It is down. Wait.", "It is down. Espere.")
    assert ClientAdvice(advice={"es": "Espere."}).text("en") == "Espere."
    assert ClientAdvice(reason="It is down.").text("es") == "It is down."
    assert (NO_ADVICE.text("en"), NO_ADVICE.description) == ("", "")
    assert both.description == "Advice of this mock, not of the documents: It is down. Wait."
    assert both.members == {"reason": "It is down.", "advice": {"en": "Wait.", "es": "Espere."}, "retry": "safe"}
