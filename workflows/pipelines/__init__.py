"""The pipelines that ship with Callsheet. This tuple is the only registration."""

from workflows.pipelines.image_production import ImageProduction, ShootItem
from workflows.pipelines.single_agent import SingleAgent
from workflows.pipelines.solo_production import SoloItem, SoloProduction

PIPELINES = (ImageProduction, ShootItem, SingleAgent, SoloProduction, SoloItem)
