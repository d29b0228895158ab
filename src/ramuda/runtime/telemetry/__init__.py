"""The Telemetry API and its predecessor, the Logs API: what happens in an environment, as events for its extensions.

`records` are the events (pure), `subscriptions` what may be asked for (pure), `backlog` what waits for one subscriber
(pure), `delivery` brings it there, `telemetry` ties an environment's subscribers together.
Source: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html"""
