import tomllib

from striate.recipes.settings import Settings, read_settings
from striate.training.named import RECIPES

EVERY = {
    "model": "resnet18",
    "epochs": 1,
    "batch_size": 100,
    "rate": 0.02,
    "recipe": "resnet",
    "optimizer": "adamw",
    "momentum": 0.8,
    "decay": 0.001,
    "schedule": "steps",
    "warmup": 0.1,
    "milestones": (0.4, 0.8),
    "patience": 3,
    "label_smoothing": 0.2,
    "accumulate": 2,
    "clip": 1.5,
    "average": 0.9,
    "progressive": 0.9,
    "checkpointing": True,
    "stop": 4,
    "depth_rates": 0.5,
    "size": 9,
    "stem": "small",
    "fit": "pad",
    "augment": "flip,shift:2",
    "balance": "loss",
    "channels": 1,
    "range": "0:255",
    "cache": "none",
    "workers": 1,
    "seed": 3,
    "device": "cpu",
    "tensorboard": True,
    "number_format": "bfloat16",
    "strict": True,
}


WORDS = (
    "--model resnet18 --stem small --epochs 1 --batch-size 100 --rate 0.02 --size 9 --fit pad --seed 3 "
    "--recipe resnet --optimizer adamw --momentum 0.8 --decay 0.001 --schedule steps --warmup 0.1 --milestones 0.4 "
    "--milestones 0.8 --patience 3 --label-smoothing 0.2 --accumulate 2 --clip 1.5 --average 0.9 --progressive 0.9 "
    "--checkpointing --stop 4 --depth-rates 0.5 --augment flip,shift:2 --balance loss "
    "--channels 1 --range 0:255 --cache none --workers 1 --device cpu --number-format bfloat16 --tensorboard"
)


def test_every_setting_of_the_command_line_reaches_the_run(cli, tmp_path):
    assert EVERY.keys() | {"data", "out", "exclude", "weights", "freeze"} == vars(Settings()).keys()
    excluded = tmp_path / "excluded.txt"
    excluded.write_text("digits/0003\n", encoding="utf-8")
    code, _, err = cli("train", "digits", *WORDS.split(), "--strict", "--out", tmp_path / "run", "--exclude", excluded)
    assert code == 0, err
    assert read_settings(tmp_path / "run" / "run.toml") == Settings("digits", **EVERY, exclude=str(excluded))


def test_without_settings_they_are_the_defaults(cli, tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr("striate.recipes.train.train", lambda **given: seen.update(given))
    assert cli("train")[0] == 0
    assert {**seen, "resume": None, "quiet": False} == {**vars(Settings()), "resume": None, "quiet": False}


def test_help_names_every_setting_with_its_default(cli):
    _, out, _ = cli("train", "--help")
    assert all(f"--{name.replace('_', '-')}" in out for name in vars(Settings()))
    assert all(name in out for name in RECIPES)


def test_run_toml_keeps_the_versions_the_machine_and_every_number_of_the_recipe(run):
    document = tomllib.loads((run / "run.toml").read_text(encoding="utf-8"))
    assert {"python", "striate", "torch", "numpy"} <= document["versions"].keys()
    assert {"momentum", "decay", "warmup", "label_smoothing", "augment", "balance"} <= document["recipe"].keys()
    assert set(document["machine"]) == {"device", "number_format", "memory_format", "threads", "allocator", "kernels"}
    assert "out" not in document["settings"]
