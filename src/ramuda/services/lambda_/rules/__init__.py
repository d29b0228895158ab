"""The semantics of Lambda: pure functions from state, request and time to new state, or AWS's refusal. No I/O.

`names` what a function name means · `refusals` AWS's sentences · `configuration` settings from requests · `lifecycle`
states and revisions · `shapes` records as AWS shows them · `layers` · `requests` invocation requests · `paging` ·
`roles` · `runtimes` · `policies` statements of resource policies · `policy_documents` whole ones · `code_signing`
"""
