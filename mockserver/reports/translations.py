"""The texts of the bug report in each language, and the choice of a language. All languages have the same keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Texts = Mapping[str, str]

TRANSLATIONS: Final[Mapping[str, Texts]] = {
    "en": {
        "kind": "Bug report",
        "happened": "What happened",
        "sent": "What was sent",
        "answered": "What was answered",
        "not_arrived": "What was to be answered, but did not reach the client",
        "lost_title": "answer lost",
        "lost": "The client did not get this answer.",
        "retry_finds": "What the request changes was kept: a retry finds it done.",
        "retry_new": "Nothing was changed: a retry is answered as if it were the first.",
        "noticed": "What was noticed as well",
        "wrong": "What was wrong with the request",
        "warnings": "What was accepted, but probably not meant",
        "again": "Send it again",
        "masked": "What is secret is masked.",
        "note": "Note.",
        "advice": "Advice of this mock, not of the documents.",
        "retry": "Send again: {retry}.",
        "safe": "the same request may be sent again",
        "after-change": "only once the cause is mended",
        "never": "it helps in no case",
        "treat-as-success": "after a lost answer, treat it as success",
        "time": "Time",
        "instant": "{local} ({utc} in UTC)",
        "entry": "Entry",
        "of": "{id} of sandbox {sandbox}",
        "default": "(default)",
        "source": "Source",
        "documented": "documented",
        "assumed": "assumed: the document leaves it open",
        "trigger": "Reason",
        "values": "values: something in the request itself",
        "state": "state: a record that an earlier request wrote",
        "header": "header: Mock-Scenario forced it",
        "armed": "armed: it was set for the next matching requests",
        "usual": "default: no other scenario applied",
        "because": "Because",
        "and": " and ",
        "rests": "Assumptions",
        "stands": "Defined in",
        "problem": "Problem",
        "misuse": "{problem}: no answer of the API",
        "recorded": "Answer of the provider",
        "fallback": "In the place of the provider",
        "same": "the same as {scenario}",
        "differs": "differs from {scenario}",
        "unknown": "no outcome of the contract",
        "why": "Why",
        "difference": "expected {expected}, came {came}",
        "fault": "Fault",
        "kept": ", what it changed was kept",
        "delivery": "Delivery",
        "client_left": "the client left before the full answer was sent",
        "delay": "Delay",
        "hidden": "Masked",
        "mark": "(masked)",
        "versions": "Versions",
        "version": "mockserver {version}, contract {contract}",
        "changed": "; {contract} is served now",
        "nothing": "(no body)",
    },
    "es": {
        "kind": "Reporte de error",
        "happened": "Qué pasó",
        "sent": "Qué se envió",
        "answered": "Qué se respondió",
        "not_arrived": "Qué se iba a responder, pero no llegó al cliente",
        "lost_title": "respuesta perdida",
        "lost": "El cliente no recibió esta respuesta.",
        "retry_finds": "Lo que la solicitud cambia sí se guardó: un reintento ya lo encuentra hecho.",
        "retry_new": "No cambió nada: un reintento se responde como si fuera el primero.",
        "noticed": "Qué más se observó",
        "wrong": "Qué estaba mal en la solicitud",
        "warnings": "Qué se aceptó, aunque quizá no era la intención",
        "again": "Enviarla otra vez",
        "masked": "Lo que es secreto está oculto.",
        "note": "Nota.",
        "advice": "Consejo de este mock, no de los documentos.",
        "retry": "Reenviar: {retry}.",
        "safe": "se puede reenviar la misma solicitud",
        "after-change": "solo después de corregir la causa",
        "never": "no sirve en ningún caso",
        "treat-as-success": "si se perdió la respuesta anterior, trátelo como éxito",
        "time": "Hora",
        "instant": "{local} ({utc} en UTC)",
        "entry": "Entrada",
        "of": "{id} del sandbox {sandbox}",
        "default": "(principal)",
        "source": "Origen",
        "documented": "documentado",
        "assumed": "supuesto: el documento lo deja abierto",
        "trigger": "Motivo",
        "values": "valores: algo en la propia solicitud",
        "state": "estado: un registro que escribió una solicitud anterior",
        "header": "encabezado: lo forzó Mock-Scenario",
        "armed": "programado para las siguientes solicitudes que coincidan",
        "usual": "predeterminado: no aplicó ningún otro escenario",
        "because": "Porque",
        "and": " y ",
        "rests": "Supuestos",
        "stands": "Definido en",
        "problem": "Problema",
        "misuse": "{problem}: no es una respuesta de la API",
        "recorded": "Respuesta del proveedor",
        "fallback": "En lugar del proveedor",
        "same": "igual que {scenario}",
        "differs": "difiere de {scenario}",
        "unknown": "ningún resultado del contrato",
        "why": "Por qué",
        "difference": "se esperaba {expected}, se recibió {came}",
        "fault": "Falla",
        "kept": ", lo que cambió se conservó",
        "delivery": "Entrega",
        "client_left": "el cliente se fue antes de que se enviara la respuesta completa",
        "delay": "Demora",
        "hidden": "Oculto",
        "mark": "(oculto)",
        "versions": "Versiones",
        "version": "mockserver {version}, contrato {contract}",
        "changed": "; ahora se sirve {contract}",
        "nothing": "(sin cuerpo)",
    },
}


def language(accepted: str) -> str:
    """The preferred language of an `Accept-Language` header among those of `TRANSLATIONS`; English by default."""
    best, best_weight = "en", 0.0
    for part in accepted.lower().split(","):
        name, _, quality = part.partition(";")
        code = name.strip().partition("-")[0]
        candidate_weight = _weight(quality)
        if code in TRANSLATIONS and candidate_weight > best_weight:
            best, best_weight = code, candidate_weight
    return best


def _weight(quality: str) -> float:
    """The weight of a quality such as `q=0.8`; 1 by default, 0 if it is malformed."""
    name, _, number = quality.replace(" ", "").partition("=")
    if not name:
        return 1.0
    whole, _, part = number.partition(".")
    is_number = name == "q" and whole in ("0", "1") and (not part or (part.isascii() and part.isdecimal()))
    return float(number) if is_number else 0.0
