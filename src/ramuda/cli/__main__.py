"""`python -m ramuda.cli`, the command without its script."""

from ramuda.cli import main

main(prog_name="ramuda")
