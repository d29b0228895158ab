"""Asynchronous invocation: accepted durably, run at least once, tried again, reported to destinations.

`queue` is the whole; `journal` writes what is written often, `lane` keeps functions apart, `attempt` runs one event,
`outbox` delivers what came of it; `invoke.decide` says what follows from what.
"""

from ramuda.invoke.queue.event import Event, Functions, Runnable
from ramuda.invoke.queue.options import Options
from ramuda.invoke.queue.queue import EventQueue, policy

__all__ = ["Event", "EventQueue", "Functions", "Options", "Runnable", "policy"]
