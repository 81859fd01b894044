"""A cache in this process, for those who want one without Redis.  Other processes do not see it."""
