"""The measuring desk: facts about stored images, by the rules of their venue."""

import asyncio

from temporalio import activity

from activities.assets import Assets
from activities.database import now
from activities.images import Images
from activities.studio.duplicates import Fingerprint
from activities.studio.measure import fingerprint, measure
from activities.studio.picture import UnreadableError
from activities.studio.profiles import Profiles
from workflows.models import FactSheet, MeasureRequest, asset_id
from workflows.ports import Studio


class StudioDesk(Studio):
    """Implements the port over the studio's measures."""

    def __init__(self, images: Images, assets: Assets, profiles: Profiles) -> None:
        """Read bytes from `assets`, compare with `images` of the same set, judge by `profiles`."""
        self._images = images
        self._assets = assets
        self._profiles = profiles

    @activity.defn(name="measure_image")
    async def measure(self, request: MeasureRequest) -> FactSheet:
        """Measure the stored bytes against the rules of the shot's venue that are in force today."""
        shot = request.shot
        profile = self._profiles.get(shot.profile, on=now().date())
        data = await self._assets.get(request.digest)
        # One venue's images are a set. The same shot for another venue may look alike, an earlier take has to.
        beside = await self._images.beside(request.run, shot.key, shot.profile)
        others = [Fingerprint.model_validate_json(image.print) for image in beside if image.print]
        facts = await asyncio.to_thread(
            measure, data, colour_hex=shot.colour.hex, view=shot.view, profile=profile, others=others
        )
        await self._remember(request, data)
        return FactSheet(digest=request.digest, profile=profile.id, version=profile.version, facts=facts)

    async def _remember(self, request: MeasureRequest, data: bytes) -> None:
        try:
            found = await asyncio.to_thread(fingerprint, data)
        except UnreadableError:
            return
        await self._images.keep_print(request.run, request.shot.key, asset_id(request.digest), found.model_dump_json())
