"""One file per resource: groups, streams, events, tags."""
