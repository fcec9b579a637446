"""Mistakes in layer patterns: each is one sentence, the line that it is on, and a caret under its place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from striate.architectures.patterns.pattern import parse
from striate.errors import PatternError

GENERAL = "INPUT -> [[CONV -> RELU]*N -> POOL?]*M -> [FC -> RELU]*K -> FC"
NAMES = "INPUT, CONV, POOL, FC, RELU, LEAKYRELU, ELU, TANH, SIGMOID, BN, LRN, DROPOUT"


def mistake(text):
    with pytest.raises(PatternError) as caught:
        parse(text)
    return str(caught.value)


def test_a_mistake_is_a_sentence_a_line_and_a_caret():
    assert mistake("INPUT -> CONVV 32 -> FC").splitlines() == [
        f"unknown layer 'CONVV'; did you mean CONV? expected {NAMES}",
        "  INPUT -> CONVV 32 -> FC",
        "           ^",
    ]


@pytest.mark.parametrize(
    ("text", "caret", "sentence"),
    [  # the caret's column, counted from the text's first
        (GENERAL, 25, "N stands for a number: write a number in place of N"),
        (GENERAL.replace("*N", "*2"), 30, "POOL? is a choice: write POOL or leave it out"),
        ("INPUT -> POOL ? -> FC", 14, "? is a choice: write the layer or leave it out"),
        ("INPUT -> [POOL]? -> FC", 15, "? is a choice: write the group or leave it out"),
        ("INPUT -> CONV K -> FC", 14, "K stands for a number: write a number in place of K, or leave it out"),
        ("INPUT -> [CONV -> FC", 9, "this bracket is never closed: write a ]"),
        ("INPUT -> FC -> [", 15, "this bracket is never closed: write a ]"),
        ("INPUT -> CONV] -> FC", 13, "this bracket was never opened: leave it out, or write a [ before it"),
        ("INPUT CONV -> FC", 6, "an arrow is missing: write -> before 'CONV'"),
        ("INPUT -> [CONV][FC]", 15, "an arrow is missing: write -> before '['"),
        ("INPUT -> [] -> FC", 9, "these brackets are empty: write a layer in them, or leave them out"),
        ("INPUT -> FC -> ", 12, "nothing follows this arrow: write a layer after it, or leave it out"),
        ("INPUT -> [CONV ->] -> FC", 15, "nothing follows this arrow: write a layer after it, or leave it out"),
        ("INPUT -> -> FC", 9, "found '->'; expected a layer such as CONV before it"),
        ("INPUT --> FC", 6, "found '-'; an arrow is written ->"),
        ("INPUT => FC", 6, "found '=>'; an arrow is written ->"),
        ("INPUT -> [CONV]* -> FC", 17, "expected a whole number, found '->'"),
        ("INPUT -> [FC]*", 14, "expected a whole number, found the end"),
        ("INPUT -> CONV*2 -> FC", 13, "only a group is repeated: write [CONV -> RELU]*2"),
        ("INPUT -> [CONV]x2 -> FC", 15, "found 'x2' after a bracket; a repeat is written *2"),
        ("INPUT -> (CONV)*2 -> FC", 9, "found '(CONV)'; a group stands in square brackets, [ ]"),
        (
            "INPUT 8x8 -> FC",
            6,
            "INPUT does not take '8x8'; it takes a size, channels x height x width, such as 3x32x32",
        ),
        (
            "INPUT 224x224x3 -> FC",
            6,
            "INPUT 224x224x3 has its channels last; write channels x height x width: INPUT 3x224x224",
        ),
        (
            "INPUT 32x48x1 -> FC",
            6,
            "INPUT 32x48x1 has its channels last; write channels x height x width: INPUT 1x32x48",
        ),
        ("", 0, "the pattern is empty; expected layers such as INPUT -> CONV -> RELU -> FC"),
        ("[INPUT -> FC]*0", 0, "no layer is left when the groups repeated 0 times are dropped"),
        ("CONV -> FC", 0, "a pattern starts with INPUT: write INPUT -> before CONV"),
        ("INPUT -> CONV -> INPUT -> FC", 17, "INPUT stands once, at the start: leave this one out"),
        ("INPUT -> FC -> RELU", 15, "a pattern ends with FC, which gives the scores: write -> FC after RELU"),
        ("INPUT -> FC -> CONV -> FC", 15, "CONV after FC: FC leaves no maps for it; write it before the first FC"),
        ("INPUT -> [POOL -> FC]*2", 10, "POOL after FC: FC leaves no maps for it; write it before the first FC"),
    ],
)
def test_a_mistake_between_layers_is_shown_at_its_place(text, caret, sentence):
    said, line, mark = mistake(text).split("\n")
    assert (said, line, mark) == (sentence, "  " + text, " " * (caret + 2) + "^")


@pytest.mark.parametrize(
    ("layer", "caret", "sentence"),
    [
        ("CONV32", 0, "unknown layer 'CONV32'; write a space after CONV"),
        ("MAXPOOL", 0, "found 'MAXPOOL'; write POOL max"),
        ("SOFTMAX", 0, "found 'SOFTMAX'; FC gives the scores, and the loss takes their softmax: leave it out"),
        ("CONV dilaton 2", 5, "CONV does not take 'dilaton'; did you mean dilation? it takes the number of"),
        ("CONV stride 2", 5, "found 'stride'; a stride is written /2"),
        ("CONV global", 5, "CONV does not take 'global'; it takes"),
        ("POOL 64", 5, "POOL does not take '64'; it takes max or avg, 2x2, /2, pad 1 and ceil, or global"),
        ("POOL pad same", 9, "expected a whole number, found 'same'"),
        ("POOL 3x3 pad 2", 9, "a padding of 2 is more than half of a window of 3x3"),
        ("POOL global 2x2", 12, "POOL global takes all that is left: leave '2x2' out"),
        ("POOL max avg", 9, "POOL is given max or avg twice: write it once"),
        ("RELU 5", 5, "RELU does not take '5'; it takes nothing"),
        ("FC 3x3", 3, "FC does not take '3x3'; it takes the number of its units"),
        ("CONV 3x3 5x5", 9, "CONV is given its window twice: write it once"),
        ("CONV /2 /2", 8, "CONV is given its stride twice: write it once"),
        ("CONV bias nobias", 10, "CONV is given bias twice: write it once"),
        ("CONV 5x5 32", 9, "the number of filters stands first: write '32' right after CONV"),
        ("CONV 32 5", 8, "'5' is a second number of filters; a window is written 5x5, a stride /2"),
        ("CONV 0", 5, "found '0'; expected a whole number from 1 to 1,000,000"),
        ("CONV 1000001", 5, "found '1000001'; expected a whole number from 1 to 1,000,000"),
        ("CONV " + "9" * 5000, 5, "found '" + "9" * 40 + "…'; expected a whole number from 1 to 1,000,000"),
        ("CONV 3x0", 5, "found '3x0'; expected a whole number from 1 to 1,000,000"),
        ("CONV 7x7/0", 9, "found '0'; expected a whole number from 1 to 1,000,000"),
        ("CONV -3", 5, "CONV does not take '-3'"),
        (
            "CONV 8 4x4",
            7,
            "a window of 4x4 has no middle, so pad same cannot keep the size: write an odd one such as 3x3",
        ),
        ("CONV 8 groups 3", 0, "3 groups do not divide 8 filters: write a number that divides both"),
        ("CONV 8 groups 2", 0, "2 groups do not divide 3 channels that come in: write a number that divides both"),
        ("DROPOUT 1.5", 8, "found '1.5'; expected a number from 0 to less than 1, such as 0.5"),
        ("[CONV]*100000", 7, "that would be 100,000 layers; expected at most 10,000"),
        ("[[[[BN]*99]*99]*99]*99", 16, "that would be 970,299 layers; expected at most 10,000"),
        ("[BN]*6000 -> [BN]*6000", 13, "that would be 12,001 layers; expected at most 10,000"),
        ("[" * 33 + "BN", 32, "brackets stand in brackets more than 32 deep"),
    ],
)
def test_a_mistake_in_a_layer_is_shown_at_its_place(layer, caret, sentence):
    said, line, mark = mistake(f"INPUT 3x32x32 -> {layer} -> FC").split("\n")
    assert said.startswith(sentence)
    assert line.startswith("  INPUT 3x32x32 -> ") and mark == " " * (len("  INPUT 3x32x32 -> ") + caret) + "^"


def test_of_many_lines_only_the_one_with_the_mistake_is_shown():
    assert mistake("INPUT\n  -> CONV 32\r\n  -> CONVV\n  -> FC").split("\n")[1:] == ["    -> CONVV", "       ^"]


def test_a_mistake_at_the_end_is_shown_on_the_last_line_with_words():
    assert mistake("INPUT\n-> [FC]*\n \n").split("\n")[1:] == ["  -> [FC]*", "          ^"]


@pytest.mark.parametrize(
    ("before", "shown", "columns"),
    [
        ("\x1b[31m", "\\x1b[31m", 8),
        ("層", "層", 2),
        ("e\N{COMBINING ACUTE ACCENT}", "e\N{COMBINING ACUTE ACCENT}", 1),
        ("\t", " ", 1),
        ("\N{IDEOGRAPHIC SPACE}", "\\u3000", 6),
    ],
)
def test_the_caret_stands_right_after_characters_of_any_width(before, shown, columns):
    line, mark = mistake(f"FC -> [FC] {before} -> FC *").split("\n")[1:]
    place = len("FC -> [FC] ") if before.strip() else len(f"FC -> [FC] {' ' * columns} -> FC ")
    assert line == f"  FC -> [FC] {shown} -> FC *"
    assert mark == " " * (2 + place) + "^"


@pytest.mark.parametrize("size", [40, 4000])
def test_a_long_line_is_cut_around_the_caret(size):
    said, line, mark = mistake("INPUT" + " -> BN" * size + " -> 層CONV" + " -> BN" * size + " -> FC").split("\n")
    assert said.startswith("unknown layer '層CONV'")
    assert line[mark.index("^") :].startswith("層CONV -> BN")
    assert line.startswith("  …") and line.endswith("…") and 95 <= len(line) <= 104


def test_a_text_without_end_is_refused():
    assert mistake("INPUT" + " -> BN" * 20_000 + " -> FC").startswith("the pattern has 120,011 characters; expected at")


WORDS = [
    "INPUT",
    "CONV",
    "POOL",
    "FC",
    "RELU",
    "DROPOUT",
    "LEAKYRELU",
    "pad",
    "same",
    "groups",
    "global",
    "ceil",
    "max",
]
SIGNS = [
    "->",
    "→",
    "[",
    "]",
    "*",
    "×",
    "/",
    "x",
    "?",
    "-",
    ">",
    ".",
    "\n",
    " ",
    "0",
    "2",
    "3x3",
    "1x9x9",
    "0.5",
    "10000",
    "²",
]
PIECES = some.lists(some.sampled_from([*WORDS, *SIGNS]), max_size=25)


@settings(max_examples=300)
@given(some.text() | PIECES.map(" ".join) | PIECES.map("".join) | PIECES.map(lambda words: "INPUT->" + "".join(words)))
def test_any_text_is_a_pattern_or_a_mistake_with_a_caret(text):
    try:
        parse(text)
    except PatternError as error:
        said, line, mark = str(error).split("\n")
        assert said and line.startswith("  ") and mark.strip() == "^"
