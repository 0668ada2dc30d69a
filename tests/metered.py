"""Reads metrics as a test wants them: one number for each series, named as in Prometheus."""

from collections import defaultdict

from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client.parser import text_string_to_metric_families

from activities.telemetry import Telemetry


class Metered:
    """Telemetry whose metrics stay in memory."""

    def __init__(self):
        self.reader = InMemoryMetricReader()
        self.telemetry = Telemetry(readers=[self.reader])

    def points(self):
        """Every point by metric and labels; without what Temporal's core counts."""
        data = self.reader.get_metrics_data()
        scopes = [scope for each in data.resource_metrics for scope in each.scope_metrics] if data else []
        return {
            (metric.name, tuple(sorted(point.attributes.items()))): point
            for scope in scopes
            if scope.scope.name == "callsheet"
            for metric in scope.metrics
            for point in metric.data.data_points
        }

    def values(self, name):
        """The values of a counter or gauge by the values of its labels, in the alphabetical order of the labels."""
        found = {}
        for (metric, labels), point in self.points().items():
            if metric == name:
                found[tuple(value for _, value in labels)] = point.value
        return found

    def total(self, name, **labels):
        """The sum of a counter, over all series with these labels."""
        return sum(
            point.value
            for (metric, found), point in self.points().items()
            if metric == name and labels.items() <= dict(found).items()
        )

    def happened(self, name):
        """The values of a counter that are not zero."""
        return {labels: value for labels, value in self.values(name).items() if value}

    def histogram(self, name, **labels):
        """How often something was observed, and the sum of it."""
        points = [
            point
            for (metric, found), point in self.points().items()
            if metric == name and labels.items() <= dict(found).items()
        ]
        return sum(point.count for point in points), sum(point.sum for point in points)


def scraped(*texts):
    """The samples of some scrapes, summed up by name and labels."""
    sums = defaultdict(float)
    for text in texts:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                sums[sample.name, tuple(sorted(sample.labels.items()))] += sample.value
    return dict(sums)
