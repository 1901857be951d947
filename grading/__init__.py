"""The grading plug-in: values cross the border to the student's kernel, verdicts do not.

Its rooms and what each may import stand in docs/design.md.
"""
