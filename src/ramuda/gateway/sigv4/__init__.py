"""AWS Signature Version 4: reading what a request claims, and checking it."""

from ramuda.gateway.sigv4.claim import Claim, Malformed, Reading, Scope, read_claim
from ramuda.gateway.sigv4.refusal import Reason, RefusedError, api_error
from ramuda.gateway.sigv4.verify import KeyFinder, Verifier

__all__ = [
    "Claim",
    "KeyFinder",
    "Malformed",
    "Reading",
    "Reason",
    "RefusedError",
    "Scope",
    "Verifier",
    "api_error",
    "read_claim",
]
