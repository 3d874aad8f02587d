"""The secrets of one request as texts, so that none is kept where a provider's answer repeats it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockserver.core.model import MISSING, Document, value_at
from mockserver.decision.document import read_object
from mockserver.privacy.masks import secret_parts
from mockserver.privacy.secrets import Secrets
from mockserver.provider.differences import scalars

_SHORTEST: Final = 4
"""Characters from which a text is looked for in an answer: shorter ones stand in any text."""


def sent_secrets(document: Document, secrets: Secrets) -> frozenset[str]:
    """The texts of the secrets in the headers, the path, the query and the body of a request."""
    return frozenset(text for text in _texts(document, secrets) if len(text) >= _SHORTEST)


def _texts(document: Document, secrets: Secrets) -> Iterator[str]:
    request = document.request
    for name, value in request.headers.items():
        if secrets.is_secret_header(name):
            yield value
            yield value.rpartition(" ")[2]  # without the scheme of the credentials
    for name, value in document.parameters.items():
        if secrets.covers("path", (name,)):
            yield value
    query = [*request.query.items()]
    for (name, value), secret in zip(query, secret_parts(query, secrets), strict=True):
        yield from (text for text, is_secret in ((name, secret.name), (value, secret.value)) if is_secret)
    body = read_object(request.body) if document.secret_places else MISSING
    for place in document.secret_places:
        yield from map(str, scalars(value_at(body, place)))
