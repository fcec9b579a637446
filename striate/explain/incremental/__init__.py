"""The scores of many masked copies of one image, of which only what the masks change is computed.

Source: Nakandala, Kumar, Papakonstantinou 2019, "Incremental and approximate inference for faster occlusion-based deep
CNN explanations" (Krypton), SIGMOD. `boxes` is the arithmetic of what changes, `patches` the changed part of a map,
`rules` what operations make of it, `convolving` and `winograd` the products, `following` the run of a network.
"""
