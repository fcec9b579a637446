"""What this machine is and how a network runs best on it: the one place that decides."""
