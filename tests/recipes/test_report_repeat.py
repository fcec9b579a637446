import tomli_w
import torch

from striate.recipes.report_repeat import conditions, processor, same_bits


def run_file(device="cpu", why="torch sees no CUDA device"):
    machine = {"device": {"value": device, "why": why}, "number_format": {"value": "bfloat16"}}
    return tomli_w.dumps(
        {
            "machine": machine | {"threads": {"value": "3"}},
            "versions": {"torch": "2.12.1", "pillow": "12.0.0"},
            "data": {"digest": "abc123"},
        }
    )


def by_name(*arguments, **options):
    return {own.what: own for own in conditions(*arguments, **options)}


def test_every_condition_says_what_it_was_in_this_run():
    found = by_name(run_file(), processes=4, parts=2)
    assert found["threads"].here == "3"
    assert "OMP_NUM_THREADS=3" in found["threads"].elsewhere
    assert found["processes"].here == "4"
    assert found["number format"].here == "bfloat16"
    assert found["memory"].here == "batches in 2 parts"
    assert found["torch"].here == "2.12.1"
    assert found["image decoders"].here.startswith("Pillow 12.0.0, simplejpeg ")
    assert "abc123" in found["image decoders"].elsewhere
    assert all(own.elsewhere for own in found.values())


def test_the_processor_is_named_with_the_instructions_that_torch_uses():
    assert by_name(run_file())["processor"].here == processor()
    assert processor().endswith(f", {torch.backends.cpu.get_cpu_capability()}")
    assert len(processor()) > len(torch.backends.cpu.get_cpu_capability()) + 2


def test_the_same_bits_are_promised_of_one_process_without_a_gpu_alone():
    assert same_bits(run_file())
    assert not same_bits(run_file(), processes=2)
    assert not same_bits(run_file("cuda:1", "asked for"))


def test_of_a_gpu_it_is_said_that_a_second_run_may_differ_even_here():
    assert "even here" not in by_name(run_file())["device"].elsewhere
    device = by_name(run_file("cuda", "a GPU is here: NVIDIA H200"))["device"]
    assert device.here == "cuda: a GPU is here: NVIDIA H200"
    assert "even here" in device.elsewhere


def test_a_run_toml_of_an_earlier_version_is_said_not_to_record_it():
    found = by_name("[settings]\nepochs = 3\n")
    assert found["torch"].here == found["threads"].here == "not recorded"
    assert not same_bits("[settings]\nepochs = 3\n")
