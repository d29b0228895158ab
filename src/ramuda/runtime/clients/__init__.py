"""The runtime clients that Ramuda brings itself, as files for the interpreters of the functions. Nothing here is
imported by Ramuda: `runtime.provision` copies a folder to where it becomes /var/runtime."""
