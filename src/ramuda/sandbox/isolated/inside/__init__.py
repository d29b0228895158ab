"""What runs on the other side of the wall: the template process, each sandbox's init, and the runtime's first moments.

This package is the only code of Ramuda that the runtime's own interpreter executes. It uses the standard library
alone, in the syntax of Python 3.8, never imports the rest of Ramuda, and is started with its parent folder as
`sys.path[0]`.
"""
