"""Every dialect that the catalogue offers is held to the library's own definition, or to published weights."""

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
