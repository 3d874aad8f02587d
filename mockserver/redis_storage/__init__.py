"""The storage that several servers share, in Valkey or Redis (7.0 or later): `--store redis://…`.

It does what `storage.interface` says, and passes the same tests as the store in memory. It must not know which scenario
answers, nor how a reply is rendered or sent.

A request costs two round trips: `sandbox` (the sandbox, made on first use, an entry id, and all that the first look
reads), the decision in this process, and `change` (compare what was read, write, keep the entry: all or nothing).
Whoever was too late looks again (`look`). `delivered` counts outcomes once their answers are out, several at a time.
Each is one script (in the folder `lua`), so that nobody sees half of it. The time of idle sandboxes is the store's.

All keys begin with `{PREFIX}:`, one hash tag, as the limits of journal, bytes and sandboxes hold over all of them:

| key | type | what |
| --- | --- | --- |
| totals | hash | contract, ids, births, sequence, state_bytes, journal_bytes, armed, evictions and the like |
| bundle | string | the contract, from which a server of another one carries the state over |
| sandboxes | sorted set | names by the time of their last use |
| sandbox:NAME | hash | born, settings, clock, delays, varied, last_armed, records, record_bytes, \
runtime_bytes, evicted_before; scenarios:OPERATION, armed:ID, turn:[OPERATION, SCENARIO], id:NAME |
| pending:NAME | set | ids of entries whose answers are on their way |
| records:NAME | hash | records as JSON by collection, line feed, key; `null` is a tombstone |
| entries | hash | NAME, line feed, journal entry, by id |
| order, order:NAME | sorted sets | ids of entries by the sequence of their commits, of all and of a sandbox |
| cleared | sorted set | names of sandboxes whose entries were deleted, `*` for all, by the sequence |
| lost, evicted | hash, set | lost entries by sandbox; names of evicted sandboxes |
| coverage:NAME, dropped:NAME, coverage | hashes | counts of a sandbox, of dropped ones by name, of all dropped ones |
| recent, older, strays, dropped | hashes, set, sorted set | requests by fingerprint, to recognise retries; bounds |
"""
