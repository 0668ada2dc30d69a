"""What a photographer can set, and what stands in front of the camera."""

from typing import Literal

from pydantic import Field

from workflows.models import Fabric, Garment, Hex, Strict, View


class Settings(Strict):
    """The dials of the studio. The defaults are a neutral start, not a picture that every venue takes."""

    width: int = Field(default=1500, ge=200, le=4000, description="width of the picture in pixels")
    height: int = Field(default=2000, ge=200, le=4000, description="height of the picture in pixels")
    camera_distance: float = Field(
        default=2.4,
        ge=1.0,
        le=6.0,
        description="distance of the camera; 2.0 fills 88 % of the frame, fill ~ 1/distance",
    )
    offset_x: float = Field(default=0.0, ge=-0.3, le=0.3, description="shift right, as a share of the frame's width")
    offset_y: float = Field(default=0.0, ge=-0.3, le=0.3, description="shift down, as a share of the frame's height")
    key_light: float = Field(default=1.0, ge=0.2, le=3.0, description="key light; 1.0 exposes the garment nominally")
    fill_light: float = Field(default=0.5, ge=0.0, le=2.0, description="fill light; more of it flattens the folds")
    background_light: float = Field(
        default=1.0,
        ge=0.0,
        le=3.0,
        description="light on the sweep; 1.0 is light grey (235), from 1.3 it is pure white; spills on the garment",
    )
    kelvin: int = Field(default=5500, ge=2500, le=9000, description="colour temperature; 5500 neutral, lower is warmer")
    iso: int = Field(default=100, ge=50, le=6400, description="sensitivity of the sensor; more is noisier")
    exposure: float = Field(default=0.0, ge=-2.0, le=2.0, description="exposure correction in stops")
    focus: float = Field(default=1.0, ge=0.0, le=1.0, description="1.0 is sharp")
    shadow: float = Field(default=0.3, ge=0.0, le=1.0, description="strength of the contact shadow on the sweep")
    backdrop: Hex = Field(default="#ffffff", description="colour of the sweep")
    format: Literal["jpeg", "png"] = Field(default="jpeg", description="file format")
    quality: int = Field(default=90, ge=60, le=98, description="JPEG quality")


class Subject(Strict):
    """A garment on a ghost mannequin.

    `style` decides the cut: one product has one, in every colour and view. `seed` decides the folds and the grain.
    """

    garment: Garment
    fabric: Fabric
    colour: Hex
    view: View = "front"
    style: int | None = Field(default=None, ge=0, le=2**63 - 1, description="the seed's own style if not given")
    seed: int = Field(default=0, ge=0, le=2**63 - 1)
