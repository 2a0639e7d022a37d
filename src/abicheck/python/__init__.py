"""What CPython's importer would select: extensions, distributions, and the import of a module."""
