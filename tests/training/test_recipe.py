from dataclasses import fields

import pytest

from striate.augmentation.policy import policy_numbers
from striate.errors import SettingsError
from striate.recipes.adjustments import Adjustments
from striate.training.named import RECIPES
from striate.training.recipe import Recipe
from striate.training.scaling import scaled

WRONG = {
    "epochs": 0,
    "batch_size": 0,
    "optimizer": "adam",
    "rate": 0.0,
    "momentum": 1.0,
    "decay": -0.1,
    "schedule": "cos",
    "warmup": 1.1,
    "milestones": (0.75, 0.5),
    "patience": 0,
    "label_smoothing": -0.1,
    "balance": "some",
    "accumulate": 0,
    "clip": 0.0,
    "average": 1.0,
    "progressive": 0.0,
    "stop": 0,
    "depth_rates": 1.5,
}


@pytest.mark.parametrize("name", WRONG)
def test_a_number_that_makes_no_sense_is_refused_by_name_and_value(name):
    value = WRONG[name]
    with pytest.raises(SettingsError, match=r"expected") as caught:
        Recipe(**{name: value})
    assert str(caught.value).startswith((f"{name} is {value!r}", f"{name} are {value!r}"))


def test_every_number_of_a_recipe_can_be_set_but_two():
    """Which are no numbers that people turn: how SGD looks ahead, and what decays."""
    names = {field.name for field in fields(Recipe)}
    assert {field.name for field in fields(Adjustments)} == names - {"nesterov", "decay_all"}


@pytest.mark.parametrize("name", RECIPES)
def test_a_named_recipe_augments_by_words_that_are_known(name):
    policy_numbers(RECIPES[name].augment)


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("alexnet", (128, 0.9, 5e-4, 0.01, "plateau")),  # Krizhevsky et al. 2012, section 5
        ("vgg", (256, 0.9, 5e-4, 0.01, "plateau")),  # Simonyan and Zisserman 2014, section 3.1
        ("resnet", (256, 0.9, 1e-4, 0.1, "plateau")),  # He et al. 2015, section 3.4
    ],
)
def test_the_recipes_of_papers_have_the_papers_numbers(name, published):
    recipe = RECIPES[name]
    assert (recipe.batch_size, recipe.momentum, recipe.decay, recipe.rate, recipe.schedule) == published
    assert (recipe.optimizer, recipe.nesterov, recipe.label_smoothing) == ("sgd", False, 0.0)


def test_what_is_set_wins_and_the_rest_is_the_recipes():
    own = Adjustments(epochs=3, clip=1.0).adjusted(RECIPES["resnet"])
    assert own == Recipe(**{**vars(RECIPES["resnet"]), "epochs": 3, "clip": 1.0})


def test_a_larger_batch_has_a_rate_as_many_times_larger():
    """Goyal et al. 2017: 8,192 images in a step of ImageNet are 32 times 256: the rate is 3.2 after 5 of 90 epochs."""
    own = Adjustments(epochs=90, batch_size=8192).adjusted(RECIPES["resnet"])
    assert (own.rate, own.warmup) == (pytest.approx(3.2), pytest.approx(5 / 90))
    assert Adjustments(batch_size=64).adjusted(RECIPES["resnet"]).rate == 0.1  # a smaller one leaves it
    assert Adjustments(batch_size=8192, warmup=0.0).adjusted(RECIPES["resnet"]).warmup == 0.0
    assert Adjustments(batch_size=8192, rate=0.5).adjusted(RECIPES["resnet"]).rate == 0.5  # so does a person


def test_the_rate_of_an_adaptive_optimizer_grows_as_the_root():
    assert scaled(Recipe(optimizer="adamw", rate=0.001), 16 * 64).rate == pytest.approx(0.004)
