"""A marker for fields that may be absent but, if they are there, may not be null.

`None` then stands for "absent" in Python while the contract refuses an explicit JSON null:
`odds: Annotated[Amount | None, NeverNull] = None`.
"""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema


class NeverNull:
    """Marks a field whose `None` means absent only; used as the class itself, not an instance."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Judge values by the annotation without its `None`."""
        return handler.generate_schema(without_none(source))


def without_none(annotation: Any) -> Any:
    """Take `None` out of a union of one other member; anything else is returned as it is."""
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    (inner,) = [one for one in get_args(annotation) if one is not NoneType]
    return inner


def allows_none(annotation: Any) -> bool:
    """Tell whether an annotation is a union with `None`."""
    if get_origin(annotation) is Annotated:
        return allows_none(get_args(annotation)[0])
    return get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation)
