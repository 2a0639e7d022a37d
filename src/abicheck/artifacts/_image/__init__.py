"""Container images as engines save them: archives, folders, streams.

`_layout` finds the images, `_select` the one that is meant, `_layers` reads its
layers, and `_squash` folds them into the tree that a process sees.  Nothing is
extracted; no link leads out of the archive.
"""

from abicheck.artifacts._image._artifact import ImageArtifact
from abicheck.artifacts._image._open import find_image, image_of, open_image

__all__ = ["ImageArtifact", "find_image", "image_of", "open_image"]
