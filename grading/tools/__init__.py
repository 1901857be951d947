"""What staff type: the command `course` and the `--subject` of the checks."""
