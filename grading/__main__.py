"""`python -m grading` is the command `course`."""

from .tools.cli import main

main()
