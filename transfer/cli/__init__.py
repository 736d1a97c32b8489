"""The commands: each file parses, calls one function of the library, and prints."""
