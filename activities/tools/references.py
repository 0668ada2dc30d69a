"""References: arguments that name something that must exist, and suggestions for those that do not."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, Protocol, get_args, get_origin

from pydantic import BaseModel

from activities.likeness import Named, nearest
from workflows.models import Refusal, Scope

CANDIDATES = 2_000
"""How many names are compared with a wrong one."""

LONGEST = 255
"""Characters of the longest id."""


@dataclass(frozen=True)
class Ref:
    """Marks a text argument as the id of something of this kind.

    `owned_by` names the argument beside it that holds the owner's id, or `scope.run`; another owner's id is refused.
    """

    kind: str
    owned_by: str | None = None


class Directory(Protocol):
    """All things of one kind. An `owner` of `None` means: whoever owns them."""

    async def owners(self, name: str) -> tuple[str, ...] | None:
        """Give the owners of an id (none: it is everybody's), or `None` when there is no such id."""
        ...

    async def candidates(self, owner: str | None, limit: int) -> Sequence[Named]:
        """List what could have been meant."""
        ...

    async def recent(self, owner: str | None, limit: int) -> Sequence[Named]:
        """List what was used last, latest first."""
        ...

    async def touch(self, name: str) -> None:
        """Remember that an id was used now."""
        ...


class Names(Directory):
    """A directory over names that `read` lists: the shortest way to references of your own. They are everybody's."""

    def __init__(self, read: Callable[[], Awaitable[Iterable[Named]]]) -> None:
        """List names by `read`, which is called for every check."""
        self._read = read
        self._used: dict[str, None] = {}

    async def owners(self, name: str) -> tuple[str, ...] | None:
        """Say whether there is such a name."""
        return () if any(each.id == name for each in await self._read()) else None

    async def candidates(self, owner: str | None, limit: int) -> Sequence[Named]:  # noqa: ARG002 - they are everybody's
        """List all names."""
        return list(await self._read())[:limit]

    async def recent(self, owner: str | None, limit: int) -> Sequence[Named]:  # noqa: ARG002 - as above
        """List what this process saw used last, latest first."""
        known = {each.id: each for each in await self._read()}
        return [known[name] for name in reversed(self._used) if name in known][:limit]

    async def touch(self, name: str) -> None:
        """Remember that a name was used now, among the last hundred."""
        self._used.pop(name, None)
        self._used[name] = None
        if len(self._used) > 100:  # noqa: PLR2004 - as the sentence says
            del self._used[next(iter(self._used))]


class Found(NamedTuple):
    """A reference in a call: where it stands, what it is, its value, and the owner it must have."""

    path: str
    ref: Ref
    value: str
    owner: str | None


class Problem(NamedTuple):
    """A reference that cannot stand, and what could."""

    refusal: Refusal
    error: str
    hint: str


class References:
    """Checks every reference of a call against the directory of its kind."""

    def __init__(self, directories: Mapping[str, Directory]) -> None:
        """Look things up in `directories`, by kind."""
        self._directories = dict(directories)

    def unknown_kinds(self, arguments: type[BaseModel]) -> tuple[str, ...]:
        """Name the kinds that are marked in a model of arguments and have no directory."""
        return tuple(sorted({ref.kind for ref in marks(arguments)} - set(self._directories)))

    async def check(self, arguments: BaseModel, scope: Scope) -> tuple[Problem, ...]:
        """Give one problem for each reference that does not stand."""
        found = [await self._check(reference) for reference in references(arguments, scope)]
        return tuple(problem for problem in found if problem)

    async def touch(self, arguments: BaseModel, scope: Scope) -> None:
        """Remember what a successful call referred to."""
        for found in references(arguments, scope):
            await self._directories[found.ref.kind].touch(found.value)

    async def _check(self, found: Found) -> Problem | None:
        directory = self._directories[found.ref.kind]
        shown = found.value[:80]
        # No id has a NUL or is this long, and PostgreSQL raises where SQLite just finds nothing.
        sound = len(found.value) <= LONGEST and "\x00" not in found.value
        owners = await directory.owners(found.value) if sound else None
        if owners is None:
            error = f"{found.path}: there is no {found.ref.kind} {shown!r}"
            return Problem("reference", error, await self._suggest(found))
        if found.owner is not None and owners and found.owner not in owners:
            whose = (found.ref.owned_by or "").removeprefix("scope.")
            error = f"{found.path}: the {found.ref.kind} {shown!r} does not belong to this {whose}"
            return Problem("owner", error, await self._suggest(found))
        return None

    async def _suggest(self, found: Found) -> str:
        directory = self._directories[found.ref.kind]
        near = nearest(found.value, await directory.candidates(found.owner, CANDIDATES))
        recent = [named for named in await directory.recent(found.owner, 6) if named not in near][:3]
        parts = [f"{found.path}: nearest first: {_listed(near)}"] if near else []
        parts += [f"recently used: {_listed(recent)}"] if recent else []
        return "; ".join(parts) or f"{found.path}: there is no {found.ref.kind} yet"


def marks(annotation: Any, seen: frozenset[Any] = frozenset()) -> Iterator[Ref]:  # noqa: ANN401 - any annotation
    """Find every mark inside an annotation, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in seen:
        for field in annotation.model_fields.values():
            yield from (mark for mark in field.metadata if isinstance(mark, Ref))
            yield from marks(field.annotation, seen | {annotation})
    for part in get_args(annotation):
        if isinstance(part, Ref):
            yield part
        else:
            yield from marks(part, seen)


def references(model: BaseModel, scope: Scope, path: str = "") -> Iterator[Found]:
    """Find every reference in validated arguments, in nested models and lists too."""
    for name, field in type(model).model_fields.items():
        annotation = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        for at, ref, value in _walk(annotation, getattr(model, name), f"{path}{name}"):
            if isinstance(value, BaseModel):
                yield from references(value, scope, f"{at}.")
            elif ref is not None:
                yield Found(at, ref, value, _owner(ref, model, scope))


def _walk(annotation: Any, value: Any, path: str, ref: Ref | None = None) -> Iterator[tuple[str, Ref | None, Any]]:  # noqa: ANN401
    """Follow an annotation and a value side by side, down to texts with a mark and to models."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        yield from _walk(inner, value, path, next((m for m in metadata if isinstance(m, Ref)), ref))
    elif isinstance(value, BaseModel):
        yield path, None, value
    elif isinstance(value, str):
        mark = ref or next(marks(annotation), None)
        if mark is not None:
            yield path, mark, value
    elif isinstance(value, list | tuple | set | frozenset):
        for number, each in enumerate(value):
            yield from _walk(_inner(annotation, number), each, f"{path}[{number}]", ref)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _walk(_inner(annotation, -1), each, f"{path}.{key}", ref)


def _inner(annotation: Any, number: int) -> Any:  # noqa: ANN401
    """Give the annotation of an element; of a union or a fixed tuple the whole, which holds its mark too."""
    parts = get_args(annotation)
    if get_origin(annotation) in (list, set, frozenset):
        return parts[0]
    if get_origin(annotation) is tuple:
        return parts[0] if parts[-1] is Ellipsis else parts[number]
    if get_origin(annotation) is dict:
        return parts[1]
    return annotation


def _owner(ref: Ref, model: BaseModel, scope: Scope) -> str | None:
    if ref.owned_by is None:
        return None
    if ref.owned_by.startswith("scope."):
        return str(getattr(scope, ref.owned_by.removeprefix("scope.")))
    return str(getattr(model, ref.owned_by))


def _listed(names: Sequence[Named]) -> str:
    return ", ".join(f"{each.id} ({each.name})" for each in names)
