"""One grading run: cells, checks, points, gradebook; for one submission or a class."""
