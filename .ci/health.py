"""The health figures of the house style, read off the syntax trees: printed for comparison, gating nothing."""

import ast
from pathlib import Path
from statistics import median, quantiles

SOURCE, TESTS = Path("striate"), Path("tests")


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body after its docstring."""
    body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
    return (function.end_lineno or body[0].lineno) - body[0].lineno + 1


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    own = function.args
    names = [argument.arg for argument in (*own.posonlyargs, *own.args, *own.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def deferred(tree: ast.Module) -> int:
    """Imports inside functions."""
    return sum(isinstance(node, ast.Import | ast.ImportFrom) for f in functions(tree) for node in ast.walk(f))


def main() -> None:
    trees = {path: ast.parse(path.read_text()) for path in SOURCE.rglob("*.py")}
    every = [function for tree in trees.values() for function in functions(tree)]
    lengths = sorted(lines(function) for function in every)
    source = sum(len(path.read_text().splitlines()) for path in trees)
    tests = sum(len(path.read_text().splitlines()) for path in TESTS.rglob("*.py"))
    most = max(every, key=parameters)
    print(f"health: {len(trees)} files, {source} lines, {len(every)} functions")
    print(f"  function lines: median {median(lengths):.0f}, p90 {quantiles(lengths, n=10)[-1]:.0f} (want at most 28)")
    print(f"  functions over 50 lines: {sum(length > 50 for length in lengths) / len(lengths):.1%} (want at most 1 %)")
    print(f"  most parameters: {parameters(most)} in {most.name} (want at most 8)")
    print(f"  deferred imports: {sum(deferred(tree) for tree in trees.values())} (want at most 5)")
    print(f"  longest file: {max(len(path.read_text().splitlines()) for path in trees)} lines")
    print(f"  tests/source: {tests / source:.2f} (want about 1)")


if __name__ == "__main__":
    main()
