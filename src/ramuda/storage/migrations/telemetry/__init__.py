"""Log groups, streams and chunks of events; metric series and their statistics per period."""
