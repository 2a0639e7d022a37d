"""What runs inside the container, on the CPython of the image: 3.8 and later, stdlib only."""
