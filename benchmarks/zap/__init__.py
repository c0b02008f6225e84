"""One sub-model of pagefault, written again for other checkers: see README.md, "Zap"."""
