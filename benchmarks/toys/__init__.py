"""Two toys with known numbers of states, for pagefault's search core and for the peers."""
