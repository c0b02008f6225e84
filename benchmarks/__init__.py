"""The same models in pagefault and in other checkers, run side by side. See README.md."""
