"""`ImageClassifier` against scikit-learn's own tools, and against `striate.train` on the same division."""

import gc
import pickle
import tomllib

import joblib
import numpy as np
import pytest
import sklearn.utils.estimator_checks as checks
from PIL import Image
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import striate
from striate import ImageClassifier
from striate.errors import DataError, ImageError, SettingsError, UnknownNameError

QUICK = {"model": "linear", "size": 8, "epochs": 3, "augment": "none"}

# Of scikit-learn's checks those that hand over no images. The others fit tables (N, features) of numbers, which are no
# images and are refused: what they ask about `fit` is asked of images below.
CONTRACTS = (
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_estimators_unfitted",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
)


def _shares(images):
    return images / 16


@pytest.fixture(scope="module")
def digits():
    """300 digits (N, 8, 8), floats from 0 to 1, and their numbers."""
    bunch = load_digits()
    return (bunch.images[:300] / 16).astype(np.float32), bunch.target[:300]


@pytest.fixture(scope="module")
def fitted(digits):
    return ImageClassifier(**QUICK).fit(*digits)


@pytest.fixture(scope="module")
def files(digits, tmp_path_factory):
    """The same digits as PNG files, in a folder for each class, in the order of the arrays."""
    root = tmp_path_factory.mktemp("digits")
    paths = []
    for place, (image, label) in enumerate(zip(*digits, strict=True)):
        folder = root / f"number {label}"
        folder.mkdir(exist_ok=True)
        paths.append(str(folder / f"{place:04d}.png"))
        Image.fromarray(np.rint(image * 255).astype(np.uint8)).save(paths[-1])
    return root, paths


@pytest.mark.parametrize("name", CONTRACTS)
def test_it_keeps_scikit_learns_contract(name):
    if (check := getattr(checks, name, None)) is None:
        pytest.skip(f"this scikit-learn has no {name}")
    check("ImageClassifier", ImageClassifier())


def test_fit_gives_itself_and_changes_no_parameter(digits):
    estimator = ImageClassifier(**QUICK)
    before = estimator.get_params()
    assert estimator.fit(*digits) is estimator
    assert estimator.get_params() == before


def test_nothing_can_be_predicted_before_it_is_fitted(digits):
    for ask in (ImageClassifier().predict, ImageClassifier().predict_proba, ImageClassifier().score):
        with pytest.raises(NotFittedError):
            ask(digits[0])


def test_it_is_the_network_that_train_makes_of_the_same_division(fitted, digits, tmp_path):
    images, labels = digits
    lines = (fitted.run_ / "split.csv").read_text().splitlines()[1:]
    parts = [line.split(",")[2] for line in lines]
    assert 25 <= parts.count("validation") <= 35 and parts.count("test") == 0
    dataset = striate.from_arrays(images, labels, classes=list(map(str, range(10))), parts=parts)
    run = striate.train(dataset, **QUICK, out=tmp_path / "run", quiet=True)
    same = [run.model.predict(image, top=1).label for image in images]
    assert fitted.predict(images).astype(str).tolist() == same
    assert fitted.score(images, labels) == np.mean(np.array(same) == labels.astype(str)) > 0.5


def test_the_same_seed_gives_the_same_network_and_another_another(fitted, digits):
    again = clone(fitted).fit(*digits)
    other = clone(fitted).set_params(random_state=1).fit(*digits)
    assert np.array_equal(again.predict_proba(digits[0]), fitted.predict_proba(digits[0]))
    assert not np.array_equal(other.predict_proba(digits[0]), fitted.predict_proba(digits[0]))


def test_a_random_state_draws_the_seed(digits):
    seed = int(np.random.RandomState(3).randint(2**31 - 1))
    drawn = ImageClassifier(**QUICK, random_state=np.random.RandomState(3)).fit(*digits)
    assert tomllib.loads((drawn.run_ / "run.toml").read_text())["settings"]["seed"] == seed


@pytest.mark.parametrize(
    "names",
    [
        np.array([7, 3, 11, -2, 40, 5, 6, 1, 0, 9]),
        np.array(list("hgfjedcbia")),
        np.array(list("hgfjedcbia"), dtype=object),
    ],
    ids=["numbers", "text", "objects"],
)
def test_classes_are_sorted_and_predictions_are_of_their_kind(digits, names):
    labels = names[digits[1]]
    estimator = ImageClassifier(**QUICK).fit(digits[0], labels)
    assert estimator.classes_.tolist() == np.unique(labels).tolist()
    predicted = estimator.predict(digits[0])
    assert predicted.dtype == labels.dtype
    assert accuracy_score(labels, predicted) == estimator.score(digits[0], labels) > 0.5


def test_probabilities_have_a_column_for_each_class_in_order(fitted, digits):
    images = digits[0][:20]
    probabilities = fitted.predict_proba(images)
    assert probabilities.shape == (20, 10)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    for image, row in zip(images, probabilities, strict=True):
        guesses = {guess.label: guess.probability for guess in fitted.model_.predict(image, top=10).top}
        assert np.allclose(row, [guesses[str(own)] for own in fitted.classes_], atol=1e-6)


