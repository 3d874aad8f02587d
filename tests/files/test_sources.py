"""Reading files and folders: what the cases in data/bad cannot say, because it is large, odd or not a text."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from mockserver import ConfigError, Contract, Engine, Request, load
from mockserver.base.values import MAX_FILE_DEPTH
from mockserver.contract.loading import ContractFiles, compile_runtime_scenario
from mockserver.core.model import MISSING
from mockserver.files.sources import SourceFile, read_json
from mockserver.files.yaml_source import MAX_ALIASED_VALUES, read_yaml, read_yaml_text
from tests.support import run

CONTRACT = "format: 1\noperations: {get: {request: GET /things, envelopes: {ok: {status: 200, body: {}}}}}\n"
SCENARIOS = "format: 1\noperation: get\nscenarios:\n- {scenario: all, documented: All., respond: {ok: {}}}\n"


def written(folder: Path, **files: str) -> Path:
    """A folder with these files, `__` in a name standing for the dot before yaml or json."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, "utf-8")
    return folder


def source_of(tmp_path: Path, text: str, suffix: str = "yaml") -> SourceFile:
    """The text read from a file."""
    file = tmp_path / f"file.{suffix}"
    file.write_text(text, "utf-8")
    return read_yaml(file, file.name) if suffix == "yaml" else read_json(file, file.name)


def told(source: SourceFile) -> list[str]:
    """The first line of each problem."""
    return [str(problem).partition("\n")[0] for problem in source.diagnostics]


def ids(contract: Contract) -> list[str]:
    """The ids of all scenarios."""
    return [scenario.id for scenario in contract.scenarios]


def failure(*arguments: Any) -> list[str]:
    """The lines in which a load that fails tells what and where."""
    with pytest.raises(ConfigError) as raised:
        load(*arguments)
    return [str(problem).partition("\n")[0] for problem in raised.value.diagnostics]


# -- values -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2024-11-15", "2024-11-15"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("-12", -12),
        ("0", 0),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ('"012"', "012"),
        ("'null'", "null"),
        ("!!str 12", "12"),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_plain_yaml_values_are_json_values(text: str, value: object, tmp_path: Path) -> None:
    """Null, boolean, number as JSON writes it, or text: no dates, no octals, no `no`."""
    source = source_of(tmp_path, f"a: {text}\n")
    assert source.diagnostics == []
    assert source.data == {"a": value}
    assert type(source.data["a"]) is type(value)


@pytest.mark.parametrize("text", ["! 12", "!!int '12'", "!!str [1]", "!mine {}", "!!set {a, b}", "!!binary YQ=="])
def test_tags_are_refused(text: str, tmp_path: Path) -> None:
    """No tag but that of a plain text is taken."""
    assert told(source_of(tmp_path, f"a: {text}\n")) == ["file.yaml:1:4: a YAML tag"]


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    """A file may begin with a byte order mark; columns are counted without it."""
    source = source_of(tmp_path, "\ufeff{a: &x}\n")
    assert source.data == {"a": None}
    assert str(source.position(("a",))) == "file.yaml:1:2"
    assert source_of(tmp_path, '\ufeff{"a": 1}', "json").data == {"a": 1}


def test_columns_count_characters(tmp_path: Path) -> None:
    """Letters that take several bytes are one column."""
    source = source_of(tmp_path, "{ñandú: 1, ñandú: 2}\n")
    assert told(source) == ["file.yaml:1:12: the key ñandú comes twice"]
    assert source.diagnostics[0].hint == "it stands at line 1, column 2 already"


def test_an_alias_repeats_a_value(tmp_path: Path) -> None:
    """Anchors and aliases are allowed; what is wrong in a repeated value stands at the alias."""
    source = source_of(tmp_path, "a: &a {b: [1, 2]}\nc:\n  d: *a\n")
    assert source.data == {"a": {"b": [1, 2]}, "c": {"d": {"b": [1, 2]}}}
    assert str(source.position(("c", "d", "b", 1))) == "file.yaml:3:3"
    assert str(source.position(("a", "b", 1))) == "file.yaml:1:15"


