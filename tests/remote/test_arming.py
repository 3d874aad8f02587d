"""The commands `arm` and `armed`."""

import json

from tests.support import LASTING, MOCKSERVER, PATH, run, spawned


def test_arm_arms_a_running_server() -> None:
    """Arms, shows and clears, in a sandbox; `--json` gives the server's answer; a refusal is one line."""
    with spawned(MOCKSERVER, "--port", "0") as serve:
        serve.started()
        where = ["--url", serve.url, "--sandbox", "cli"]
        armed = run("arm", "rfc-invalid", "--times", "2", "--when", '{"header.x": "1"}', "--delay", "1ms", *where)
        assert (armed.returncode, armed.stdout) == (
            0,
            '1  scenario rfc-invalid, delay 1ms, when {"header.x": "1"}: 2 to come\n',
        ), armed.stderr
        lost = run("arm", "--fault", "reset", "--commit", "--times", "always", "--json", *where)
        assert json.loads(lost.stdout)["commit"] is True
        assert run("armed", *where).stdout.splitlines()[1] == (
            "2  fault reset, only the answer is lost: until it is removed"
        )
        assert serve.post(LASTING, f"/sandbox/cli{PATH}", x="1")[1]["Mock-Scenario"] == "rfc-invalid"
        assert [one["left"] for one in json.loads(run("armed", "--json", *where).stdout)["armed"]] == [1, "always"]
        assert run("armed", "--clear", *where).stdout == "removed 2\n"
        assert run("armed", *where).stdout == "nothing is armed\n"
        assert run("arm", "5001", *where).stdout == "3  scenario provider-communication: 1 to come\n"
        assert run("arm", "code=7000", *where).stdout == "4  scenario rfc-invalid: 1 to come\n"
        several = run("arm", "4400", *where)
        assert (several.returncode, "email-taken (Invalid email.)" in several.stderr) == (1, True)
        wrong = run("arm", "rfc-invalit", *where)
        assert (wrong.returncode, wrong.stdout) == (1, "")
        assert "Did you mean rfc-invalid? Expected one of unauthorized, malformed, " in wrong.stderr
        far = run("arm", "zzzzzz", *where).stderr
        assert "There is no zzzzzz" in far
        assert "Expected one of unauthorized, malformed, " in far
        assert len(far.splitlines()) == 1
    for arguments in (["--times", "no"], ["--when", "{"], ["--when", "[]"], ["--fault", "gateway; 429"]):
        assert run("arm", "x", *arguments).returncode == 2


def test_a_fault_is_armed_as_the_header_takes_it() -> None:
    """`KIND; NAME=VALUE`, with and without `--commit`; a setting that is wrong is one line."""
    with spawned(MOCKSERVER, "--port", "0") as serve:
        serve.started()
        where = ["--url", serve.url]
        shown = run("arm", "--fault", "gateway; status=429; retry_after=2", *where)
        assert shown.stdout == '1  fault {"kind": "gateway", "status": 429, "retry_after": 2}: 1 to come\n', (
            shown.stderr
        )
        status, headers, _ = serve.post(LASTING)
        assert (status, headers["Retry-After"]) == (429, "2")
        assert run("arm", "--fault", "gateway; status=503", "--commit", *where).returncode == 0
        assert serve.post(LASTING)[0] == 503
        wrong = run("arm", "--fault", "gateway; statis=429", *where)
        assert (wrong.returncode, "Did you mean status?" in wrong.stderr) == (1, True)
