"""A contract with what the shipped one has not: two operations, parameters, other methods."""

import json
from typing import Final

SHELF: Final = {
    "shelf.yaml": """\
format: 1
settings: {error_status: 422, require_headers: [X-Shop, Accept]}
operations:
  findBook:
    request: GET /shelves/{shelf}/books/{n}
    path: path.json
    query: query.schema.json
    envelopes:
      book: {status: 200, schema: "book (1).json", body: {at: "${now.utc_millis}", book: "${respond}"}}
      plain: {status: "${settings.error_status}", body: "${respond}"}
  putBook:
    request: PUT /shelves/{shelf}/books/{n}
    body: "book (1).json"
    envelopes: {plain: {status: 200, body: "${respond}"}}
""",
    "find.yaml": """\
format: 1
operation: findBook
scenarios:
- scenario: bad-shelf
  documented: No such shelf
  note: Shelves have letters.
  when: {violation: {at: path.shelf}}
  respond: {plain: {why: shelf}}
  examples: [{path: {shelf: "7", n: "1"}, query: {by: Eco}}]
- scenario: bad-order
  assumed: []
  when: {violation: {at: query.order}}
  respond: {plain: {why: order}}
  examples: [{path: {shelf: a, n: "1"}, query: {by: Eco, order: up, strange: x}, headers: {x-one: two}}]
- scenario: never
  documented: No example meets it
  when: {body-less: nothing}
  respond: {plain: {why: never}}
- scenario: found
  documented: Found
  respond: {book: {title: T}}
  examples: [{path: {shelf: a, n: "1"}, query: {by: Eco, order: asc}}]
""".replace("{body-less: nothing}", "{query.by: nobody}"),
    "put.yaml": """\
format: 1
operation: putBook
scenarios:
- scenario: put
  documented: Put
  respond: {plain: done}
""",
    "path.json": '{"$id": "http://x.example/path.json", "properties": {"shelf": {"pattern": "^[a-z]$"}}}',
    "query.schema.json": json.dumps(
        {
            "required": ["by"],
            "properties": {"by": {"type": "string"}, "order": {"$ref": "words.json#order"}, "a/b ~": True},
        }
    ),
    "words.json": '{"$defs": {"order": {"$anchor": "order", "description": "How.", "enum": ["asc", "desc"]}}}',
    "book (1).json": '{"required": ["at"], "properties": {"near": {"$ref": "book (1).json"}}}',
    "book-(1).json": "true",
    "Problem.json": "{}",
}
"""Two operations on one path; schemas that refer to each other, with names that OpenAPI does not allow."""
