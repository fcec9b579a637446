"""The arithmetic of any network, read off a run on meta tensors: no weights are allocated, nothing is computed."""
