"""What of the Lambda API is left out says so, to any client, at once."""

from typing import Any

import botocore.exceptions
import pytest
from botocore import xform_name
from botocore.config import Config

from tests.acceptance.unsupported import LEFT_OUT
from tests.conftest import Aws


@pytest.mark.parametrize(("operation", "params"), LEFT_OUT.items(), ids=LEFT_OUT)
def test_an_operation_that_is_left_out_says_so(aws: Aws, operation: str, params: dict[str, Any]) -> None:
    client = aws("lambda", config=Config(retries={"total_max_attempts": 3, "mode": "standard"}))
    call = getattr(client, xform_name(operation))
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**params)
    answer = dict(caught.value.response)
    metadata: Any = answer.pop("ResponseMetadata")
    sentence = f"lambda.{operation} is not supported here."
    assert answer == {"Error": {"Code": "UnsupportedOperationException", "Message": sentence}}
    assert (metadata["HTTPStatusCode"], metadata["RetryAttempts"]) == (501, 0)
    assert metadata["HTTPHeaders"]["x-amzn-errortype"] == "UnsupportedOperationException"
