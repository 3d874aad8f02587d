"""Sandboxes, records, ids, armed outcomes, the journal and coverage counts: the interface and the store in memory.

It reads for a decision what `decision.view` asks for; it must not know which scenario answers, nor how a reply is
rendered or sent.
"""
