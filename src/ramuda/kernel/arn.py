"""Amazon Resource Names: `arn:partition:service:region:account:resource`.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Arn:
    """A parsed ARN. `str(arn)` gives the text back."""

    partition: str = "aws"
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"

    @classmethod
    def parse(cls, text: str) -> "Arn":
        """Raises ValueError when `text` has fewer than six parts or does not start with `arn:`."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn":
            raise ValueError(f"not an ARN: {text!r}")
        _, partition, service, region, account, resource = parts
        return cls(partition=partition, service=service, region=region, account=account, resource=resource)


def function_arn(account: str, region: str, name: str, qualifier: str | None = None) -> str:
    """`arn:aws:lambda:R:A:function:NAME[:QUALIFIER]`."""
    arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
    return f"{arn}:{qualifier}" if qualifier else arn
