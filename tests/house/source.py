"""The rooms' source, read as text and as syntax trees."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("biologidex", "consumers", "domain", "graph", "realtime", "vision")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the rooms but migrations, by its path from the root."""
    paths = (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if "migrations" not in path.parts)
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in paths}


def lines_of(path: str) -> int:
    return len((ROOT / path).read_text().splitlines())


def functions() -> Iterator[tuple[str, Function]]:
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, Function):
                yield path, node


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call in a tree with the dotted name of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def strings_of(node: ast.expr, tree: ast.Module) -> set[str]:
    """The texts that an expression can be: a constant, one of two, or a name that the module (or what it imports) gives a text."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp():
            return strings_of(node.body, tree) | strings_of(node.orelse, tree)
        case ast.Name(id=name):
            return {text for each in ast.walk(tree) for text in _assigned(each, name, tree)}
    return set()


def _assigned(node: ast.AST, name: str, tree: ast.Module) -> set[str]:
    match node:
        case ast.Assign(targets=[ast.Name(id=target)]) if target == name:
            return strings_of(node.value, tree)
    return set()
