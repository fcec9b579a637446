"""What a network is for: its loss, its metrics, and its answer in the words of the question."""
