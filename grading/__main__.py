"""`python -m grading` is the command `course`."""

from .cli import main

main()
