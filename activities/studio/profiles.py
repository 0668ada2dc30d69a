"""Venue rules as data: versioned profile files, each with its source and the settings that we advise."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from activities.studio.settings import Settings
from workflows.models import Strict

SHIPPED = Path(__file__).parent / "profiles"


class ProfileError(Exception):
    """A profile file that cannot be used, or a profile that is not there."""


class Rule(Strict):
    """What all rules share: whether breaking one keeps an image out, or is only worth a remark."""

    level: Literal["required", "advised"] = "required"

    @property
    def required(self) -> bool:
        """Whether the venue insists."""
        return self.level == "required"


class Size(Rule):
    """Sides in pixels."""

    longest_at_least: int = Field(default=0, ge=0)
    width_at_least: int = Field(default=0, ge=0)
    height_at_least: int = Field(default=0, ge=0)
    longest_at_most: int = Field(default=30_000, ge=1)


class Aspect(Rule):
    """Width divided by height."""

    ratio: float = Field(gt=0)
    tolerance: float = Field(default=0.004, gt=0)


class Format(Rule):
    """File formats, as decoded."""

    allowed: tuple[Literal["jpeg", "png", "webp", "gif", "tiff", "bmp"], ...] = Field(min_length=1)


class Bytes(Rule):
    """Size of the file."""

    at_most: int = Field(gt=0)


class White(Rule):
    """How white the background is: the darkest channel value allowed, the widest gap between channels, and strays."""

    at_least: int = Field(ge=0, le=255)
    cast_at_most: int = Field(default=255, ge=0, le=255)
    strays_at_most: float = Field(default=0.0, ge=0, le=1, description="share of the background that may be off")


class AtMost(Rule):
    """One measure with a ceiling."""

    at_most: float


class Between(Rule):
    """One measure with a floor and a ceiling."""

    at_least: float
    at_most: float


class Provenance(Rule):
    """The IPTC digital source type that the file must carry."""

    source_type: str


class Rules(Strict):
    """The rules of one venue; one that is left out is not judged. Units stand with the facts."""

    size: Size | None = None
    aspect: Aspect | None = None
    format: Format | None = None
    bytes: Bytes | None = None
    background_white: White | None = None
    background_uniform: AtMost | None = None
    frame_fill: Between | None = None
    centring: AtMost | None = None
    sharpness: AtMost | None = None
    noise: AtMost | None = None
    exposure: AtMost | None = None
    clipping: AtMost | None = None
    garment_colour: AtMost | None = None
    duplicate: Between | None = None
    provenance: Provenance | None = None


class Profile(Strict):
    """One version of a venue's rules. `advised` are settings that keep inside them for a mid-tone garment."""

    id: str = Field(pattern=r"^[a-z0-9]+(\.[a-z0-9]+)+$")
    version: str = Field(min_length=1, max_length=20)
    effective_from: date
    source: str = Field(min_length=1)
    checked_on: date
    rules: Rules
    advised: Settings


class Profiles:
    """All profiles, by id and version."""

    def __init__(self, each: Iterable[Profile]) -> None:
        """Hold profiles; the same version twice is a mistake."""
        self._each: dict[str, list[Profile]] = {}
        for profile in sorted(each, key=lambda p: (p.effective_from, p.version)):
            known = self._each.setdefault(profile.id, [])
            if any(k.version == profile.version for k in known):
                raise ProfileError(f"profile {profile.id} has version {profile.version} twice")
            known.append(profile)

    @classmethod
    def load(cls, folder: Path = SHIPPED) -> Self:
        """Read every `<id>@<version>.yaml` of a folder."""
        return cls(read(path) for path in sorted(folder.glob("*.yaml")))

    def ids(self) -> tuple[str, ...]:
        """The ids of all profiles, in order."""
        return tuple(sorted(self._each))

    def get(self, profile: str, *, on: date | None = None, version: str = "") -> Profile:
        """The newest profile of this id, of those in force `on` a day if one is given, or exactly this version."""
        known = self._each.get(profile, [])
        if version:
            known = [p for p in known if p.version == version]
        if on is not None:
            known = [p for p in known if p.effective_from <= on]
        if not known:
            raise ProfileError(f"no profile {profile}{version and '@' + version}; there are {', '.join(self.ids())}")
        return known[-1]


def read(path: Path) -> Profile:
    """Read one profile file; a mistake in it is named with its file and field."""
    try:
        profile = Profile.model_validate(YAML(typ="safe", pure=True).load(path.read_text("utf-8")))
    except (YAMLError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path.name}: not readable as YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors())
        raise ProfileError(f"{path.name}: {'; '.join(faults)}") from error
    if path.name != f"{profile.id}@{profile.version}.yaml":
        raise ProfileError(f"{path.name}: id, version: the file must be named {profile.id}@{profile.version}.yaml")
    return profile
