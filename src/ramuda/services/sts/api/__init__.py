"""One file per kind of thing: who calls, and sessions."""