def test_cross_validation_is_the_same_fits_done_by_hand(digits):
    images, labels = digits
    folds = StratifiedKFold(3)
    scores = cross_val_score(ImageClassifier(**QUICK), images, labels, cv=folds)
    by_hand = []
    for train, test in folds.split(images, labels):
        own = ImageClassifier(**QUICK).fit(images[train], labels[train])
        by_hand.append(accuracy_score(labels[test], own.predict(images[test])))
    assert scores.tolist() == by_hand


@pytest.mark.slow  # processes are started
def test_a_grid_search_finds_the_same_in_one_process_and_in_two(digits):
    grid = {"rate": [0.0001, 0.05]}
    searches = [GridSearchCV(ImageClassifier(**QUICK), grid, cv=2, n_jobs=jobs).fit(*digits) for jobs in (1, 2)]
    first, second = (search.cv_results_["mean_test_score"].tolist() for search in searches)
    assert first == second
    assert searches[0].best_params_ == searches[1].best_params_ == {"rate": 0.05}
    assert searches[1].best_estimator_.predict(digits[0][:5]).shape == (5,)


def test_it_ends_a_pipeline(digits, fitted):
    images, labels = digits
    steps = make_pipeline(FunctionTransformer(_shares), ImageClassifier(**QUICK))
    steps.fit(images * 16, labels)
    assert np.array_equal(steps.predict_proba(images * 16), fitted.predict_proba(images))


def test_paths_are_the_images_that_they_lead_to(digits, files):
    images, labels = digits
    bytes_ = np.rint(images * 255).astype(np.uint8)
    of_paths, of_arrays = (ImageClassifier(**QUICK).fit(own, labels) for own in (files[1], bytes_))
    expected = of_arrays.predict_proba(bytes_)
    opened = [Image.open(path) for path in files[1][:10]]
    assert np.array_equal(of_paths.predict_proba(files[1]), expected)
    assert np.array_equal(of_paths.predict_proba(np.array(files[1])), expected)
    assert np.allclose(of_paths.predict_proba(opened), expected[:10], atol=1e-6)
    assert np.allclose(of_paths.predict_proba(bytes_[:10, :, :, None]), expected[:10], atol=1e-6)


def test_a_data_frame_has_its_columns_by_the_names_of_a_manifest(digits, files):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"file": files[1], "label": digits[1], "who": "me"})
    alone = ImageClassifier(**QUICK).fit(frame)
    with_labels = ImageClassifier(**QUICK).fit(frame[["file"]], frame["label"])
    of_series = ImageClassifier(**QUICK).fit(frame["file"], frame["label"])
    expected = ImageClassifier(**QUICK).fit(files[1], digits[1]).predict_proba(files[1])
    for own in (alone, with_labels, of_series):
        assert np.array_equal(own.predict_proba(frame), expected)
        assert own.score(frame) == own.score(files[1], digits[1])
    assert len(cross_val_score(ImageClassifier(**QUICK), frame, digits[1], cv=2)) == 2


def test_a_data_frame_without_a_column_of_paths_is_refused_with_the_names_it_could_have(digits):
    pandas = pytest.importorskip("pandas")
    with pytest.raises(DataError, match="has the columns a, b, and none for the path; name one of them path, filename"):
        ImageClassifier(**QUICK).fit(pandas.DataFrame({"a": [1], "b": [2]}), [1])


def test_a_folder_brings_its_labels(files, digits):
    estimator = ImageClassifier(**QUICK).fit(files[0])
    assert estimator.classes_.tolist() == [f"number {label}" for label in range(10)]
    in_order = sorted(files[1])
    assert np.array_equal(estimator.predict(files[0]), estimator.predict(in_order))
    truth = [path.split("/")[-2] for path in in_order]
    assert estimator.score(files[0]) == accuracy_score(truth, estimator.predict(in_order)) > 0.5


def test_a_test_part_that_data_bring_is_kept_for_the_score(digits, files, tmp_path):
    table = tmp_path / "photos.csv"
    rows = [
        f"{path},{label},{'test' if place % 4 == 0 else 'train'}"
        for place, (path, label) in enumerate(zip(files[1], digits[1], strict=True))
    ]
    table.write_text("\n".join(["path,label,split", *rows]))
    estimator = ImageClassifier(**QUICK).fit(table)
    held = files[1][::4]
    assert np.array_equal(estimator.predict(table), estimator.predict(held))
    assert estimator.score(table) == estimator.score(held, digits[1][::4].astype(str))
    parts = [line.split(",")[2] for line in (estimator.run_ / "split.csv").read_text().splitlines()[1:]]
    assert parts.count("test") == len(held)


