"""What GenerateAssignment adds: formulas written out, before checksums are made and cells are saved."""

from nbgrader.preprocessors import NbGraderPreprocessor

from ..notebooks.readable import make_readable


class WriteOutFormulas(NbGraderPreprocessor):
    """Students get no macros: in their pages these would reach only part of the formulas."""

    def preprocess(self, nb, resources):
        return make_readable(nb, resources["metadata"]["path"]), resources