def test_multiplying_aliases_are_refused(tmp_path: Path) -> None:
    """A billion laughs are refused at once, at the alias that is too much."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    source = source_of(tmp_path, "\n".join(lines))
    assert source.data is MISSING
    [problem] = source.diagnostics
    assert problem.what == "aliases repeat too much"
    assert problem.expected == f"at most {MAX_ALIASED_VALUES} values by aliases"
    assert problem.position.line == 5


def test_nested_aliases_are_refused(tmp_path: Path) -> None:
    """Depth is counted through aliases."""
    lines = ["a0: &a0 x", *(f"a{n}: &a{n} [[[[[[[[[[*a{n - 1}]]]]]]]]]]" for n in range(1, 12))]
    assert told(source_of(tmp_path, "\n".join(lines))) == ["file.yaml:11:21: nested too deep"]


@pytest.mark.parametrize("suffix", ["yaml", "json"])
@pytest.mark.parametrize("levels", [MAX_FILE_DEPTH + 1, 100_000])
def test_nesting_has_a_limit(suffix: str, levels: int, tmp_path: Path) -> None:
    """A file that is nested too deep is refused, however deep it is."""
    source = source_of(tmp_path, "[" * levels + "]" * levels, suffix)
    assert source.data is MISSING
    assert [problem.what for problem in source.diagnostics] == ["nested too deep"]


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_nesting_up_to_the_limit_is_read(suffix: str, tmp_path: Path) -> None:
    """A file at the limit is read."""
    source = source_of(tmp_path, "[" * MAX_FILE_DEPTH + "]" * MAX_FILE_DEPTH, suffix)
    assert source.diagnostics == []
    assert source.data == json.loads("[" * MAX_FILE_DEPTH + "]" * MAX_FILE_DEPTH)


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_integers_of_a_file_are_exact(suffix: str, tmp_path: Path) -> None:
    """Beyond 64 bits too, up to a thousand digits."""
    numbers = [2**63, 2**64, 2**64 + 1, -(2**63) - 1, int("9" * 1_000)]
    source = source_of(tmp_path, f'["x", {", ".join(map(str, numbers))}]', suffix)
    assert (source.diagnostics, source.data) == ([], ["x", *numbers])


@pytest.mark.parametrize("text", [".5", "-.5e3", "1.", "0x1F", "0o17", "0b1", ".inf", "-.INF", ".nan"])
def test_numbers_that_json_does_not_have_are_errors(text: str, tmp_path: Path) -> None:
    """As a value and as a key; in quotes they are texts."""
    source = source_of(tmp_path, f"a: {text}\n{text}: 1\nb: '{text}'\n")
    assert [str(one).splitlines() for one in source.diagnostics] == [
        [
            "file.yaml:1:4: a number that JSON does not have",
            "    expected: a decimal number such as 0.5, 1.0 or 31",
            f"    got:      {text}",
            "    hint:     a text? write it in quotes",
        ],
        [
            "file.yaml:2:1: a key that is no text",
            "    expected: a text",
            f"    got:      {text}",
            f'    hint:     write "{text}" in quotes',
        ],
    ]
    assert source.data["b"] == text


@pytest.mark.parametrize(
    "text", ["1.2.3", "0x", "0xg", "1e", ".", "..5", "5.5.", "inf", "nan", ".info", "1:30", "2024-11-15"]
)
def test_texts_that_only_resemble_numbers_stay_texts(text: str, tmp_path: Path) -> None:
    """Versions, dates, words."""
    source = source_of(tmp_path, f"a: {text}\n")
    assert (source.diagnostics, source.data) == ([], {"a": text})


PAIRS = {"emoji": "\U0001f600", "k" * 2_000: {"line\u0085break": "\u2028"}, "at": 1}


@pytest.mark.parametrize("text", [json.dumps(PAIRS), " \n" + json.dumps(PAIRS, indent=1).replace('":', '"\n:')])
def test_a_yaml_file_that_is_a_json_object_is_read_as_json(text: str, tmp_path: Path) -> None:
    """Surrogate pairs as Python's `json.dumps` writes them, long keys, line breaks before a colon."""
    source = source_of(tmp_path, text)
    assert (source.diagnostics, source.data) == ([], PAIRS)
    assert source.position(("at",)).line == text[: text.index('"at"')].count("\n") + 1
    assert read_yaml_text(text.encode(), "body").data == PAIRS


