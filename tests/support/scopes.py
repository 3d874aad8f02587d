"""A scope of paths, and facts that they lead into."""

from mockserver.contract.paths import Scope
from mockserver.core.model import MISSING, Facts, Settings
from mockserver.privacy.secrets import Secrets
from mockserver.schema.declared import DeclaredNames

MEMBERS: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {
    ("body", ()): ("name", "list", "deep"),
    ("now", ()): ("utc_millis", "offset_nanos", "epoch_millis"),
    ("new", ()): ("id",),
    ("things[]", ()): ("size", "key"),
}


SCOPE = Scope(
    ("body", "header", "query", "now", "new", "settings", "things", "one"),
    lambda root, path: DeclaredNames(MEMBERS.get((root, path), ())),
    secrets=Secrets([("body", "deep", "secret")]),
    list_lookups=frozenset({"things"}),
)


FACTS = Facts(
    body={"name": "Laura", "list": ["a", {"b": 2}], "deep": {"er": {"x": None}}},
    header={"x-name": "caf\udcc3\udca9", "y": "1"},
    new={"id": "id_1"},
    settings=Settings(error_status=418, utc_offset="-06:00"),
    now_ns=1_731_681_138_123_456_789,
    records={"things": [{"size": 1, "key": "a"}, {"key": "b"}], "one": MISSING},
)
