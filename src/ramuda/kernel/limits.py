"""Lambda's limits and defaults, each with its source. Bytes, MiB and seconds as the names say.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (DG), the service model of botocore
(SM), answers recorded from AWS (REC)."""

MIB = 1024 * 1024

MEMORY_MIB_MAX, MEMORY_MIB_DEFAULT = 10_240, 128  # DG
MEMORY_MIB_PER_VCPU = 1769  # DG: at 1,769 MB a function has the equivalent of one vCPU
TIMEOUT_S_MAX, TIMEOUT_S_DEFAULT = 900, 3  # DG
TMP_MIB_MAX, TMP_MIB_DEFAULT = 10_240, 512  # DG
INIT_TIMEOUT_S = 10.0  # DG lambda-runtime-environment: on-demand init
AHEAD_INIT_TIMEOUT_S = 130.0  # DG: lambda-runtime-environment; provisioned concurrency, SnapStart
SYNC_PAYLOAD_BYTES = 6 * MIB  # DG; request
RESPONSE_PAYLOAD_BYTES = 6 * MIB + 100  # REC: "maximum allowed payload size (6291556 bytes)"
ASYNC_PAYLOAD_BYTES = MIB  # DG, since October 2025
STREAMED_RESPONSE_BYTES = 200 * MIB  # DG, since July 2025
STREAM_BURST_BYTES = 6 * MIB  # DG: configuration-response-streaming; from there on AWS sends 2 MB/s
LOG_TAIL_BYTES = 4096  # DG
CLIENT_CONTEXT_BYTES = 3583  # SM
ZIP_UPLOAD_BYTES = 50 * MIB  # REC: "Zipped size must be smaller than 52428800 bytes"
CREATE_REQUEST_BYTES = 70_167_211  # REC: "Request must be smaller than 70167211 bytes"
UNZIPPED_BYTES = 250 * MIB  # REC: "Unzipped size must be smaller than 262144000 bytes"
LAYERS_MAX = 5  # REC
ENVIRONMENT_BYTES = 4096  # REC: "exceeded the 4KB limit"
TAGS_MAX = 50  # REC
CONCURRENT_EXECUTIONS = 1000  # DG: the account's default
UNRESERVED_CONCURRENCY_MIN = 100  # SM
RECURSION_LIMIT = 16  # DG: invocation-recursion; invocations of one function in one chain of requests
CODE_STORAGE_BYTES = 80_530_636_800  # SM examples; DG says 300 GB since 2026, the API examples still show 75 GB
OPEN_FILES = 1024  # REC
PROCESSES = 1024  # DG; REC shows NPROC 742
SANDBOX_UID, SANDBOX_GID, SANDBOX_USER = 993, 990, "sbx_user1051"  # REC: the user; the numbers are those AWS uses
