"""The modules and transformations that torch.nn does not have: ordinary nn.Modules, (N, C, H, W) in any layout."""
