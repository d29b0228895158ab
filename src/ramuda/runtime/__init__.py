"""Execution environments: their life cycle, the Runtime API they speak, and those prepared before anyone asks."""
