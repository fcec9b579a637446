"""Small mistakes planted in a function, one at a time: what a mutant is, and how it takes the place of the original.

Source: DeMillo, Lipton, Sayward 1978, "Hints on test data selection": tests that find the small mistakes of a good
programmer find most others too. Mistakes that change nothing but a type, and errors in sentences, are not planted.
"""

import ast
import inspect
import re
from contextlib import contextmanager
from functools import cache
from itertools import combinations
from types import CodeType
from typing import NamedTuple

SWAPPED = [
    (ast.Add, ast.Sub),
    (ast.Mult, ast.Div),
    (ast.Gt, ast.Lt),
    (ast.GtE, ast.LtE),
    (ast.Eq, ast.NotEq),
    (ast.In, ast.NotIn),
    (ast.Is, ast.IsNot),
]
INSTEAD = {old: new for pair in SWAPPED for old, new in (pair, pair[::-1])}
CONVERSIONS = {"asarray", "astype", "floating", "int", "tuple"}


class Mutant(NamedTuple):
    """The line as it is with the mistake, and the function's code."""

    line: str
    code: CodeType


@cache
def mutants(function):
    """Every mutant of a function or method."""
    source = inspect.getsource(inspect.getmodule(function))
    names = function.__qualname__.split(".")
    made = []
    for node in _nodes(_definition(ast.parse(source), names)):
        for old, new in mistakes(node):
            text = _replaced(source, old, new)
            made.append(Mutant(text.splitlines()[old.lineno - 1].strip(), _code(text, names)))
    return made


def mistakes(node):
    """What may be written wrongly here: a part of the node, and what stands instead of it."""
    yield from wrong_operators(node)
    yield from wrong_values(node)
    yield from steps_left_out(node)


def wrong_operators(node):
    match node:
        case ast.BinOp(left, operator, right):
            if type(operator) in INSTEAD:
                yield node, ast.BinOp(left, INSTEAD[type(operator)](), right)
            if isinstance(operator, ast.MatMult):
                yield node, ast.BinOp(right, operator, left)
            if isinstance(operator, ast.Pow):
                yield right, ast.BinOp(right, ast.Add(), ast.Constant(1))
                yield right, ast.BinOp(right, ast.Sub(), ast.Constant(1))
        case ast.AugAssign(_, _, value):
            yield value, ast.UnaryOp(ast.USub(), value)
        case ast.Compare(left, [operator], right):
            yield node, ast.Compare(left, [INSTEAD[type(operator)]()], right)
        case ast.If(test):
            yield test, ast.UnaryOp(ast.Not(), test)
        case ast.IfExp(test, body, other):
            yield node, ast.IfExp(test, other, body)


def wrong_values(node):
    match node:
        case ast.Constant(value) if type(value) in (int, float):
            yield node, ast.Constant(value + 1)
        case ast.Call(ast.Name("einstein"), [formula, *_]):
            yield from ((formula, ast.Constant(other)) for other in swapped_indices(formula.value))
        case ast.Return(ast.Tuple(values) as gradients):
            yield from ((gradients, ast.Tuple(order)) for order in swapped(values))


def steps_left_out(node):
    match node:
        case ast.BinOp(left, _, right):
            yield from ((node, left), (node, right))
        case ast.UnaryOp(ast.USub(), operand):
            yield node, operand
        case ast.Call(ast.Attribute(_, name) | ast.Name(name)) if name in {"einstein", *CONVERSIONS}:
            pass
        case ast.Call(ast.Attribute(ast.Name("np")) | ast.Name(), [first, *_]) if not isinstance(first, ast.Starred):
            yield node, first
        case ast.Call(ast.Attribute(value)) | ast.Subscript(value, _, ast.Load()):
            yield node, value


def swapped(things):
    """The things with two of them in each other's place."""
    for one, other in combinations(range(len(things)), 2):
        order = list(things)
        order[one], order[other] = things[other], things[one]
        yield order


def swapped_indices(formula):
    """The formula with two indices of one tensor in each other's place."""
    for term in re.finditer(r"\[([^]]*)\]", formula):
        for order in swapped(term[1].split(", ")):
            yield f"{formula[: term.start()]}[{', '.join(order)}]{formula[term.end() :]}"


@contextmanager
def planted(function, mutant):
    """The function does as the mutant says, wherever it is known; then as before."""
    original = function.__code__
    function.__code__ = mutant.code
    try:
        yield
    finally:
        function.__code__ = original


def _definition(tree, names):
    for name in names:
        tree = next(node for node in tree.body if getattr(node, "name", "") == name)
    return tree


def _nodes(definition):
    """All that makes the gradient: of `forward` only what it keeps, and nothing that guards: `if …: raise …`."""
    keeps = [one for one in definition.body if ast.unparse(one).startswith("self.keep(")]
    guards = [one for one in definition.body if isinstance(one, ast.If) and isinstance(one.body[-1], ast.Raise)]
    body = keeps if definition.name == "forward" else [one for one in definition.body if one not in guards]
    return [node for one in body for node in ast.walk(one)]


def _replaced(source, old, new):
    """The source with another expression in the place of one; places are counted in bytes."""
    lines = source.encode().splitlines(keepends=True)
    before, after = b"".join(lines[: old.lineno - 1]), b"".join(lines[old.end_lineno - 1 :])
    first = before + lines[old.lineno - 1][: old.col_offset]
    text = ast.unparse(new)
    whole = text if isinstance(new, ast.Constant | ast.Name | ast.Call | ast.Subscript | ast.Tuple) else f"({text})"
    return (first + whole.encode() + after[old.end_col_offset :]).decode()


def _code(source, names):
    code = compile(source, "mutant", "exec")
    for name in names:
        code = next(one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == name)
    return code
