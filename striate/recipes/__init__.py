"""Complete named runs: data, network, task and schedule together, and the report of what came out."""
