"""Chains of layers, whatever stages they stand in."""


def layers_by_name(network):
    """The layers that hold no others, in order, by the last part of their names."""
    return {name.rpartition(".")[2]: layer for name, layer in network.named_modules() if not list(layer.children())}


def maps_by_name(network, values):
    """What each layer of a chain gives, (C, H, W) or (K,), by the last part of its name."""
    maps = {}
    for name, layer in layers_by_name(network).items():
        values = layer(values)
        maps[name] = tuple(values.shape[1:])
    return maps
