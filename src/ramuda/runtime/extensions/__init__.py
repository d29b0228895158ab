"""Extensions: programs of layers that live beside a runtime (external), and code within it (internal) that takes part
in the environment's life through the Extensions API.

`crew` is all extensions of one environment, `roster` what they may ask for (pure), `programs` what the layers bring.
Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html"""
