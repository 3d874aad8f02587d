"""The pytest plugin as its users meet it: suites of their own, run by pytest."""

import json
import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from mockserver import Contract, running
from mockserver.testing.pytest_plugin import INI_SETTINGS, OPTIONS
from tests.support import PING, folder, large_suite

Suite = Callable[..., pytest.RunResult]
"""Runs a suite: its text, arguments of pytest, what stands in its ini file; in a process of its own, if `apart`."""

HELPERS = '''
import json
import threading
import urllib.error
import urllib.request

import pytest

BODY = {"customer_id": "1", "card_identifier": "CARD-1", "reference_batch": "7e4b85e27c4610824900af48f340394d"}
PATH = "/debit/v1/activateCardForCustomer"


def post(mock, path=PATH, **changes):
    """The scenario that answered."""
    request = urllib.request.Request(mock.url + path, json.dumps({**BODY, **changes}).encode())
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.headers["Mock-Scenario"]
    except urllib.error.HTTPError as error:
        with error:
            return error.headers["Mock-Scenario"]
'''

INI = """
[pytest]
addopts = --strict-markers --strict-config -p no:cacheprovider
filterwarnings = error
asyncio_default_fixture_loop_scope = function
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """A suite that warnings fail, in a folder of its own, untouched by how the project's own tests are run."""
    for name in ("PYTEST_ADDOPTS", "MOCKSERVER_ADMIN_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def run(text: str, *arguments: str, ini: str = "", apart: bool = False) -> pytest.RunResult:
        pytester.makeini(INI + ini)
        pytester.makepyfile(test_it=HELPERS + text)
        start = pytester.runpytest_subprocess if apart else pytester.runpytest_inprocess
        return start("-p", "no:randomly", *arguments)

    return run


def shown(result: pytest.RunResult) -> str:
    """What a run wrote."""
    return "\n".join([*result.outlines, *result.errlines])


# -- a server for every test --------------------------------------------------------------------------

CLIENTS = """
import asyncio

import aiohttp
import httpx
import requests


@pytest.mark.parametrize("again", range(3))
def test_every_test_begins_afresh(mockserver, again):
    assert mockserver.requests() == mockserver.armed() == []
    assert post(mockserver) == "activated-existing-customer"
    assert post(mockserver) == "card-already-activated"
    mockserver.arm("rfc-invalid", times="always")
    mockserver.settings.put(error_status=418)


def test_requests(mockserver):
    with requests.Session() as session:
        assert session.post(mockserver.url + PATH, json=BODY).status_code == 200
    mockserver.verify("activated-existing-customer", exactly=1)


def test_httpx(mockserver):
    with httpx.Client(base_url=mockserver.url) as client:
        assert client.post(PATH, json=BODY).status_code == 200
    mockserver.verify("activated-existing-customer", exactly=1)


@pytest.mark.asyncio
async def test_aiohttp(mockserver):
    async with aiohttp.ClientSession() as session:
        mockserver.fault("reset", commit=True)
        with pytest.raises(aiohttp.ClientError):
            await session.post(mockserver.url + PATH, json=BODY)
        answers = await asyncio.gather(*(session.post(mockserver.url + PATH, json=BODY) for _ in range(5)))
    assert {answer.headers["Mock-Scenario"] for answer in answers} == {"card-already-activated"}
    mockserver.verify(when={"body.customer_id": "1"}, exactly=6)


class TestAsync:
    @pytest.mark.asyncio
    async def test_httpx(self, mockserver):
        async with httpx.AsyncClient(base_url=mockserver.url) as client:
            assert (await client.post(PATH, json=BODY)).status_code == 200


def test_nothing_of_the_others_is_left(mockserver):
    post(mockserver)
    with urllib.request.urlopen(mockserver.url + "/__admin/sandboxes") as response:
        names = [one["name"] for one in json.loads(response.read())["sandboxes"]]
    assert [name for name in names if name] == [mockserver.sandbox]
    assert [thread.name for thread in threading.enumerate()].count("mockserver") == 1
"""


@pytest.mark.usefixtures("over_store")
def test_each_test_gets_a_sandbox_of_a_store(suite: Suite) -> None:
    """As in memory."""
    suite(CLIENTS, ini="asyncio_mode = auto\n").assert_outcomes(passed=8)


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_each_test_gets_a_sandbox(suite: Suite, mode: str) -> None:
    """With requests, httpx and aiohttp; it is dropped afterwards."""
    result = suite(CLIENTS, ini=f"asyncio_mode = {mode}\n")
    result.assert_outcomes(passed=8)
    assert result.ret == 0


MARKED = """
pytestmark = pytest.mark.mockserver(seed=3, clock="2030-01-01T00:00:00Z")


@pytest.mark.mockserver(clock="2024-11-15T14:32:18Z", error_status=418)
def test_the_nearest_marker_goes_first(mockserver):
    assert str(mockserver.clock.now()) == "2024-11-15 14:32:18+00:00"
    assert {**mockserver.settings.all(), "seed": 3, "error_status": 418} == mockserver.settings.all()


def test_what_is_set_for_all_goes_last(mockserver):
    assert mockserver.clock.now().year == 2030
    post(mockserver)
    number = mockserver.state.get("cards", "CARD-1")["card_id"]
    print(f"the number is {number}")


@pytest.mark.mockserver(overlay="ping")
def test_an_overlay(mockserver):
    with urllib.request.urlopen(mockserver.url + "/v1/ping/x") as response:
        assert json.loads(response.read()) == {"word": "pong"}
    post(mockserver)


@pytest.mark.mockserver(contract="ping")
@pytest.mark.parametrize("number", range(2))
def test_a_contract(mockserver, number):
    mockserver.scenarios.all() == [{"scenario": "pong"}]
    assert [thread.name for thread in threading.enumerate()].count("mockserver") == 3


def test_the_usual_one(mockserver):
    assert "pong" not in [row["scenario"] for row in mockserver.scenarios.all()]
"""


def test_markers_configure_a_test(suite: Suite, pytester: pytest.Pytester) -> None:
    """Clock, seed and settings of the sandbox; a contract or an overlay on another server, which is kept."""
    folder(pytester.path / "ping", PING)
    runs = [suite(MARKED, "-s", ini="mockserver_seed = 9\nmockserver_clock = 2000-01-01T00:00:00Z\n") for _ in range(2)]
    for result in runs:
        result.assert_outcomes(passed=6)
    numbers = [re.findall(r"the number is (\S+)", shown(result)) for result in runs]
    assert numbers[0] == numbers[1] != []


MORE = {
    "more.yaml": """
format: 1
operation: ping
scenarios:
- scenario: pong-more
  documented: More.
  when: {path.word: more}
  respond: {success: {word: more}}
  examples: [{path: {word: more}}]
"""
}


def test_the_ini_file_varies_the_answers_of_all_tests(suite: Suite) -> None:
    """A marker goes first."""
    test = """
    @pytest.mark.mockserver(vary="")
    def test_none(mockserver):
        assert mockserver.settings.all()["vary"] == ""

    def test_all(mockserver):
        assert mockserver.settings.all()["vary"] == "7:order"
    """
    suite("import pytest\n" + textwrap.dedent(test), ini="mockserver_vary = 7:order\n").assert_outcomes(passed=2)


def test_a_failing_test_shows_how_its_answers_were_varied(suite: Suite) -> None:
    """The setting that gives the same answers again, whatever the case of the header's name."""
    test = "def test(mockserver):\n    post(mockserver)\n    post(mockserver, card_identifier=5)\n    assert False\n"
    seen = shown(suite(test, "-o", "mockserver_vary=7:headers,order"))
    assert re.search(r"-> 200 activated\S+ .*\n +sent: {.*}\n +Mock-Varied: 7/1:order,headers\n", seen)
    assert re.search(r"-> 400 malformed .*\n +sent: {.*}\n +Mock-Varied: 7/2:order,headers\n", seen)


def test_the_ini_file_configures_all_tests(suite: Suite, pytester: pytest.Pytester) -> None:
    """Contract, overlay, clock and seed."""
    folder(pytester.path / "ping", PING)
    test = "def test(mockserver):\n    print(mockserver.scenarios.all()[0]['scenario'], mockserver.clock.now().year)\n"
    ini = "mockserver_overlay = ping\nmockserver_clock = 2000-01-01T00:00:00Z\n"
    assert "unauthorized 2000" in shown(suite(test, "-s", ini=ini))
    ini = f"mockserver_contract = ping\nmockserver_overlay = {folder(pytester.path / 'more', MORE)}\n"
    assert "pong-more" in shown(suite(test, "-s", ini=ini))


WRONG = """
@pytest.mark.mockserver(erorr_status=200)
def test_setting(mockserver):
    pass


@pytest.mark.mockserver("2024-11-15T14:32:18Z")
def test_position(mockserver):
    pass


@pytest.mark.mockserver(clock="tomorrow")
def test_clock(mockserver):
    pass


@pytest.mark.mockserver(contract="nowhere")
def test_contract(mockserver):
    pass


@pytest.mark.mockserver(overlays="nowhere")
def test_overlay(mockserver):
    pass
"""


def test_a_bad_marker_is_one_line(suite: Suite) -> None:
    """With near spellings, without a traceback of the plugin."""
    result = suite(WRONG)
    result.assert_outcomes(errors=5)
    text = shown(result)
    assert "pytest_plugin.py" not in text
    assert "Did you mean error_status?" in text
    assert "the marker mockserver takes keyword arguments, such as contract=..., got '2024-11-15T14:32:18Z'" in text
    assert "An instant cannot be used" in text
    assert "nowhere:1:1: no contract can be read here" in text
    assert "Or did you mean overlay?" in text
    assert "is a number, got 'x'" in shown(suite("def test(mockserver): pass\n", ini="mockserver_seed = x\n"))


# -- a failing test -----------------------------------------------------------------------------------

FAILING = """
def test_that_fails(mockserver):
    post(mockserver)
    post(mockserver, pin="12a4", reference_batch="")
    post(mockserver, card_identifier=5)
    post(mockserver, path=PATH + "s")
    mockserver.arm("rfc-invalid", times=2)
    post(mockserver)
    mockserver.arm("email-taken", when={"body.customer_id": "7"})
    mockserver.arm("pin-not-four", when={"body.card_identifier": "CARD-1"})
    mockserver.verify("rfc-invalid", exactly=2)


def test_that_passes(mockserver):
    post(mockserver)


@pytest.fixture
def broken(mockserver):
    post(mockserver, customer_id="TEST-RFC-INVALID")
    raise RuntimeError("the fixture is broken")


def test_that_cannot_begin(broken):
    pass


@pytest.mark.xfail
def test_that_is_known_to_fail(mockserver):
    assert post(mockserver) == "customer-unknown"


def test_without_a_mock():
    assert False
"""


def test_a_failing_test_shows_the_journal(suite: Suite) -> None:
    """Requests, why the unexpected ones were answered so, and what is armed; no other test shows any."""
    result = suite(FAILING)
    result.assert_outcomes(failed=2, passed=1, errors=1, xfailed=1)
    lines = shown(result).splitlines()
    assert sum(" mockserver " in line for line in lines) == 2
    begin = next(i for i, line in enumerate(lines) if " mockserver " in line and "that_fails" not in line)
    seen = "\n".join(lines)
    assert "POST /debit/v1/activateCardForCustomer -> 400 rfc-invalid (documented, by values)" in lines[begin + 1]
    assert re.search(r"#\d+ POST \S+ -> 200 activated-existing-customer \(documented, by values\)\n", seen)
    assert re.search(
        r"-> 400 malformed \(assumed, by values\): unexpected\n +sent: {.*}\n +body.card_identifier: expected a .*\n"
        r" +warning: header/content-type: expected application/json",
        seen,
    )
    assert re.search(
        r"-> 404 problem unknown-path: unexpected\n +sent: .*\n +Nothing is served .* Did you mean /debit/v1/", seen
    )
    assert re.search(r"-> 400 rfc-invalid \(documented, by armed\)\n", seen)
    assert "armed and not used up: #1 rfc-invalid, 1 left" in seen
    assert re.search(
        r'#2 email-taken, 1 left\n +nearest misses:\n.*\n +body.customer_id: expected "7"\n +got +"1"', seen
    )
    assert re.search(r"#3 pin-not-four, 1 left\n +its when matches a request that was sent before it was armed", seen)
    assert "expected exactly 2 requests answered by rfc-invalid" in seen
    assert "client.py" not in seen


GONE = """
def test_it(mockserver):
    address = mockserver._api.address
    mockserver._api.address = type(address)("http://127.0.0.1:1", mockserver.sandbox)
    mockserver.armed()
"""


def test_a_run_with_a_name_is_counted_alone(suite: Suite, contract: Contract) -> None:
    """On a server that others use too; its sandboxes begin with the name."""
    text = "def test(mockserver):\n    assert mockserver.sandbox.startswith('ci-42-test-')\n"
    with running(contract) as mock:
        suite(MEETING, "--mockserver-url", mock.url)
        result = suite(text, "--mockserver-url", mock.url, "--mockserver-run=ci-42", "--mockserver-coverage")
        result.assert_outcomes(passed=1)
        assert "sandboxes ci-42-...: 0 of 18 documented outcomes met" in shown(result)
        for wrong in (("--mockserver-run=ci-42",), ("--mockserver-url", mock.url, "--mockserver-run=a/b")):
            assert "--mockserver-run: expected --mockserver-url, and a name" in shown(suite(text, *wrong))


def test_an_unreachable_server_is_no_internal_error(suite: Suite, contract: Contract) -> None:
    """A failing test says that the mock cannot be asked."""
    with running(contract) as mock:
        result = suite(GONE, f"--mockserver-url={mock.url}")
    result.assert_outcomes(failed=1, errors=1)
    text = shown(result)
    assert "the mock server cannot be reached: " in text
    assert "mockserver: http://127.0.0.1:1/sandbox/" in text
    result = suite("def test(mockserver): pass\n", "--mockserver-url=localhost:8080")
    assert "mockserver: the address of a server begins with http:// or https://, got localhost:8080" in shown(result)


# -- servers that are shared --------------------------------------------------------------------------

WHERE = """
import os


@pytest.mark.parametrize("number", range(6))
def test_where(mockserver, number):
    assert post(mockserver) == "activated-existing-customer"
    name = mockserver.url.replace("/", "-").replace(":", "-")
    open(os.path.join(os.environ["SEEN"], name), "w").close()
"""


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[tuple[str, str]]]:
    """Ports and sandboxes that tests have seen since the last time."""
    monkeypatch.setenv("SEEN", str(tmp_path))

    def taken() -> list[tuple[str, str]]:
        found = []
        for file in sorted(tmp_path.iterdir()):
            _, port, _, sandbox = file.name.removeprefix("http---").split("-", 3)
            found.append((port, sandbox))
            file.unlink()
        return found

    return taken


