"""What reads event sources for functions: one file per kind of source."""