def test_what_begins_like_json_and_is_none_is_yaml_unless_it_claims_to_be_json() -> None:
    """What is said to be JSON is read as JSON, and told that YAML has another media type."""
    assert read_yaml_text(b"{a: b}", "body").data == {"a": "b"}
    for text, wrong in [
        (b"{a: b}", "1:2: bad JSON: Expecting property name enclosed in double quotes"),
        (b"a: b", "1:1: bad JSON: Expecting value"),
        (b"\n- a", "2:1: bad JSON: Expecting value"),
        (b"", "1:1: bad JSON: Expecting value"),
    ]:
        source = read_yaml_text(text, "body", is_json=True)
        assert told(source) == [f"body:{wrong}"]
        assert source.diagnostics[0].hint == "YAML is sent as application/yaml"
    broken = read_yaml_text(b'{"a": 1,}', "body", is_json=True)
    assert [one.hint for one in broken.diagnostics] == ["a comma before a closing bracket?"]
    assert read_yaml_text(b'{"a": 0.5}', "body", is_json=True).data == {"a": 0.5}


@pytest.mark.parametrize("is_json", [False, True])
def test_a_text_that_is_not_utf_8_is_refused(is_json: bool) -> None:
    """With its line."""
    source = read_yaml_text(b"a: 1\nb: \xff", "body", is_json=is_json)
    assert (told(source), source.data) == (["body:2:1: not UTF-8"], MISSING)


@pytest.mark.parametrize("text", ['{"a": "x\\ud800"}', '{"\\udc00": 1}'])
def test_half_of_a_surrogate_pair_is_refused_in_a_scenario(text: str) -> None:
    """In a value and in a key; an escaped backslash begins none."""
    [problem] = read_yaml_text(text.encode(), "body").diagnostics
    assert (problem.what, problem.expected) == ("half of a surrogate pair", "a text of whole characters")
    assert read_yaml_text(text.replace("\\u", "\\\\u").encode(), "body").diagnostics == []


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_very_long_number_is_refused(suffix: str, tmp_path: Path) -> None:
    """Like any number that is too large."""
    assert told(source_of(tmp_path, '{"a": ' + "9" * 10_000 + "}", suffix)) == [
        f"file.{suffix}:1:7: a number that is too large"
    ]


def test_positions_in_json_are_exact(tmp_path: Path) -> None:
    """Every member of a JSON file has its place, whatever stands in its texts."""
    text = '{\n\t"a\\"{": "\\ud83d\\ude00 \\/ [,:",\n  "b": [1, {"c": -2.5e3}, "x"]}'
    source = source_of(tmp_path, text, "json")
    assert source.diagnostics == []
    places = {path: str(source.position(path)).partition(":")[2] for path in source.marks}
    assert places == {
        (): "1:1",
        ('a"{',): "2:2",
        ("b",): "3:3",
        ("b", 0): "3:9",
        ("b", 1): "3:12",
        ("b", 1, "c"): "3:13",
        ("b", 2): "3:27",
    }


