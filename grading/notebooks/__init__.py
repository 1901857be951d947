"""Notebooks as files: read what was handed in, mend it, clean what it shows, write it."""
