"""A Python process that imports modules, followed on values instead of run.

Pure.  `process` is the whole of it; from the bottom up: `values`, `classes`
and `questions` are what is known of a value, `world` and `builtin` what Python
itself answers, `frames` and `machine` the state, `expressions` to `importer`
what code does to it.
"""