def test_a_running_server_is_used(
    suite: Suite, contract: Contract, monkeypatch: pytest.MonkeyPatch, seen: Callable[[], list[tuple[str, str]]]
) -> None:
    """By option or ini file, with its token; sandboxes have names of this run, and are dropped."""
    with running(contract, token="s3cr3t") as mock:
        refused = suite(WHERE, "--mockserver-url", mock.url)
        refused.assert_outcomes(errors=6)
        assert "mockserver: The admin API asks for a token" in shown(refused)
        monkeypatch.setenv("MOCKSERVER_ADMIN_TOKEN", "s3cr3t")
        suite(WHERE, "--mockserver-url", mock.url).assert_outcomes(passed=6)
        first = seen()
        suite(WHERE, ini=f"mockserver_url = {mock.url}\n").assert_outcomes(passed=6)
        second = seen()
        assert {port for port, _ in first + second} == {mock.url.rpartition(":")[2]}
        assert len({name for _, name in first + second}) == 12
        assert mock.requests(all=True) == []


def test_workers_share_a_server_or_have_their_own(suite: Suite, seen: Callable[[], list[tuple[str, str]]]) -> None:
    """`--mockserver-shared`: the controller's."""
    suite(WHERE, "-n2").assert_outcomes(passed=6)
    assert len({port for port, _ in seen()}) == 2
    suite(WHERE, "--dist=each", "--tx=2*popen", "--mockserver-shared").assert_outcomes(passed=12)
    each = seen()
    assert (len({port for port, _ in each}), len({name for _, name in each})) == (1, 12)
    suite(WHERE, "-n2", "--mockserver-shared").assert_outcomes(passed=6)
    first = seen()
    assert len({port for port, _ in first}) == 1
    suite(WHERE, ini="mockserver_shared = true\n").assert_outcomes(passed=6)  # there are no workers
    second = seen()
    assert [name for _, name in first] == [name for _, name in second]


