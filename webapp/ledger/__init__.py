"""The one place that pages, charts, API and exports ask about money."""
