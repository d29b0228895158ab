"""The families of runtimes: how each is found, installed and started."""
