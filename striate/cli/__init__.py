"""The command line: one verb for each stage of the flow. It holds no knowledge: it calls the public functions."""
