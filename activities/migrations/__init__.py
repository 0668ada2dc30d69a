"""The schema's history: one file a change, run by `Database.prepare`."""
