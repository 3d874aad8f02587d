"""Sandboxes, records, ids, armed outcomes, the journal and coverage counts: the interface and the store in memory.

`memory` and the `memory_…` modules are that store; the others serve any storage.

It reads for a decision what `decision.view` asks for; it must not know which scenario answers, nor how a reply is
rendered or sent.
"""
