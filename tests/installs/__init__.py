"""Twenty real installs, whole and with one thing broken."""
