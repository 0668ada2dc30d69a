"""The review desk: a web page where people see the artefact and decide."""
