"""What the wire protocols cost: microseconds for each step of a request, without a server.

    python -m benchmarks.protocols

The hot path of an invocation is `Lambda Invoke`; `PutMetricData` stands for a document of some size over CBOR.
"""

import timeit
from collections.abc import Callable
from typing import Any

import cbor2

from ramuda.gateway.messages import Request
from ramuda.gateway.model import Models
from ramuda.gateway.protocols import select
from ramuda.gateway.validate import validate

ROUNDS = 20_000


def microseconds(call: Callable[[], Any]) -> float:
    """The best of five, because the others were disturbed."""
    return min(timeit.repeat(call, number=ROUNDS, repeat=5)) / ROUNDS * 1e6


def steps(service: str, request: Request, result: dict[str, Any]) -> dict[str, float]:
    model = Models().service(service)
    protocol = select(model, request)
    operation = protocol.operation(model, request)
    params = protocol.parse(operation, request)
    return {
        "select": microseconds(lambda: select(model, request)),
        "operation": microseconds(lambda: protocol.operation(model, request)),
        "parse": microseconds(lambda: protocol.parse(operation, request)),
        "validate": microseconds(lambda: validate(operation, params)),
        "serialize": microseconds(lambda: protocol.serialize(operation, result, "request-id")),
    }


def invoke() -> dict[str, float]:
    headers = {"host": "localhost:4566", "x-amz-log-type": "None", "content-length": "17", "user-agent": "Boto3/1.44"}
    path = "/2015-03-31/functions/my-function/invocations"
    request = Request(method="POST", path=path, query="", headers=headers, body=b'{"hello":"world"}')
    return steps("lambda", request, {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": b'{"ok":true}'})


def put_metric_data() -> dict[str, float]:
    dimensions = [{"Name": "FunctionName", "Value": "my-function"}, {"Name": "Resource", "Value": "my-function:live"}]
    datum = {"MetricName": "Duration", "Dimensions": dimensions, "Value": 12.5, "Unit": "Milliseconds"}
    datum["Timestamp"] = cbor2.CBORTag(1, 1_795_000_000.5)
    body = cbor2.dumps({"Namespace": "bench", "MetricData": [datum] * 10})
    path = "/service/GraniteServiceVersion20100801/operation/PutMetricData"
    headers = {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}
    return steps("cloudwatch", Request(method="POST", path=path, query="", headers=headers, body=body), {})


def main() -> None:
    columns = {"Lambda Invoke (rest-json)": invoke(), "PutMetricData, 10 data (cbor)": put_metric_data()}
    print(f"{'µs':<12}" + "".join(f"{title:>32}" for title in columns))
    for step in next(iter(columns.values())):
        print(f"{step:<12}" + "".join(f"{column[step]:>32.2f}" for column in columns.values()))
    print(f"{'all':<12}" + "".join(f"{sum(column.values()):>32.2f}" for column in columns.values()))


if __name__ == "__main__":
    main()
