import subprocess
import sys

import pytest

import striate

DOCUMENTED = [
    "Dataset",
    "ImageClassifier",
    "Settings",
    "StriateError",
    "__version__",
    "advise",
    "advise_training",
    "apply_operation",
    "check",
    "compare",
    "convert",
    "create_model",
    "describe",
    "doctor",
    "draw_samples",
    "dream_picture",
    "evaluate",
    "explain_images",
    "fetch",
    "filter_image",
    "find_rate",
    "fit_memory",
    "from_arrays",
    "import_weights",
    "index_images",
    "load",
    "map_images",
    "measure_similar",
    "models",
    "open_dataset",
    "scale",
    "similar_images",
    "style_picture",
    "train",
]


def test_the_public_names_are_the_documented_ones_in_order():
    assert striate.__all__ == DOCUMENTED == sorted(DOCUMENTED)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_each_public_name_can_be_imported(name):
    names = {}
    exec(f"from striate import {name}", names)
    assert names[name] is getattr(striate, name)


def test_dir_lists_the_public_names():
    assert dir(striate) == DOCUMENTED


@pytest.mark.parametrize("name", ["trian", "torch", "_HOMES", "recipe"])
def test_a_name_that_does_not_exist_is_an_attribute_error_that_says_it(name):
    with pytest.raises(AttributeError, match=f"module 'striate' has no attribute '{name}'"):
        getattr(striate, name)


def test_what_is_raised_on_purpose_is_a_striate_error():
    with pytest.raises(striate.StriateError):
        striate.describe("lenet6")


@pytest.mark.parametrize("statement", ["import striate", "import striate.cli.main", "from striate import Settings"])
def test_importing_loads_no_torch_and_no_numpy(statement):
    code = f"import sys; {statement}; print(*{{'torch', 'numpy', 'sklearn', 'PIL', 'matplotlib'}} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "\n"
