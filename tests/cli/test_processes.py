import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import striate

STRIATE = (sys.executable, "-m", "striate")
VERBS = ("train", "evaluate", "predict", "describe", "compare", "models", "scale", "filter", "import", "doctor")


def call(*words, **options):
    options = {"env": {**os.environ, "OMP_NUM_THREADS": "1"}, **options}
    return subprocess.run([*STRIATE, *map(str, words)], capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize("words", [[], ["--help"], *([verb, "--help"] for verb in VERBS)], ids=" ".join)
def test_help_is_given_at_once_and_without_torch(words):
    code = (
        "import sys; from striate.cli.main import main; code = main(sys.argv[1:]); "
        "assert not {'torch', 'numpy', 'sklearn', 'PIL'} & set(sys.modules); sys.exit(code)"
    )
    result = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Usage: striate")
    assert all(verb in result.stdout for verb in (VERBS if len(words) < 2 else words[:1]))


def test_the_version_is_printed():
    assert call("--version").stdout == f"{striate.__version__}\n"


def test_the_installed_command_is_the_module():
    command = Path(sys.executable).with_name("striate")
    result = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert result.stdout == call("--version").stdout


def test_bad_input_ends_with_code_2_and_no_traceback(tmp_path):
    result = call("train", "nowhere", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("striate: nowhere is not there; expected a folder with one sub-folder")
    assert result.stderr.count("\n") == 1


def test_ctrl_c_stops_with_code_1_and_says_how_to_go_on(tmp_path):
    words = ("train", "digits", "--size", "16", "--epochs", "1000", "--out", "two words")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [*STRIATE, *words], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while not (tmp_path / "two words" / "metrics.csv").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out) == (1, "")
    assert "stopped; go on with: striate train --resume 'two words'\n" in err
    assert "Traceback" not in err
    assert (tmp_path / "two words" / "last" / "state.safetensors").exists()


@pytest.mark.parametrize("words", [("describe", "lenet5"), ("describe", "lenet5", "--json")], ids=" ".join)
def test_a_reader_that_goes_away_is_no_error(words):
    with subprocess.Popen([*STRIATE, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 1
    assert err == ""


def test_answers_are_written_where_the_language_is_not_set(run, tmp_path):
    (tmp_path / "苹果.png").write_bytes((run / "sample.png").read_bytes())
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    for words in (("predict", run, "苹果.png"), ("predict", run, "苹果.png", "--json")):
        result = call(*words, cwd=tmp_path, env={**bare, "OMP_NUM_THREADS": "1"}, encoding="utf-8")
        assert (result.returncode, result.stderr) == (0, "")
        assert "苹果.png" in result.stdout


def test_a_language_of_few_letters_changes_no_byte_of_the_report(run, tmp_path):
    """The report of a finished run is made anew by resuming it, of the same figures and seconds."""
    again = shutil.copytree(run, tmp_path / "digits run")
    (again / "report.html").unlink()
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "OMP_NUM_THREADS": "1"}
    result = call("train", "--resume", "digits run", cwd=tmp_path, env={**os.environ, **ascii_only})
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "digits run" / "report.html").read_bytes() == (run / "report.html").read_bytes()
