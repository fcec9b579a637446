"""Every dialect that the catalogue offers is held to the library's own definition, or to published weights."""

import re

from striate.architectures.catalogue import CATALOGUE
from tests.peers.counterparts import COUNTERPARTS

HELD_ELSEWHERE = {  # by published weights, or by the names of published files
    "akamaster": "tests/architectures/test_resnet_cifar.py",
    "tensorflow": "tests/architectures/test_mobilenet.py",
    "caffe": "tests/architectures/test_squeezenet.py",
    "torchvision_2017": "tests/architectures/test_densenet.py",
}


def test_no_dialect_is_offered_that_nothing_holds():
    offered = {(name, dialect) for name, entry in CATALOGUE.items() for dialect in entry.names}
    held = {(name, counterpart.dialect) for name, all_ in COUNTERPARTS.items() for counterpart in all_}
    held |= {(name, counterpart.library) for name, all_ in COUNTERPARTS.items() for counterpart in all_}
    assert {(name, dialect) for name, dialect in offered - held if dialect not in HELD_ELSEWHERE} == set()


def test_means_and_spreads_are_those_of_the_weights_whose_accuracy_is_quoted(timm):
    checked = 0
    for name, entry in CATALOGUE.items():
        said = re.fullmatch(r"timm, weights (\S+), one crop of \d+", entry.accuracy.source if entry.accuracy else "")
        if said:
            theirs = timm.get_pretrained_cfg(said[1] if "." in said[1] else f"{name}.{said[1]}")
            assert (entry.mean, entry.std) == (theirs.mean, theirs.std), name
            checked += 1
    assert checked > 15
