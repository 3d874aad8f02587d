"""The table of scenarios: how people meet each."""

from pathlib import Path

from mockserver import load
from mockserver.engine.listing import scenario_rows
from tests.support import folder


def test_a_malformed_item_of_a_list_triggers_a_scenario_by_its_value(tmp_path: Path) -> None:
    """The value is that of the example, however deep it stands."""
    files = {
        "contract.yaml": """\
format: 1
operations:
  order:
    request: POST /orders
    body: order.json
    envelopes: {success: {status: 200, body: "${respond}"}}
""",
        "order.json": '{"properties": {"lines": {"items": {"properties": {"count": {"type": "integer"}}}}}}',
        "order.yaml": """\
format: 1
operation: order
scenarios:
- scenario: bad-line
  assumed: []
  when: {violation: {at: body.lines.*}}
  respond: {success: 0}
  examples: [{request: {lines: [{count: 1}, {count: two}]}}]
- {scenario: rest, assumed: [], respond: {success: 1}, examples: [{request: {}}]}
""",
    }
    rows = scenario_rows(load(folder(tmp_path, files)))
    assert [row["values"] for row in rows] == [[{"at": "body.lines.1.count", "value": "two"}], []]
    assert rows[0]["trigger"] == 'body.lines.1.count "two"'
