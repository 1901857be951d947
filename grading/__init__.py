"""The grading plug-in: values cross the border to the student's kernel, verdicts do not.

Read the modules in the order of the imports, which run one way:
``cli -> batch -> execute -> checks -> student -> wire`` and ``execute -> sandbox``.
"""
