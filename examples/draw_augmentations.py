"""Every augmentation as a strip: a photograph and what so many draws make of it; a box and keypoints move along.

Run: python examples/draw_augmentations.py [DRAWS [FOLDER]]
The photographs ship with scikit-learn (CC BY 2.0, from Flickr: china.jpg by danielbuechele, flower.jpg by vultilion).
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_sample_images

from striate.augmentation.lighting import Components
from striate.augmentation.policy import parse_policy
from striate.augmentation.views import Views
from striate.images.keyed import Draws
from striate.images.preparation import Geometry

DRAWS = int(sys.argv[1]) if len(sys.argv) > 1 else 8
FOLDER = Path(sys.argv[2] if len(sys.argv) > 2 else "augmentation")
HEIGHT, WIDTH, GAP, TITLE = 96, 128, 4, 20
MOVES = ["flip:0.5:0.5", "shift:12", "shift:12:reflect", "crop", "rotation:30", "variation", "variation,erase", "erase"]
CHANGES = ["colour:hue=0.1", "lighting:0.5", "randaugment", "mixup:1", "cutmix"]

china, flower = load_sample_images().images
parts = [china, flower[:, :320], china[:, 320:], flower[:, 320:]]
pictures = np.stack([Geometry((HEIGHT, WIDTH)).apply(part) for part in parts] * DRAWS)[:DRAWS]
stack = torch.from_numpy(pictures)  # (N, 3, H, W)
boxes = torch.tensor([[6.0, 6, 72, 79]]).repeat(DRAWS, 1, 1)  # (N, 1, 4) around the temple
keypoints = torch.tensor([[38.5, 7], [14, 27], [64, 27]]).repeat(DRAWS, 1, 1)  # (N, 3, 2) its top and its eaves


def tile(views: Views, place: int) -> Image.Image:
    """One image of the batch, with its box and keypoints."""
    picture = Image.fromarray(views.images[place].round().to(torch.uint8).permute(1, 2, 0).numpy())
    draw = ImageDraw.Draw(picture)
    for box in () if views.boxes is None else views.boxes[place].nan_to_num(-9).round().int().tolist():
        draw.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), outline="yellow")
    for x, y in () if views.keypoints is None else views.keypoints[place].nan_to_num(-9).tolist():
        draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill="red")
    return picture


FOLDER.mkdir(parents=True, exist_ok=True)
for word in MOVES + CHANGES:
    policy = parse_policy(word, num_classes=2, components=Components.measured(stack))
    images = stack if "mix" in word else stack[:1].repeat(DRAWS, 1, 1, 1)
    views = Views(images, 255, **({"boxes": boxes, "keypoints": keypoints} if word in MOVES else {}))
    after = policy.apply(views, Draws(seed=1, epoch=0, indices=np.arange(DRAWS)))
    strip = Image.new("RGB", ((DRAWS + 1) * (WIDTH + GAP) - GAP, HEIGHT + TITLE), "white")
    ImageDraw.Draw(strip).text((0, 0), word, "black", ImageFont.load_default(14))
    for column, picture in enumerate([tile(views, 0), *(tile(after, place) for place in range(DRAWS))]):
        strip.paste(picture, (column * (WIDTH + GAP), TITLE))
    file = FOLDER / f"{word.translate(str.maketrans(':,=', '___'))}.png"
    strip.quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
    print(f"{file} shows a photograph and {DRAWS} draws of {word}")
