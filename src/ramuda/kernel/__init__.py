"""Vocabulary and seams. Imports nothing of ours and no I/O library; every other package may import it."""
