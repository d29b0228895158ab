"""The project's figures. `make bench` runs `benchmarks.bench`; the other scripts measure one component each."""
