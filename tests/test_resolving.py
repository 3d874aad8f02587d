"""References between schemas: plain ones are followed as the library follows them, any other by the library itself."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.loading import shipped
from mockserver.resolving import Resources, _Plain, inside, lookup
from mockserver.subschemas import references, walk

STEPS = ("a", "b", "0", "a/b", "~", "%", "x y", "é")
PARTS = st.recursive(
    st.booleans() | st.text("ab", max_size=2),
    lambda inner: st.dictionaries(st.sampled_from(STEPS), inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=8,
)
MEMBERS = st.dictionaries(st.sampled_from(STEPS), PARTS, max_size=3)
SCHEMAS = st.builds(
    lambda members, definitions: {"$defs": definitions, **members},
    MEMBERS,
    st.dictionaries(st.sampled_from(STEPS), MEMBERS, max_size=2),
)
REFERENCES = st.builds(
    lambda file, hash_, steps: file + hash_ + "".join(f"/{step}" for step in steps),
    st.sampled_from(["", "a.json", "b.json", "c.json", "./a.json", "x/a.json", "http://x/a.json"]),
    st.sampled_from(["#", "", "##"]),
    st.lists(st.sampled_from(["$defs", "a", "b", "0", "1", "a~1b", "~0", "%25", "x%20y", "x y", "é", ""]), max_size=3),
)


def of(files: dict[str, Any]) -> Resources:
    """Schemas by file name."""
    resources = Resources()
    resources.add(files)
    return resources


@given(a=SCHEMAS, b=SCHEMAS, root=SCHEMAS, asked=st.lists(REFERENCES, min_size=1, max_size=3))
def test_a_plain_reference_leads_where_the_library_says(a: Any, b: Any, root: Any, asked: list[str]) -> None:
    """To the very same part, and on from there; or nowhere."""
    resources = of({"a.json": a, "b.json": b})
    plain: Any = _Plain(resources, "", root)
    library = plain.library()
    for reference in asked:
        found, expected = lookup(plain, reference), lookup(library, reference)
        if found is None or expected is None:
            assert (found, expected) == (None, None)
            return
        assert found.contents is expected.contents
        plain, library = found.resolver, expected.resolver


def test_a_name_of_its_own_has_the_library_asked() -> None:
    """Wherever a schema has one, in a file or in the one that refers."""
    named = {"$id": "http://x/y", "$defs": {"in": {"$anchor": "here"}}}
    for files, root in (({"a.json": named}, {}), ({}, named)):
        resolver = of(files).resolver(root)
        assert not isinstance(resolver, _Plain)
    found = lookup(inside(resolver, named), "#here")
    assert found is not None
    assert found.contents is named["$defs"]["in"]  # type: ignore[index]
    assert isinstance(of({"a.json": {}}).resolver({"$ref": "a.json"}), _Plain)


def test_what_cannot_be_written_is_left_to_the_library() -> None:
    """As nobody has looked for names in it."""
    assert not isinstance(of({}).resolver({"const": 2**70}), _Plain)


@pytest.mark.parametrize("name", [file.name for file in sorted((shipped() / "schemas").iterdir())])
def test_shipped_schemas_are_plain(name: str) -> None:
    """Each of their references is followed without the library."""
    schema = json.loads((shipped() / "schemas" / name).read_bytes())
    plain = of({name: schema}).resolver(schema)
    for _, part in walk(schema):
        for _, reference in references(part) if isinstance(part, dict) else ():
            assert plain.find(reference) is not None, reference


def test_loading_does_not_wait_for_the_library() -> None:
    """Nor does deciding a request that is well formed."""
    code = "import sys; from mockserver import load; load(); print('referencing' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