@pytest.mark.parametrize("fraction", [0.2, 0.5])
def test_the_validation_fraction_is_taken_of_each_class(digits, fraction):
    images, labels = digits[0][np.argsort(digits[1])], np.sort(digits[1])
    estimator = ImageClassifier(**QUICK, validation_fraction=fraction).fit(images, labels)
    lines = [line.split(",") for line in (estimator.run_ / "split.csv").read_text().splitlines()[1:]]
    for label in range(10):
        parts = [part for _, own, part in lines if own == str(label)]
        assert abs(parts.count("validation") - fraction * len(parts)) <= 0.5


def test_an_image_that_cannot_be_read_is_named(fitted, files, digits, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"broken\.png: not an image of a known format"):
        fitted.predict([files[1][0], str(broken)])
    with pytest.raises(ImageError, match=r"gone\.png: no such file"):
        fitted.predict(["gone.png"])
    with pytest.raises(DataError, match=r"broken\.png: not an image"):
        ImageClassifier(**QUICK).fit([*files[1], str(broken)], [*digits[1], 0])


@pytest.mark.parametrize("copied", [lambda own: pickle.loads(pickle.dumps(own)), None], ids=["pickle", "joblib"])
def test_a_copy_takes_the_network_with_it(fitted, digits, copied, tmp_path):
    if copied is None:
        joblib.dump(fitted, tmp_path / "model")
        copy = joblib.load(tmp_path / "model")
    else:
        copy = copied(fitted)
    assert np.array_equal(copy.predict_proba(digits[0]), fitted.predict_proba(digits[0]))
    assert copy.run_ is None
    assert fitted.run_.is_dir()


def test_a_clone_has_the_parameters_and_nothing_learnt(fitted):
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not hasattr(copy, "classes_")


def test_a_temporary_run_goes_with_its_estimator(digits):
    estimator = ImageClassifier(**QUICK).fit(*digits)
    first = estimator.run_
    assert (first / "report.html").is_file()
    second = estimator.fit(*digits).run_
    assert not first.exists() and second.is_dir()
    del estimator
    gc.collect()
    assert not second.exists()


def test_a_run_that_was_asked_for_stays(digits, tmp_path):
    estimator = ImageClassifier(**QUICK, out=tmp_path / "run").fit(*digits)
    label = striate.load(tmp_path / "run").predict(digits[0][0]).label
    assert label == str(estimator.predict(digits[0][:1])[0])
    del estimator
    gc.collect()
    assert (tmp_path / "run" / "model.safetensors").is_file()


def test_it_is_quiet_unless_asked(digits, capfd):
    ImageClassifier(**QUICK).fit(*digits)
    assert capfd.readouterr() == ("", "")
    ImageClassifier(**QUICK, verbose=True).fit(*digits)
    assert "validation accuracy" in capfd.readouterr().err


def test_other_settings_have_a_place_of_their_own(digits):
    estimator = ImageClassifier(**QUICK, settings={"balance": "loss", "decay": 0.0}).fit(*digits)
    kept = tomllib.loads((estimator.run_ / "run.toml").read_text())["recipe"]
    assert (kept["balance"], kept["decay"], kept["epochs"]) == ("loss", 0.0, 3)


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"settings": {"epochs": 2}}, SettingsError, "settings has 'epochs', which ImageClassifier takes by itself"),
        ({"settings": {"rte": 2}}, UnknownNameError, "unknown setting 'rte'; did you mean rate"),
        ({"validation_fraction": 1.0}, SettingsError, "expected a share between 0 and 1"),
        ({"model": "lenet6"}, UnknownNameError, "did you mean lenet5"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(digits, changed, error, words):
    with pytest.raises(error, match=words):
        ImageClassifier(**QUICK | changed).fit(*digits)


@pytest.mark.parametrize(
    ("images", "labels", "error", "words"),
    [
        (np.zeros((4, 64)), [0, 1, 0, 1], DataError, r"of shape \(4, 64\); expected \(N, H, W\)"),
        (np.full((4, 8, 8), 16.0), [0, 1, 0, 1], DataError, "values from 16 to 16; expected floats in 0..1"),
        (np.zeros((4, 8, 8)), None, DataError, "images without labels; give y"),
        (np.zeros((4, 8, 8)), [0, 1, 0], DataError, "3 labels for 4 images"),
        (np.zeros((4, 8, 8)), [0.5, 1.5, 0.1, 2.2], ValueError, "Unknown label type"),
        (np.zeros((4, 8, 8)), [1, 1, 1, 1], DataError, "has one class, '1'"),
        ([], [], DataError, "there are no images"),
        ([None, 3], [0, 1], DataError, "image 0 is None, of type NoneType; expected a path"),
        ("photos", [0, 1], DataError, "photos brings its own labels; leave out y"),
    ],
)
def test_what_is_no_set_of_labelled_images_is_refused(images, labels, error, words):
    with pytest.raises(error, match=words):
        ImageClassifier(**QUICK).fit(images, labels)
