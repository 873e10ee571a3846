"""The one place that builds things: Settings to Services."""