def test_pyyaml_without_its_c_library_reads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped contract has the same texts and places."""
    import yaml  # noqa: PLC0415

    from mockserver.contract import loading  # noqa: PLC0415
    from mockserver.files import yaml_source  # noqa: PLC0415

    files = sorted((loading.shipped_folder() / "scenarios").iterdir())
    fast = [read_yaml(file, file.name) for file in files]
    monkeypatch.setattr(yaml_source, "_Loader", yaml.SafeLoader)
    assert [read_yaml(file, file.name) for file in files] == fast
    assert source_of(tmp_path, "a: b: c").data is MISSING


@pytest.mark.parametrize(("suffix", "end"), [("yaml", "x\\n\\e[2J"), ("json", "x\\n\\ud800")])
def test_a_report_escapes_odd_names(suffix: str, end: str, tmp_path: Path) -> None:
    """Line breaks, escapes or lone surrogates in names do not break it."""
    source = source_of(tmp_path, f'{{"{end}": 1, "{end}": 2}}', suffix)
    [problem] = source.diagnostics
    assert len(str(problem).encode().splitlines()) == 4
    assert "the key x\\x0a\\x" in str(problem)


# -- folders ----------------------------------------------------------------------------------------------


def test_nested_and_flat_folders_load_the_same(tmp_path: Path) -> None:
    """scenarios/ and schemas/, or all files flat; *.yml counts too."""
    flat = load(written(tmp_path / "flat", contract__yml=CONTRACT, get__yaml=SCENARIOS, x__json="true"))
    written(tmp_path / "nested" / "schemas", x__json="true")
    written(tmp_path / "nested" / "scenarios", contract__yaml=CONTRACT, get__yaml=SCENARIOS)
    nested = load(str(tmp_path / "nested"))
    assert ids(flat) == ids(nested) == ["all"]
    assert flat.hash == nested.hash


def test_files_of_one_operation_add_up(tmp_path: Path) -> None:
    """Scenario files of one operation are tried in the order of their names, as one list."""
    more = SCENARIOS.replace("scenario: all, documented: All.", "scenario: one, documented: One., when: {query.a: b}")
    assert ids(load(written(tmp_path / "ab", contract__yaml=CONTRACT, a__yaml=more, b__yaml=SCENARIOS))) == [
        "one",
        "all",
    ]
    folder = written(tmp_path / "ba", contract__yaml=CONTRACT, a__yaml=SCENARIOS, b__yaml=more)
    assert failure(folder) == [
        f"{folder / 'a.yaml'}:4:3: a scenario without conditions before others",
        f"{folder / 'b.yaml'}:4:3: no final scenario without conditions",
    ]


def test_file_names_begin_with_the_folder_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative folder gives relative names; names of the shipped contract begin below it."""
    monkeypatch.chdir(written(tmp_path / "here", contract__yaml=CONTRACT, get__yaml=SCENARIOS).parent)
    [scenario] = load("here").scenarios
    assert str(scenario.position) == f"{Path('here/get.yaml')}:4:3"
    first = next(iter(load().scenarios))
    assert first.position.file == str(Path("scenarios/activate-card-for-customer.yaml"))


def test_other_files_and_folders_are_ignored(tmp_path: Path) -> None:
    """Also the schemas of the file formats."""
    folder = written(tmp_path, contract__yaml=CONTRACT, get__yaml=SCENARIOS, README__md="{", LICENSE="{")
    written(folder, **{"contract.schema__json": "{", "scenarios.schema__json": "{"})
    written(folder / "more", broken__yaml="{")
    written(folder / ".more.yaml", broken__yaml="{")
    assert ids(load(folder)) == ["all"]


def test_a_folder_with_the_name_of_a_file_is_reported(tmp_path: Path) -> None:
    """Docker makes one where the file that is to be mounted does not exist."""
    folder = written(tmp_path / "c", contract__yaml=CONTRACT, get__yaml=SCENARIOS)
    (folder / "more.yaml").mkdir()
    (folder / "body.json").mkdir()
    what = "cannot be read: it is a folder"
    assert failure(folder) == [f"{folder}/body.json:1:1: {what}", f"{folder}/more.yaml:1:1: {what}"]
    assert ContractFiles(folder).fingerprint() == ContractFiles(folder).fingerprint()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a FIFO needs POSIX")
def test_a_fifo_or_a_device_is_reported(tmp_path: Path) -> None:
    """By its name, without waiting for its end; a look at the files for changes does not wait either."""
    folder = written(tmp_path / "c", contract__yaml=CONTRACT, get__yaml=SCENARIOS)
    os.mkfifo(folder / "more.yaml")
    (folder / "null.json").symlink_to("/dev/null")
    what = "cannot be read: it is a FIFO, a device or a socket"
    assert failure(folder) == [f"{folder}/more.yaml:1:1: {what}", f"{folder}/null.json:1:1: {what}"]
    assert ContractFiles(folder).fingerprint() == ContractFiles(folder).fingerprint()


