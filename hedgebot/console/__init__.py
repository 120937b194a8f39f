"""What people touch: command line, status, reports, dashboard."""
