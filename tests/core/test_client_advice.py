"""Advice for clients, in the language of the reader where there is one."""

from mockserver.core.client_advice import NO_ADVICE, ClientAdvice


def test_advice_is_in_the_language_of_the_reader() -> None:
    """Or in the one that there is; nothing is said where there is none."""
    down = {"en": "It is down.", "es": "No responde."}
    both = ClientAdvice(down, {"en": "Wait.", "es": "Espere."}, "safe")
    assert (both.text("en"), both.text("es")) == ("It is down. Wait.", "No responde. Espere.")
    assert ClientAdvice(advice={"es": "Espere."}).text("en") == "Espere."
    assert ClientAdvice(reason={"en": "It is down."}).text("es") == "It is down."
    assert (NO_ADVICE.text("en"), NO_ADVICE.description) == ("", "")
    assert both.description == "Advice of this mock, not of the documents: It is down. Wait."
    assert both.members == {"reason": down, "advice": {"en": "Wait.", "es": "Espere."}, "retry": "safe"}
