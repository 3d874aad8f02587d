"""The number of a request, and the form of its ids."""

from mockserver import Settings
from mockserver.core.model import IdRule
from mockserver.variation.sandboxes import number_request, vary_ids

IDS = (IdRule("a", 1, "a_", None, is_opaque=True), IdRule("b", 1, "b_", None))


def test_a_request_is_numbered_once() -> None:
    """A setting that names a number keeps it."""
    numbered = number_request(Settings(vary="7:time"), 3)
    assert numbered.vary == "7/3:time"
    assert number_request(numbered, 4) is numbered


def test_opaque_ids_have_another_prefix() -> None:
    """The same one for the same request; the number behind it says that ids differ, and the others stay."""
    found = [vary_ids(Settings(vary=f"7/{number}:ids"), IDS) for number in range(60)]
    assert found[5] == vary_ids(Settings(vary="7/5:order,ids"), IDS)
    assert all(other == IDS[1] for _, other in found)
    prefixes = {one.prefix for one, _ in found}
    assert {"A_", "a_0000", "a__"} < prefixes
    assert "a_" not in prefixes
    assert len(prefixes) > 20
    assert all(not prefix[-1].isdigit() or prefix.endswith("0000") for prefix in prefixes)


def test_ids_stay_unless_their_kind_is_asked_for() -> None:
    """Another kind leaves them."""
    assert vary_ids(Settings(vary="7/1:time"), IDS) == IDS
