"""Where student code runs and what crosses to it: all that a security reader must read. Standard library and NumPy only."""