def test_many_tests_run_in_any_order(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A share of `python -m tests.support.large_suite`."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("MANY", "30")
    large_suite.written(pytester.path)
    monkeypatch.setenv("ORDER", "any")
    pytester.runpytest_subprocess("-n", "2", "--mockserver-shared").assert_outcomes(passed=30)


# -- coverage of the contract -------------------------------------------------------------------------

MEETING = """
SCENARIOS = ["rfc-invalid", "email-taken", "pin-not-four", "rfc-invalid"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_armed(mockserver, scenario):
    mockserver.arm(scenario)
    assert post(mockserver) == scenario
    assert post(mockserver) == "activated-existing-customer"


@pytest.mark.mockserver(overlay="ping")
def test_other_contract(mockserver):
    post(mockserver)
"""


def test_coverage_of_all_workers_is_summed_up(suite: Suite, pytester: pytest.Pytester) -> None:
    """A table, files, and a bar that can fail a run; contracts of markers are listed apart."""
    folder(pytester.path / "ping", PING)
    files = "--mockserver-coverage=html:out/coverage.html,junit:coverage.xml"
    result = suite(MEETING, "-n2", files, "--mockserver-coverage-fail-under=23")
    result.assert_outcomes(passed=5)
    text = shown(result)
    assert (result.ret, text.count("4 of 18 documented outcomes met (22.2 %)")) == (1, 1)
    assert "22.2 % of the documented outcomes met, below the minimum of 23 %" in text
    assert text.count("outcomes met (") == 2
    assert re.search(r"rfc-invalid +2 +armed 2", text)
    assert re.search(r"activated-existing-customer +4 +values 4", text)
    page = (pytester.path / "out" / "coverage.html").read_text(encoding="utf-8")
    assert "4 of 18 documented outcomes met" in page
    assert "http://127.0.0.1:8080/" in page
    assert "<testcase" in (pytester.path / "coverage.xml").read_text(encoding="utf-8")
    assert len([*pytester.path.glob("coverage-*.xml")]) == 1


def test_a_run_passes_at_the_coverage_bar(suite: Suite, contract: Contract) -> None:
    """With its own server and a running one; without a bar nothing is judged."""
    text = "def test_it(mockserver):\n    post(mockserver)\n"
    assert suite(text, "--mockserver-coverage-fail-under=5.5").ret == 0
    with running(contract) as mock:
        result = suite(text, "--mockserver-url", mock.url, "--mockserver-coverage")
    assert result.ret == 0
    assert "1 of 18 documented outcomes met (5.6 %)" in shown(result)
    unused = suite("def test_it(): pass\n", "--mockserver-coverage")
    assert (unused.ret, "no test used the mock server" in shown(unused)) == (0, True)
    gone = suite("def test_it(): pass\n", "--mockserver-url", mock.url, "--mockserver-coverage")
    assert (gone.ret, "the mock server cannot be reached: " in shown(gone)) == (0, True)


WATCHED = """
def test_expected(mockserver):
    mockserver.arm("rfc-invalid")
    post(mockserver)


def test_unexpected(mockserver):
    post(mockserver, reference_batch="\\ud800")
    post(mockserver, card_identifier=5)


def test_session(mockserver_session):
    post(mockserver_session)
"""


def test_the_gates_of_a_run_and_its_artefacts(suite: Suite, pytester: pytest.Pytester) -> None:
    """Of all workers; the journal outlives the sandboxes of the tests."""
    gates = ("--mockserver-coverage-require=7000,5001", "--mockserver-fail-unexpected")
    result = suite(WATCHED, "-n2", *gates, "--mockserver-artefacts=out", "--mockserver-language=es")
    result.assert_outcomes(passed=3)
    text = shown(result)
    assert (result.ret, "not met: 5001 (--mockserver-coverage-require)" in text) == (1, True)
    assert "unexpected requests: 2 (--mockserver-fail-unexpected)" in text
    found = (pytester.path / "out" / "unexpected.txt").read_text(encoding="utf-8")
    assert re.search(r"test_it.py::test_unexpected: #\d+ POST \S+ -> 400 malformed .*\n +sent: {", found)
    assert found.count("test_it.py::") == 2
    assert "resultados documentados vistos" in (pytester.path / "out" / "coverage.html").read_text(encoding="utf-8")
    log = json.loads((pytester.path / "out" / "journal.har").read_text(encoding="utf-8"))["log"]
    assert (log["version"], len(log["entries"])) == ("1.2", 4)
    times = [entry["startedDateTime"] for entry in log["entries"]]
    assert times == sorted(times)


DYING = """
import os


def test_unexpected(mockserver):
    post(mockserver, card_identifier=5)


def test_that_ends_its_process(mockserver):
    post(mockserver)
    os._exit(3)
"""


def test_the_requests_of_a_worker_that_died_are_reported_as_lost(suite: Suite, pytester: pytest.Pytester) -> None:
    """No gate takes them for requests that nobody sent."""
    options = ("--mockserver-fail-unexpected", "--mockserver-artefacts=out", "--mockserver-coverage")
    text = shown(suite(DYING, "-n1", *options))
    lost = "worker gw0 died: its requests are lost, so coverage and artefacts may be incomplete"
    assert text.count(lost) == 1
    assert "no test used the mock server" not in text
    assert "requests are lost: nobody can tell whether one was unexpected (--mockserver-fail-unexpected)" in text
    assert (pytester.path / "out" / "unexpected.txt").read_text(encoding="utf-8") == f"{lost}\n"


FORGETTING = """
@pytest.mark.mockserver(overlay="small")
def test_lost(mockserver):
    post(mockserver, card_identifier=5)
    for _ in range(3):
        mockserver.arm("rfc-invalid")
        post(mockserver)


def test_whole(mockserver):
    mockserver.arm("rfc-invalid")
    post(mockserver)
"""


@pytest.mark.parametrize("entries", [2, 0])
def test_requests_that_a_journal_lost_fail_the_gate(suite: Suite, pytester: pytest.Pytester, entries: int) -> None:
    """It is full, or off: an unexpected one may have been among them."""
    folder(pytester.path / "small", {"small.yaml": f"format: 1\nsettings: {{journal_entries: {entries}}}\n"})
    result = suite(FORGETTING, "--mockserver-fail-unexpected", "--mockserver-artefacts=out")
    result.assert_outcomes(passed=2)
    assert result.ret == 1
    assert "requests are lost: nobody can tell whether one was unexpected (--mockserver-fail-unexpected)" in shown(
        result
    )
    lost = "test_it.py::test_lost: the journal has lost requests, or is off"
    assert (pytester.path / "out" / "unexpected.txt").read_text(encoding="utf-8") == f"{lost}\n"


def test_an_interrupted_worker_is_counted_once(suite: Suite) -> None:
    """`pytest.exit()` in a test interrupts its worker."""
    text = (
        "def test(mockserver):\n    post(mockserver, card_identifier=5)\n\n\ndef test_end():\n    pytest.exit('end')\n"
    )
    result = shown(suite(text, "-n1", "--mockserver-fail-unexpected"))
    assert "unexpected requests: 1 (--mockserver-fail-unexpected)" in result


def test_the_ini_file_sets_gates_and_artefacts(suite: Suite, pytester: pytest.Pytester) -> None:
    """The folder is relative to it. Where the first failure ends the run, the journal of the session is there too."""
    ini = "mockserver_coverage_require = 7000, code=7000, rfc-invalid\n"
    ini += "mockserver_fail_unexpected = true\nmockserver_artefacts = out\nmockserver_language = es\n"
    assert suite(WATCHED, "-k", "test_expected", ini=ini).ret == 0
    assert '<html lang="es">' in (pytester.path / "out" / "coverage.html").read_text(encoding="utf-8")
    assert (pytester.path / "out" / "unexpected.txt").read_text() == ""
    failing = WATCHED + "    assert False\n\n\ndef test_other(mockserver_session):\n    pass\n"
    suite(failing, "-x", "-k", "session or other", ini=ini).assert_outcomes(failed=1)
    assert '"entries": [{' in (pytester.path / "out" / "journal.har").read_text()


def test_a_gate_that_cannot_be_met_fails_the_run(suite: Suite) -> None:
    """An unknown name, a run without a mock, a file that cannot be written, an unset variable of the shell."""
    text = "def test(mockserver): pass\n"
    misspelt = suite(text, "--mockserver-coverage-require=7001")
    said = "no outcome has the code or id '7001'. Did you mean 7000"
    assert (misspelt.ret, said in shown(misspelt)) == (1, True)
    unused = suite("def test(): pass\n", "--mockserver-coverage-require=4400")
    assert (unused.ret, "not met: 4400 (--mockserver-coverage-require)" in shown(unused)) == (1, True)
    unwritten = suite("def test(): pass\n", "--mockserver-artefacts=test_it.py/out")
    assert (unwritten.ret, "journal.har: Not a directory" in shown(unwritten)) == (1, True)
    for option in ("coverage-require", "artefacts"):
        assert suite(text, f"--mockserver-{option}=").ret == pytest.ExitCode.USAGE_ERROR


def test_the_language_of_pages_can_come_from_the_environment(
    suite: Suite, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A language that there is not is an error in a line."""
    text = "def test(mockserver): pass\n"
    monkeypatch.setenv("MOCKSERVER_LANGUAGE", "es")
    assert suite(text, "--mockserver-coverage=html:coverage.html").ret == 0
    assert '<html lang="es">' in (pytester.path / "coverage.html").read_text(encoding="utf-8")
    unknown = suite(text, "--mockserver-coverage", "--mockserver-language=fr")
    assert unknown.ret == pytest.ExitCode.USAGE_ERROR
    unknown.stderr.fnmatch_lines(["ERROR: --mockserver-language, *: expected en or es, got 'fr'"])


@pytest.mark.parametrize("percent", ["nan", "101", "-1", "many"])
def test_a_percentage_out_of_range_is_a_usage_error(suite: Suite, percent: str) -> None:
    """It would let every run pass, or none."""
    result = suite("def test(): pass\n", f"--mockserver-coverage-fail-under={percent}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"expected a percentage of 0 to 100, got '{percent}'" in shown(result)


@pytest.mark.parametrize("option", ["--collect-only", "--fixtures", "--fixtures-per-test", "--setup-plan"])
def test_a_run_without_tests_ignores_the_minimum(suite: Suite, option: str) -> None:
    """Nothing is judged where no test is run, and no file is written."""
    arguments = ("--mockserver-coverage=html:coverage.html", "--mockserver-coverage-fail-under=50", option)
    result = suite("def test_it(mockserver): pass\n", *arguments)
    assert (result.ret, "outcomes" in shown(result)) == (0, False)


def test_a_url_with_a_sandbox_is_a_usage_error(suite: Suite) -> None:
    """As an option and in the ini file; each test has a sandbox of its own."""
    url = "http://127.0.0.1:1/sandbox/mine"
    for result in (
        suite("def test(): pass\n", f"--mockserver-url={url}"),
        suite("def test(): pass\n", ini=f"mockserver_url = {url}\n"),
    ):
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert f"expected the address of a server, such as http://mock:8080, got {url}" in shown(result)


SESSION = """
@pytest.fixture(scope="module")
def account(mockserver_session):
    assert post(mockserver_session, card_identifier="CARD-9") == "activated-existing-customer"
    return mockserver_session


def test_first(account):
    assert post(account, card_identifier="CARD-9") == "card-already-activated"


def test_second(account, mockserver):
    assert account.clock.now().year == 2031
    assert post(mockserver, card_identifier="CARD-9") == "activated-existing-customer"
    assert len(account.requests()) == 2


def test_third(account):
    account.verify("card-already-activated", exactly=2)
"""


@pytest.mark.parametrize("arguments", [(), ("-n2", "--mockserver-shared", "--dist=loadfile")])
def test_a_session_has_a_sandbox_for_all_its_tests(suite: Suite, arguments: tuple[str, ...]) -> None:
    """Beside those of the tests; the settings of the ini file hold in it, and a failing test shows its requests."""
    result = suite(SESSION, *arguments, ini="mockserver_clock = 2031-05-06T12:00:00Z\n")
    result.assert_outcomes(passed=2, failed=1)
    assert "-> 400 card-already-activated (documented, by state)" in shown(result)


@pytest.mark.parametrize("place", ["mockserver", "src/mockserver"])
def test_a_package_of_the_same_name_is_a_usage_error(suite: Suite, pytester: pytest.Pytester, place: str) -> None:
    """What it is and what to do; whether it hides the package of the plugin or is hidden by it."""
    (pytester.path / place).mkdir(parents=True)
    (pytester.path / place / "__init__.py").write_text("")
    for apart in (False, True):
        result = suite("def test(): pass\n", apart=apart)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert "rename it, or turn off the plugin with -p no:mockserver" in " ".join(shown(result).split())
    suite("import mockserver\ndef test(): pass\n", "-p", "no:mockserver").assert_outcomes(passed=1)


def test_a_copy_of_the_mock_as_the_root_of_tests_is_a_usage_error(suite: Suite, pytester: pytest.Pytester) -> None:
    """Where the installed mock is another one; it says to keep the tests elsewhere."""
    (pytester.path / "mockserver" / "testing").mkdir(parents=True)
    for file in ("__init__.py", "testing/pytest_plugin.py"):
        (pytester.path / "mockserver" / file).write_text("")
    result = suite("def test(): pass\n")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "keep your tests in a folder outside of it" in " ".join(shown(result).split())


def test_a_bad_coverage_file_is_a_usage_error(suite: Suite) -> None:
    """Such as the folder of the tests."""
    result = suite("def test(): pass\n", "--mockserver-coverage", "test_it.py")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "expected html:FILE, junit:FILE or both with a comma, got 'test_it.py'" in shown(result)


# -- no harm ------------------------------------------------------------------------------------------

UNUSED = """
import sys


NAMES = ("", ".testing", ".testing.pytest_plugin", ".testing.pytest_servers", ".version")


def test_nothing_is_loaded():
    ours = sorted(name for name in sys.modules if name.partition(".")[0] == "mockserver")
    assert ours == [f"mockserver{name}" for name in NAMES]


def test_no_server_runs():
    assert [thread.name for thread in threading.enumerate()].count("mockserver") == 0
"""


def test_an_unused_plugin_imports_nothing(suite: Suite) -> None:
    """The plugin and the version alone; turned off, nothing."""
    suite(UNUSED, apart=True).assert_outcomes(passed=2)
    result = suite("def test(mockserver): pass\ndef test_other(): pass\n", "-p", "no:mockserver")
    result.assert_outcomes(passed=1, errors=1)
    assert "fixture 'mockserver' not found" in shown(result)


def test_the_plugin_documents_itself(suite: Suite) -> None:
    """Fixture, marker, options and settings in pytest's lists."""
    assert "@pytest.mark.mockserver(contract=None, overlay=()" in shown(suite("", "--markers"))
    assert "a fresh sandbox" in " ".join(shown(suite("", "--fixtures")).split())
    told = shown(suite("", "--help"))
    assert all(f"--mockserver-{name}" in told for name in OPTIONS)
    assert all(f"mockserver_{name}" in told for name in INI_SETTINGS)