def test_a_path_parameter_is_certain_in_an_answer(tmp_path: Path) -> None:
    """Every request to the operation has it, so that a scenario can be forced on any."""
    contract = CONTRACT.replace("GET /things", "'GET /things/{id}'").replace("body: {}", "body: '${respond}'")
    scenarios = SCENARIOS.replace("ok: {}", "ok: {first_of: ['${path.id}']}, status: 404")
    written(
        tmp_path,
        contract__yaml=contract,
        get__yaml=scenarios.replace("{first_of: ['${path.id}']}", "{id: '${path.id}'}"),
    )
    reply = Engine(load(tmp_path)).handle_sync(Request("GET", "/things/17"))
    assert (reply.status, reply.body) == (404, b'{"id":"17"}')
    written(tmp_path, get__yaml=scenarios)
    assert Engine(load(tmp_path)).handle_sync(Request("GET", "/things/18")).body == b'"18"'


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_mounted_config_map_is_read_once(tmp_path: Path) -> None:
    """Kubernetes mounts files as links through `..data` into a dot-named folder; dot-names are passed over."""
    version = "..2026_01_01_00_00_00.123456789"
    written(tmp_path / version, contract__yaml=CONTRACT, get__yaml=SCENARIOS)
    (tmp_path / "..data").symlink_to(version)
    for name in ("contract.yaml", "get.yaml"):
        (tmp_path / name).symlink_to(Path("..data") / name)
    written(tmp_path, **{".hidden__yaml": "{", "..hidden__json": "{"})
    contract = load(tmp_path)
    assert ids(contract) == ["all"]
    assert load(tmp_path / version).hash == contract.hash


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_dangling_link_is_reported(tmp_path: Path) -> None:
    """As a file that cannot be read, not as one that is missing."""
    written(tmp_path, contract__yaml=CONTRACT, get__yaml=SCENARIOS)
    (tmp_path / "more.yaml").symlink_to("nowhere")
    (tmp_path / "x.json").symlink_to("nowhere")
    reason = os.strerror(2)
    assert failure(tmp_path) == [
        f"{tmp_path / 'more.yaml'}:1:1: cannot be read: {reason}",
        f"{tmp_path / 'x.json'}:1:1: cannot be read: {reason}",
    ]


def test_each_bad_folder_is_reported(tmp_path: Path) -> None:
    """A missing folder, an empty one, a file in its place."""
    empty, missing, file = tmp_path / "empty", tmp_path / "missing", tmp_path / "file.yaml"
    empty.mkdir()
    file.write_text(CONTRACT)
    assert failure(empty, [missing, file]) == [
        f"{empty}:1:1: no contract can be read here: no *.yaml, *.yml or *.json in it",
        f"{missing}:1:1: no contract can be read here: {os.strerror(2)}",
        f"{file}:1:1: no contract can be read here: {os.strerror(20)}",
    ]


def test_a_contract_file_in_the_wrong_place_is_refused(tmp_path: Path) -> None:
    """Beside scenarios/ it would not be read; other files there are ignored."""
    written(tmp_path / "scenarios", get__yaml=SCENARIOS)
    written(tmp_path, contract__yaml=CONTRACT, compose__yaml="services: {}", odd__yaml="- {", package__json="{}")
    assert failure(tmp_path) == [f"{tmp_path / 'contract.yaml'}:1:1: a file that would not be read"]


def test_two_schema_files_of_one_name_are_refused(tmp_path: Path) -> None:
    """A schema's name is its file's name, in any folder."""
    written(tmp_path / "scenarios", contract__yaml=CONTRACT, get__yaml=SCENARIOS, x__json="true")
    written(tmp_path / "schemas", x__json="false")
    assert failure(tmp_path) == [f"{tmp_path / 'schemas' / 'x.json'}:1:1: two equal ids: schema x.json"]


