"""Options of reading event sources. AWS's values are the defaults of what AWS fixes."""

import msgspec


class Options(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How queues are read. Seconds and counts as the names say."""

    receive_wait_s: int = 20
    """Longest wait of one ReceiveMessage; 20 is the most that SQS allows."""
    batches_at_once: int = 5
    """Batches of a standard queue that run side by side where the mapping has no MaximumConcurrency
    (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html: AWS begins with five)."""
    back_off_s: float = 1.0
    """First wait after a failure of the queue, or without room for a batch; each further one is twice as long."""
    back_off_max_s: float = 30.0
