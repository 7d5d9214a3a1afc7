"""`python -m endorm` is the command `endorm`."""

from ._command import main

main()
