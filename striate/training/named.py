"""The recipes that have a name: those of three papers as they stand there, and today's.

`alexnet`   Krizhevsky et al. 2012, section 4 and 5. Its crops of 224 from 256 pixels are 0.766 of the area.
`vgg`       Simonyan and Zisserman 2014, arXiv:1409.1556, section 3.1: 74 epochs at 256 a step.
`resnet`    He et al. 2015, arXiv:1512.03385, section 3.4: 60·10⁴ steps of 256 on 1.28 million images are 120 epochs.
`modern`    Wightman et al. 2021, arXiv:2110.00476: RandAugment, mixup and cutmix, smoothing, half a cosine; with AdamW
            (Loshchilov and Hutter 2017) for its LAMB, and the moving average of the weights of Tan and Le 2019.
`finetune`  Kornblith et al. 2018, arXiv:1805.08974, section A.5, and Howard and Ruder 2018, arXiv:1801.06146:
            a small rate, smaller still in the early stages.
`fast`      Jordan 2024, arXiv:2404.00498, and Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon).
"""

from striate.training.recipe import Recipe

PLAIN = Recipe()

ALEXNET = Recipe(
    epochs=90,
    batch_size=128,
    rate=0.01,
    nesterov=False,
    schedule="plateau",
    warmup=0.0,
    label_smoothing=0.0,
    augment="crop:0.766:0.766:1,flip,lighting",
)

VGG = Recipe(
    epochs=74,
    batch_size=256,
    rate=0.01,
    nesterov=False,
    schedule="plateau",
    warmup=0.0,
    label_smoothing=0.0,
    augment="crop:0.19:0.766:1,flip,lighting",  # 224 of a side from 256 to 512
)

RESNET = Recipe(
    epochs=120,
    batch_size=256,
    rate=0.1,
    nesterov=False,
    decay=1e-4,
    schedule="plateau",
    warmup=0.0,
    label_smoothing=0.0,
    augment="crop:0.218:0.766:1,flip,lighting",  # 224 of a side from 256 to 480
)

MODERN = Recipe(
    epochs=100,
    batch_size=128,
    optimizer="adamw",
    rate=2e-3,
    decay=0.02,
    decay_all=False,
    warmup=0.05,
    clip=1.0,
    average=0.999,
    augment="crop,flip,randaugment,mixup:0.2,cutmix:1:0.5",
)

FINETUNE = Recipe(
    epochs=20,
    batch_size=32,
    rate=0.01,
    decay=1e-4,
    warmup=0.1,
    clip=1.0,  # the only brake of networks whose batch norm has been folded away
    depth_rates=0.6,
    augment="crop:0.4,flip",
)

FAST = Recipe(  # about 17 short trainings on a part of CIFAR-10, judged by held-out training images, one seed each
    epochs=10,
    batch_size=128,
    optimizer="muon",
    rate=0.2,
    momentum=0.85,
    decay=1e-4,
    decay_all=False,
    schedule="linear",
    warmup=0.0,
    label_smoothing=0.2,
    progressive=0.5,
    augment="flip,shift:2:border=reflect",
)

RECIPES: dict[str, Recipe] = {
    "plain": PLAIN,
    "alexnet": ALEXNET,
    "vgg": VGG,
    "resnet": RESNET,
    "modern": MODERN,
    "finetune": FINETUNE,
    "fast": FAST,
}
