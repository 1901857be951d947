"""Answers while students wait: what they hand in is graded as it comes, and a preview of their feedback is put where they
fetch it. Nothing here writes the gradebook, submitted/ or autograded/."""
