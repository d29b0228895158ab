"""The seams between rooms: one Protocol a file, with the data that passes through it."""