ODD_YAML = [
    *("", "---", "...", "--- |\n%!PS", "%YAML 1.2\n---\na: 1", "%YAML 3.0\n---\na", "%TAG ! tag:x,2000:\n--- !a b"),
    *("a\n---\nb", "&a a: *a", "*a", "&a [*a]", "&a {b: *a}", "[&a x, *a]: 1", "? [a]\n: b", "? |\n  x\n: y"),
    *("{? a : b}", "? a", "!!map {a: 1}", "a: b: c", "a:\n\tb: 1", "\ta: 1", "- a\n b", "a: [b", "a: {b", "a: 'b"),
    *('a: "b', "a: |1\n x", "a: >+\n x\n", "a: |\n", "a: >-", '"\\x41\\u263A\\U0001F600"', '"\\q"', "'it''s'", "@a"),
    *("`a", "%a", "a: @b", "- - - a", "-\t- a", "[a, , b]", "[a,, b]", "{a, b: }", "!!set {a, b}", "!!binary YQ=="),
    *("!!omap [a: 1]", "!!python/object:os.system x", "!<tag:yaml.org,2002:str> a", "!", "! a"),
    *("2001-12-14t21:59:43.10-05:00", "0o14", "0x1F", "1_000", ".5", "1.", ".inf", "-.INF", ".nan", "12:30:45", "~"),
    *("Yes", "<<: {a: 1}", "a: 1\na: 2", "{a: 1, a: 2}", "null: 1", "1: 2", "true: 1", "[1]: 2", "\ufeffa: 1"),
    *("a: \u0085b", "a: \u2028b", "a: \x07", "\x00", "# only", "a: # b", "a:b", "a #b", "a: 'b' c"),
    *("--- a\n...\n--- b", "- &a\n- *a", "key: &x\n  a: *x", "!!float 1", "!!int '1'", "a: !!null"),
]


@pytest.mark.parametrize("text", ODD_YAML, ids=[repr(text[:24]) for text in ODD_YAML])
def test_odd_yaml_is_read_or_reported(tmp_path: Path, text: str) -> None:
    """As a contract, and as a value in one: never another exception."""
    inner = text.replace("\n", "\n    ")
    for content in (text, f"format: 1\noperation: get\nscenarios:\n- scenario: all\n  note:\n    {inner}\n"):
        files = written(tmp_path, contract__yaml=CONTRACT, get__yaml=SCENARIOS, odd__yaml=content)
        with contextlib.suppress(ConfigError):
            load(files)


def test_crlf_changes_nothing(tmp_path: Path) -> None:
    """A contract has the same hash with either line break."""
    plain = written(tmp_path / "lf", contract__yaml=CONTRACT, get__yaml=SCENARIOS)
    windows = written(tmp_path / "crlf")
    for file in plain.iterdir():
        (windows / file.name).write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert load(windows).hash == load(plain).hash


# -- commands ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["check"], ["serve", "--contract"], ["scenarios", "--contract"]])
def test_a_bad_contract_starts_nothing(command: list[str], tmp_path: Path) -> None:
    """Every command that loads ends with status 1 and the whole report."""
    folder = written(tmp_path, contract__yaml=CONTRACT.replace("GET", "GOT"), get__yaml=SCENARIOS.replace("ok", "okay"))
    done = run(*command, str(folder))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"{folder / 'contract.yaml'}:2:20: wrong value for operations.get.request\n"
        "    expected: a method and a path, such as GET /things/{thing_id}\n"
        '    got:      "GOT /things"\n'
        "    hint:     Method and path, such as GET /things/{thing_id}.\n"
        f"{folder / 'get.yaml'}:4:47: unknown envelope okay\n"
        "    expected: one of ok\n"
        "    got:      okay\n"
        "    hint:     did you mean ok?\n"
        "mockserver: 2 errors in the contract\n"
    )


@pytest.mark.parametrize("is_json", [False, True])
def test_a_run_time_scenario_in_json_may_have_surrogate_pairs(is_json: bool) -> None:
    """As `json.dumps` of Python writes them; what claims to be JSON and is none is refused as such."""
    operation = load().operations[0]
    data = {"documented": "Own.", "when": {"body.customer_id": "\U0001f600"}, "respond": {"error": {"code": 1}}}
    scenario = compile_runtime_scenario(operation, json.dumps(data).encode(), "own", is_json=is_json)
    assert scenario.alternatives[0].conditions[0].text == 'body.customer_id is "\\ud83d\\ude00"'
    with pytest.raises(ConfigError, match="bad JSON" if is_json else "own"):
        compile_runtime_scenario(operation, b"{scenario: other}", "own", is_json=is_json)
