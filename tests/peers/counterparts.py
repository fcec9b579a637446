"""Which network of a peer is the same as one of the catalogue, under which name, and how the peer is to build it."""

from typing import Any, NamedTuple


class Counterpart(NamedTuple):
    """A network of torchvision or timm; `dialect` is the key of `Architecture.names` that speaks its names."""

    library: str
    name: str
    dialect: str
    size: int = 96  # pixels of the images on which both are asked; 224 where a matrix stands on the maps
    options: dict[str, Any] = {}  # noqa: RUF012 - handed to the peer's builder


def _torchvision(name: str, size: int = 96, **options: Any) -> Counterpart:
    return Counterpart("torchvision", name, "torchvision", size, options)


def _timm(name: str, dialect: str = "timm", size: int = 96, **options: Any) -> Counterpart:
    return Counterpart("timm", name, dialect, size, options)


COUNTERPARTS = {
    "alexnet_owt": [_torchvision("alexnet", 224)],
    **{name: [_torchvision(name, 224), _timm(name, size=224)] for name in ("vgg11", "vgg11_bn", "vgg13", "vgg13_bn")},
    **{name: [_torchvision(name, 224), _timm(name, size=224)] for name in ("vgg16", "vgg16_bn", "vgg19", "vgg19_bn")},
    # ResNet and its kin
    **{name: [_torchvision(name), _timm(name, "torchvision")] for name in ("resnet18", "resnet34", "resnet50")},
    **{name: [_torchvision(name), _timm(name, "torchvision")] for name in ("resnet101", "resnet152")},
    **{name: [_torchvision(name), _timm(name)] for name in ("wide_resnet50_2", "wide_resnet101_2")},
    **{name: [_torchvision(name), _timm(name)] for name in ("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d")},
    **{name: [_timm(name)] for name in ("resnet200", "resnext101_32x4d", "senet154")},
    **{name: [_timm(name)] for name in (f"seresnet{depth}" for depth in (18, 34, 50, 101, 152))},
    **{name: [_timm(name)] for name in ("seresnext50_32x4d", "seresnext101_32x4d")},
    **{name: [_timm(name)] for name in ("seresnext101_32x8d", "seresnext101_64x4d")},
    **{name: [_timm(name)] for name in (f"resnetv2_{depth}" for depth in (18, 34, 50, 101, 152))},
    # Inception and SqueezeNet
    "googlenet_bn": [_torchvision("googlenet", aux_logits=False, init_weights=False)],
    "googlenet_bn_aux": [_torchvision("googlenet", aux_logits=True, init_weights=False)],
    "inception_v3": [
        _torchvision("inception_v3", aux_logits=False, init_weights=False),
        _timm("inception_v3", "torchvision"),
    ],
    "inception_v3_aux": [_torchvision("inception_v3", 299, aux_logits=True, init_weights=False)],
    "inception_v4": [_timm("inception_v4")],
    "inception_resnet_v2": [_timm("inception_resnet_v2")],
    **{name: [_torchvision(name)] for name in ("squeezenet1_0", "squeezenet1_1")},
    # DenseNet, Xception, ShuffleNet
    **{name: [_torchvision(name), _timm(name, "torchvision")] for name in ("densenet121", "densenet161")},
    **{name: [_torchvision(name), _timm(name, "torchvision")] for name in ("densenet169", "densenet201")},
    "densenet264": [_timm("densenet264d", "torchvision", growth_rate=32, stem_type="")],
    "xception": [_timm("legacy_xception")],
    **{name: [_torchvision(name)] for name in ("shufflenet_v2_x0_5", "shufflenet_v2_x1_0")},
    **{name: [_torchvision(name)] for name in ("shufflenet_v2_x1_5", "shufflenet_v2_x2_0")},
    # MobileNet and EfficientNet
    "mobilenetv1_100": [_timm("mobilenetv1_100")],
    "mobilenet_v2": [_torchvision("mobilenet_v2"), _timm("mobilenetv2_100")],
    "mobilenetv2_050": [_torchvision("mobilenet_v2", width_mult=0.5), _timm("mobilenetv2_050")],
    "mobilenetv2_140": [_torchvision("mobilenet_v2", width_mult=1.4), _timm("mobilenetv2_140")],
    **{name: [_torchvision(name), _timm(name)] for name in (f"efficientnet_b{number}" for number in range(5))},
    **{name: [_torchvision(name)] for name in ("efficientnet_b5", "efficientnet_b6", "efficientnet_b7")},
    # NASNet
    "nasnetalarge": [_timm("nasnetalarge"), _timm("nasnetalarge", size=139)],
}
