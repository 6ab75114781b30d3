"""Checks a request body against the official SDK's own parameter types, strictly: unknown members are errors.

The types are TypedDicts, unions of them and lazily validated iterables; this walks them by hand so that every error names
its path.
"""

import types
import typing
from typing import Any, Literal, Union, get_args, get_origin

import typing_extensions

ITERABLES = (list, typing.Iterable, typing.Sequence)


def check(value, expected, path="body"):
    """Returns a list of sentences; empty means the value is valid."""
    origin = get_origin(expected)
    if expected is Any or expected is object:
        return []
    if origin in (typing.Required, typing_extensions.Required, typing.NotRequired, typing_extensions.NotRequired,
                  typing.Annotated):
        return check(value, get_args(expected)[0], path)
    if isinstance(expected, typing.TypeVar) or expected is None:
        return [] if value is None else [f"{path} has to be null"]
    if origin in (Union, types.UnionType):
        problems = [check(value, option, path) for option in get_args(expected)]
        return [] if any(not found for found in problems) else min(problems, key=len)
    if origin in (Literal, typing_extensions.Literal):
        return [] if value in get_args(expected) else [f"{path} is {value!r}, not one of {get_args(expected)}"]
    if typing_extensions.is_typeddict(expected):
        return check_members(value, expected, path)
    if origin is not None and (origin in (list, dict) or issubclass(origin, (typing.Iterable, typing.Mapping))):
        return check_container(value, origin, get_args(expected), path)
    return check_scalar(value, expected, path)


def check_members(value, expected, path):
    if not isinstance(value, dict):
        return [f"{path} has to be an object"]
    hints = typing_extensions.get_type_hints(expected, include_extras=True)
    # Annotations that are strings hide from Python itself what is required.
    required = set(getattr(expected, "__required_keys__", ())) | {
        name for name, hint in hints.items() if get_origin(hint) in (typing.Required, typing_extensions.Required)}
    problems = [f"{path}.{name} is missing" for name in required if name not in value]
    for name, member in value.items():
        if name not in hints:
            problems.append(f"{path}.{name} is unknown")
        else:
            problems += check(member, hints[name], f"{path}.{name}")
    return problems


def check_container(value, origin, arguments, path):
    if issubclass(origin, (dict, typing.Mapping)):
        if not isinstance(value, dict):
            return [f"{path} has to be an object"]
        inner = arguments[1] if len(arguments) > 1 else Any
        return [p for name, member in value.items() for p in check(member, inner, f"{path}.{name}")]
    if not isinstance(value, list):
        return [f"{path} has to be an array"]
    inner = arguments[0] if arguments else Any
    return [p for index, member in enumerate(value) for p in check(member, inner, f"{path}[{index}]")]


def check_scalar(value, expected, path):
    if expected is type(None):
        return [] if value is None else [f"{path} has to be null"]
    if expected is float:
        return [] if isinstance(value, (int, float)) and not isinstance(value, bool) else [f"{path} has to be a number"]
    if expected is int:
        return [] if isinstance(value, int) and not isinstance(value, bool) else [f"{path} has to be an integer"]
    if isinstance(expected, type):
        return [] if isinstance(value, expected) else [f"{path} has to be a {expected.__name__}"]
    return []
