"""What a network sees: one method a file, a pure function from network and images to tensors, and its drawing."""
