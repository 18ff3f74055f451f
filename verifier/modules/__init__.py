"""The kernel's security modules: hooks as its source declares them, who implements them, what the rules know of them."""
